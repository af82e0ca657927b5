/**
 * Signing in and out in a real browser, on the built server with the demo. The people are the demo's; their password is
 * the one that the server was started with.
 */
import { expect, test, type Page } from '@playwright/test';
import { DEMO_PEOPLE } from '../src/lib/server/demo/cast.ts';

const PASSWORD = process.env['WATCHFLOOR_DEMO_PASSWORD'] ?? '';
/** one workspace / several */
const MANAGER = DEMO_PEOPLE.find(({ role }) => role === 'manager')!;
const SUPPORT = DEMO_PEOPLE.find(({ role }) => role === 'support')!;

async function enter(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('whoever is not signed in is sent to sign in, whether or not the page exists', async ({ page }) => {
  for (const path of ['/admin/workspaces/1/operations', '/admin/workspaces/999999/operations', '/admin/nothing']) {
    await page.goto(path);
    await expect(page).toHaveURL(`/login?next=${encodeURIComponent(path)}`);
  }
  await page.goto('/%61dmin');
  await expect(page).toHaveURL(/\/login/);
});

test('a person of one workspace gets straight into it, and out again', async ({ page, context }) => {
  await page.goto('/');
  await enter(page, MANAGER.email);
  await expect(page).toHaveURL(/\/admin\/workspaces\/\d+\/operations$/);
  const [cookie] = (await context.cookies()).filter(({ name }) => name.includes('watchfloor') && !name.includes('_'));
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' });

  // Live, so that the end of the session reaches the page before the browser has its answer.
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await page.locator('summary', { hasText: MANAGER.name }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL('/login');
  await context.addCookies([cookie!]);
  await page.goto('/admin');
  await expect(page, 'the old cookie counts no more').toHaveURL('/login');
});

test('a person of several workspaces chooses', async ({ page }) => {
  await page.goto('/login');
  await enter(page, SUPPORT.email);
  await expect(page).toHaveURL('/admin');
  // Each leads into its hub, and beside that to its overview.
  const names = Object.keys(SUPPORT.workspaces);
  await expect(page.getByRole('main').getByRole('link')).toHaveCount(2 * names.length);
  for (const name of names) await expect(page.getByRole('link', { name: `Overview of ${name}` })).toHaveCount(1);
});

test('after signing in one is where one wanted to go, but never on another site', async ({ page }) => {
  await page.goto(`/login?next=${encodeURIComponent('/admin?from=mail')}`);
  await enter(page, SUPPORT.email);
  await expect(page).toHaveURL('/admin?from=mail');
  for (const next of [
    'https://elsewhere.example/',
    '//elsewhere.example',
    '/.//elsewhere.example',
    '/\\elsewhere.example'
  ]) {
    await page.goto(`/login?next=${encodeURIComponent(next)}`);
    await expect(page).toHaveURL('/admin');
  }
});

test('a wrong password and an unknown account are answered alike', async ({ page }) => {
  const answers: string[] = [];
  for (const email of [MANAGER.email, 'nobody@example.com']) {
    await page.goto('/login');
    const [response] = await Promise.all([
      page.waitForResponse((answer) => answer.request().method() === 'POST'),
      enter(page, email, 'a wrong password')
    ]);
    expect(response.status()).toBe(400);
    await expect(page.getByLabel('Email')).toHaveValue(email);
    answers.push(await page.getByRole('alert').innerText());
  }
  expect(answers[0]).toContain('do not belong to an active account');
  expect(answers[1]).toBe(answers[0]);
});

test('signing in works without JavaScript', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, ...(baseURL && { baseURL }) });
  const page = await context.newPage();
  await page.goto('/login');
  await enter(page, MANAGER.email);
  await expect(page).toHaveURL(/\/operations$/);
  await context.close();
});
