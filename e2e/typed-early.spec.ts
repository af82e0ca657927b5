/** Quick hands: what is entered while the page's scripts are still on their way is not lost when they arrive. */
import type { Page } from '@playwright/test';
import { untilLive } from './harness/hub-page.ts';
import { expect, hubPath, test } from './harness/test.ts';

/**
 * Holds every script of the pages to come; from their arrival on, Svelte takes the attributes `value` and `checked` away
 * from the fields that it took over, and only then may anything have been lost.
 * @returns lets them go
 */
async function holdScripts(page: Page): Promise<() => void> {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/_app/immutable/**/*.js', async (route) => {
    await released;
    await route.continue();
  });
  return release;
}
test('an address and a password are still there', async ({ page }) => {
  const release = await holdScripts(page);
  await page.goto('/login', { waitUntil: 'commit' });
  await page.getByLabel('Email').fill('quick@hands.example');
  await page.getByLabel('Password').fill('typed before the scripts');
  await expect(page.locator('input[name=password][value]')).toHaveCount(1);
  release();
  await expect(page.locator('input[name=password][value]')).toHaveCount(0);
  await expect(page.getByLabel('Email')).toHaveValue('quick@hands.example');
  await expect(page.getByLabel('Password')).toHaveValue('typed before the scripts');
});

test('a choice of colours and of a time zone are still there, and are what is saved', async ({ world, open }) => {
  const { page } = await open(world.everyone, '/account');
  const release = await holdScripts(page);
  await page.goto('/account', { waitUntil: 'commit' });
  await page.getByRole('radio', { name: 'Dark' }).check();
  await page.getByLabel('Time zone').selectOption('Europe/Berlin');
  await expect(page.locator('input[name=theme][checked]')).toHaveCount(1);
  release();
  await expect(page.locator('input[name=theme][checked]')).toHaveCount(0);
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();
  await expect(page.getByLabel('Time zone')).toHaveValue('Europe/Berlin');
});

test('a word to search for is still there, and is searched for', async ({ world, open }) => {
  const { page } = await open(world.everyone, hubPath(world.a));
  const release = await holdScripts(page);
  await page.goto(hubPath(world.a), { waitUntil: 'commit' });
  await page.getByRole('searchbox').fill('typed early');
  release();
  await untilLive(page);
  await expect(page.getByRole('searchbox')).toHaveValue('typed early');
  await expect(page).toHaveURL(/q=typed(\+|%20)early/);
});
