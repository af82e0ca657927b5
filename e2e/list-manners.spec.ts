/**
 * How the list behaves under a person's hands, in a real browser: nothing moves when scripts start, nothing moves under
 * pointer, focus or a scrolled page, paused means still, and every page is usable by keyboard, without scripts, and by axe.
 */
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { rowOf, shownIds, stampOf, untilLive } from './harness/hub-page.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';
import { insertOperation, type World } from '../tests/harness/world.ts';

const JAVASCRIPT_LIMIT = 90 * 1024;

async function fill(world: World, rows: number): Promise<void> {
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'inventory.sync' from generate_series(1, $3)`,
    [world.a, world.a1, rows]
  );
}

const tops = (page: Page): Promise<number[]> =>
  page.locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().top));

const pill = (page: Page) => page.getByRole('button', { name: /new operations?$/ });

for (const viewport of [
  { width: 1440, height: 900 },
  { width: 390, height: 844 }
]) {
  test(`no row's top moves between the server's HTML and live, ${viewport.width} px wide`, async ({ world, open }) => {
    await fill(world, 30);
    const { page } = await open(world.everyone, 'about:blank', { viewport });
    let letScriptsIn = (): void => {};
    const scriptsMay = new Promise<void>((resolve) => (letScriptsIn = resolve));
    await page.route('**/*.js', async (route) => {
      await scriptsMay;
      await route.continue();
    });
    await page.goto(hubPath(world.a), { waitUntil: 'commit' });
    await expect(page.locator('tbody tr')).toHaveCount(25);
    await page.evaluate(() => document.fonts.ready);
    await expect(stampOf(page)).toHaveText(/^As of /);
    const before = await tops(page);
    letScriptsIn();
    await untilLive(page);
    const after = await tops(page);
    expect(after).toHaveLength(before.length);
    for (const [i, top] of before.entries()) expect(Math.abs(after[i]! - top)).toBeLessThanOrEqual(1);
  });
}

test('the scripts of the hub are at most 90 KB gzipped before the first interaction', async ({ world, open }) => {
  await fill(world, 3);
  const { page } = await open(world.everyone, 'about:blank');
  const sizes: Promise<number>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') {
      sizes.push(response.body().then((body) => gzipSync(body).byteLength));
    }
  });
  await page.goto(hubPath(world.a));
  await untilLive(page);
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(20 * 1024);
  expect(total).toBeLessThanOrEqual(JAVASCRIPT_LIMIT);
});

test('new rows wait behind the pill while the pointer is in the list, and the pill can be reached', async ({
  world,
  open
}) => {
  await fill(world, 10);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await page.locator('tbody tr').nth(4).hover();
  const before = await shownIds(page);
  const id = await insertOperation(world.writer, world.a, world.a1, 'late.arrival');
  await expect(pill(page)).toHaveText('1 new operation');
  expect(await shownIds(page)).toEqual(before);
  await pill(page).click();
  expect((await shownIds(page))[0]).toBe(id);
  await expect(pill(page)).toHaveCount(0);
});

test('new rows enter by themselves when nobody is in the list', async ({ world, open }) => {
  await fill(world, 3);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  const id = await insertOperation(world.writer, world.a, world.a1, 'late.arrival');
  await expect.poll(async () => (await shownIds(page))[0]).toBe(id);
  await expect(pill(page)).toHaveCount(0);
});

test('a row stands still under the focus, also while others change and leave', async ({ world, open }) => {
  await fill(world, 10);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('j');
  const focused = page.locator('tbody tr:has(a:focus)');
  const top = (await focused.boundingBox())!.y;
  const href = await focused.locator('.op__link').getAttribute('href');
  await insertOperation(world.writer, world.a, world.a1, 'late.arrival');
  await expect(pill(page)).toBeVisible();
  expect((await focused.boundingBox())!.y).toBe(top);
  expect(await focused.locator('.op__link').getAttribute('href')).toBe(href);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(href!);
});

test('a page scrolled down does not drift when rows come in above', async ({ world, open }) => {
  await fill(world, 40);
  const { page } = await open(world.everyone, hubPath(world.a), { viewport: { width: 1280, height: 600 } });
  await untilLive(page);
  await page.evaluate(() => window.scrollTo(0, 700));
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(700);
  const before = await tops(page);
  await insertOperation(world.writer, world.a, world.a1, 'late.arrival');
  await expect(pill(page)).toBeVisible();
  expect(await tops(page)).toEqual(before);
  expect(await page.evaluate(() => window.scrollY)).toBe(700);
});

test('paused, what is on screen stays and the pill counts; resumed, it is as the server has it', async ({
  world,
  open
}) => {
  const id = await insertOperation(world.writer, world.a, world.a1, 'inventory.sync');
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await page.keyboard.press('p');
  await expect(stampOf(page)).toHaveText('Paused');
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [id]);
  const late = await insertOperation(world.writer, world.a, world.a1, 'late.arrival');
  await expect(pill(page)).toHaveText('1 new operation');
  await expect(rowOf(page, id)).toContainText('Queued');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(stampOf(page)).toHaveText('Live');
  await expect(rowOf(page, id)).toContainText('Running');
  await expect(rowOf(page, late)).toBeVisible();
});

test('without scripts the list is complete, says that it is not live, and can be filtered and paged', async ({
  world,
  open
}) => {
  await fill(world, 30);
  const { page } = await open(world.everyone, hubPath(world.a), { javaScriptEnabled: false });
  await expect(page.locator('tbody tr')).toHaveCount(25);
  // Playwright's text search passes over <noscript>
  await expect(page.locator('noscript .still')).toBeVisible();
  await expect(stampOf(page)).toHaveText(/^As of \d\d:\d\d:\d\d$/);
  await expect(page.getByRole('button', { name: 'Pause' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Older' }).click();
  await expect(page.locator('tbody tr')).toHaveCount(5);
  await page.locator('summary', { hasText: 'All environments' }).click();
  await page.locator(`a[href$="environment_id=${world.a2}"]`).click();
  await expect(page).toHaveURL(new RegExp(`environment_id=${world.a2}$`));
  await expect(page.getByRole('link', { name: 'Clear environment' })).toBeVisible();
  await page.getByRole('link', { name: 'Clear environment' }).click();
  await expect(page).toHaveURL(hubPath(world.a));
});

test('"Older" of a live first page skips no row that new ones have pushed off it', async ({ world, open }) => {
  await fill(world, 30);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  const first = await shownIds(page);
  for (let i = 0; i < 3; i += 1) await insertOperation(world.writer, world.a, world.a1, 'late.arrival');
  await expect.poll(async () => (await shownIds(page)).includes(first.at(-3)!)).toBe(false);
  await page.getByRole('link', { name: 'Older' }).click();
  await expect(page).toHaveURL(/after=/);
  await expect.poll(async () => (await shownIds(page)).slice(0, 3)).toEqual(first.slice(-3));
});

test('axe finds nothing on any page, in light and dark', async ({ world, open, browser, baseURL }) => {
  const id = await insertOperation(world.writer, world.a, world.a1, 'inventory.sync');
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await open(world.everyone, hubPath(world.a), { colorScheme });
    await untilLive(page);
    const check = async (): Promise<void> => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations, page.url()).toEqual([]);
    };
    await check();
    await page.goto(hubPath(world.a, `/${id}`));
    await untilLive(page);
    await check();
    for (const path of [
      hubPath(world.a, '?rows=7'),
      hubPath(999_999),
      hubPath(world.a, `?environment_id=${world.a2}`)
    ]) {
      await page.goto(path);
      await check();
    }
    const stranger = await browser.newContext({ baseURL: baseURL!, colorScheme });
    const login = await stranger.newPage();
    await login.goto('/login');
    expect((await new AxeBuilder({ page: login }).analyze()).violations).toEqual([]);
    await stranger.close();
  }
});

test('theme and zone are remembered, so that the next first page already agrees', async ({ world, open, baseURL }) => {
  await insertOperation(world.writer, world.a, world.a1, 'inventory.sync');
  const { page, context } = await open(world.everyone, hubPath(world.a), { timezoneId: 'America/New_York' });
  await untilLive(page);
  await page.getByRole('button', { name: 'Switch between light and dark' }).click();
  const theme = await page.evaluate(() => document.documentElement.dataset['theme']);
  await context.addCookies([toCookie(world.everyone, baseURL!)]);
  const html = await (await context.request.get(hubPath(world.a))).text();
  expect(html).toContain(`data-theme="${theme}"`);
  expect(html).toMatch(/Started, E[SD]T/);
});
