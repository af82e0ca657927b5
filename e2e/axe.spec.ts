/**
 * axe finds nothing on any page in any of its states. Every rule in light; in dark the contrast of colours again, since
 * nothing else differs between the two.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { makeDisplay } from '../tests/harness/displays.ts';
import { insertOperation } from '../tests/harness/world.ts';
import { openScreen, readCode } from './harness/displays.ts';
import { stampOf, untilLive } from './harness/hub-page.ts';
import { addMember } from './harness/people.ts';
import { addType, reportEnd, reportRunning } from './harness/reports.ts';
import { expect, hubPath, test } from './harness/test.ts';

async function expectClean(page: Page, what: string): Promise<void> {
  // Nothing may be judged in the middle of a fade.
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  const ink = () => page.evaluate(() => getComputedStyle(document.body).color);
  const light = await ink();
  // No page of ours has frames, for which the other mode opens a page of its own each time.
  const axe = () => new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await axe().analyze();
  expect(violations, `${what}, light`).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  expect(await ink()).not.toBe(light);
  const dark = await axe().withRules(['color-contrast']).analyze();
  expect(dark.violations, `${what}, dark`).toEqual([]);
}

test('the hub where nothing was reported, and in each of its tabs', async ({ world, open }) => {
  test.setTimeout(180_000); // nine pages, each judged twice
  const type = await addType(world, 1);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await expectClean(page, 'nothing reported');
  await reportRunning(world, world.a1, type);
  await reportRunning(world, world.a2);
  for (const outcome of ['succeeded', 'failed', 'blocked', 'partially_succeeded', 'cancelled'] as const)
    await reportEnd(world, world.a1, outcome, { type: `kind.${outcome}` });
  for (const tab of ['', 'active', 'needs_follow_up', 'stale', 'failed', 'blocked', 'partial', 'succeeded']) {
    await page.goto(hubPath(world.a, tab && `?activeTab=${tab}`));
    await untilLive(page);
    await expect(page.locator('tbody tr')).not.toHaveCount(0);
    await expectClean(page, `tab ${tab || 'all'}`);
  }
});

test('the hub with filters, their menu, nothing that matches, its keys, and paused', async ({ world, open }) => {
  await reportEnd(world, world.a1, 'failed', { type: 'kind.failed' });
  const { page } = await open(
    world.everyone,
    hubPath(world.a, `?environment_id=${world.a1}&type=kind.failed&status=completed&q=kind&from=7d`)
  );
  await untilLive(page);
  await page.keyboard.press('f');
  await expect(page.locator('.filter input:focus')).toHaveCount(1);
  await expectClean(page, 'filtered, with the menu of filters');
  await page.keyboard.press('Escape');
  await page.goto(hubPath(world.a, '?q=nothing-is-called-that'));
  await untilLive(page);
  await expectClean(page, 'nothing matches');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await expectClean(page, 'keys');
  await page.keyboard.press('Escape');
  await page.keyboard.press('p');
  await expect(stampOf(page)).toHaveText('Paused');
  await expectClean(page, 'paused');
});

test('an operation that is queued, running, stale, failed, reviewed, and with its diagnostics', async ({
  world,
  open
}) => {
  const support = await addMember(world, 'support');
  const stale = await reportRunning(world, world.a1, await addType(world, 1));
  const failed = await reportEnd(world, world.a1, 'failed');
  for (const [what, id] of [
    ['queued', await insertOperation(world.writer, world.a, world.a1)],
    ['running', await reportRunning(world, world.a1)],
    ['stale', stale],
    ['failed', failed]
  ] as const) {
    const { page, context } = await open(world.everyone, hubPath(world.a, `/${id}`));
    await untilLive(page);
    if (what === 'stale') await expect(page.locator('.title')).toContainText('Stale');
    await expectClean(page, what);
    if (what === 'failed') {
      await page.getByRole('button', { name: 'Mark reviewed' }).click();
      await expect(page.locator('.title')).toContainText('Reviewed');
      await expectClean(page, 'reviewed');
    }
    await context.close();
  }
  const { page } = await open(support, hubPath(world.a, `/${failed}`));
  await untilLive(page);
  await page.locator('summary', { hasText: 'Diagnostics' }).click();
  await expect(page.getByLabel('Diagnostics as JSON')).toBeVisible();
  await expectClean(page, 'with diagnostics');
});

test('the overview, the chooser, signing in and the error pages', async ({ world, open, browser, baseURL }) => {
  const { page } = await open(world.everyone, `/admin/workspaces/${world.a}`);
  await untilLive(page);
  await expectClean(page, 'overview where nothing was reported');
  await reportEnd(world, world.a1, 'failed');
  await reportEnd(world, world.a2, 'succeeded');
  await expect(page.locator('.tile').first()).toContainText('Failed');
  await expectClean(page, 'overview');
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'readonly')`, [
    world.b,
    world.everyone.id
  ]);
  for (const path of ['/admin', hubPath(world.a, '?rows=7'), hubPath(999_999)]) {
    await page.goto(path);
    await expectClean(page, path);
  }
  const stranger = await browser.newContext({ baseURL: baseURL! });
  const login = await stranger.newPage();
  await login.goto('/login');
  await expectClean(login, 'login');
  await stranger.close();
});

test('displays: none, a screen that waits, one that is paired, and what was wrong', async ({
  world,
  open,
  browser,
  baseURL
}) => {
  const { page } = await open(await addMember(world, 'manager'), `/admin/workspaces/${world.a}/displays`);
  await expectClean(page, 'no display');
  const screen = await openScreen(browser, baseURL!);
  await page.goto(`/pair?code=${await readCode(screen.page)}`);
  await expect(page.getByText('This screen asks to be a display')).toBeVisible();
  await expectClean(page, 'a screen that waits');
  await page.getByLabel('Name').fill('Too far');
  await page.getByLabel('Read from, metres').fill('30');
  await page.getByRole('button', { name: 'Approve this screen' }).click();
  await expect(page.getByRole('alert')).toContainText('inches');
  await expectClean(page, 'a size that cannot be read');
  await screen.context.close();
  const { id } = await makeDisplay(world.owner, world.a, [world.a1], 'NOC, left');
  await page.goto(`/admin/workspaces/${world.a}/displays`);
  await expectClean(page, 'displays');
  await page.goto(`/admin/workspaces/${world.a}/displays/${id}`);
  await expectClean(page, 'a display');
});
