/**
 * The list by its addresses: keyset pages without a gap or a row twice, the environment filter and its clear control, back
 * and forward, and all of it without JavaScript. And the detail page, live.
 */
import type { Page } from '@playwright/test';
import { insertOperation } from '../tests/harness/world.ts';
import { writeHistory } from './harness/history.ts';
import { expectEqualsFreshPage, rowOf, shownIds, untilLive } from './harness/hub-page.ts';
import { DEMO_PASSWORD } from './harness/instance.ts';
import { expect, hubPath, test } from './harness/test.ts';

/** A step that there is; where there is none, the same words are no link. */
const step = (page: Page, name: 'Newer' | 'Older') => page.locator('nav[aria-label="Pages"] a', { hasText: name });

/** Follows Older to the end and Newer back to the start; returns the pages' ids of both ways. */
async function walk(page: Page): Promise<{ older: number[][]; newer: number[][] }> {
  const follow = async (name: 'Newer' | 'Older'): Promise<number[][]> => {
    const pages = [await shownIds(page)];
    while (await step(page, name).count()) {
      const before = page.url();
      await step(page, name).click();
      await page.waitForURL((url) => url.href !== before);
      const last = pages.at(-1)!;
      await expect.poll(() => shownIds(page)).not.toEqual(last);
      pages.push(await shownIds(page));
      expect(pages.length).toBeLessThan(20);
    }
    return pages;
  };
  return { older: await follow('Older'), newer: await follow('Newer') };
}

for (const size of [25, 50, 100] as const) {
  test(`pages of ${size} hold every row once and none is missing, there and back, also among rows of one time`, async ({
    world,
    open
  }) => {
    const ids = await writeHistory(world, 137);
    const { page } = await open(world.everyone, hubPath(world.a), { javaScriptEnabled: size !== 50 });
    if (size !== 25) await page.getByRole('link', { name: String(size), exact: true }).click();
    await expect(page.locator('tbody tr')).toHaveCount(size);
    const { older, newer } = await walk(page);
    expect(older.map((rows) => rows.length)).toEqual([
      ...Array.from({ length: Math.floor(137 / size) }, () => size),
      137 % size
    ]);
    expect(older.flat()).toEqual(ids);
    expect(newer.toReversed().flat()).toEqual(ids);
    await expect(step(page, 'Newer')).toHaveCount(0);
  });
}

test('a narrowed person pages through exactly the rows of their environments and of the workspace itself', async ({
  world,
  open
}) => {
  await writeHistory(world, 137);
  const { rows } = await world.owner.query<{ id: number }>(
    `select id from operation_runs where workspace_id = $1 and (managed_environment_id = $2 or managed_environment_id is null)
     order by created_at desc, id desc`,
    [world.a, world.a1]
  );
  const { page } = await open(world.narrowed, hubPath(world.a));
  expect((await walk(page)).older.flat()).toEqual(rows.map(({ id }) => id));
});

test('Older continues after the last row that is shown, although rows came in since the page was read', async ({
  world,
  open
}) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'policy.sync' from generate_series(1, 4)`,
    [world.a, world.a1]
  );
  await expect.poll(async () => (await shownIds(page)).indexOf(ids[0]!)).toBe(4);
  await step(page, 'Older').click();
  await page.waitForURL(/after=/);
  await expect.poll(() => shownIds(page)).toEqual(ids.slice(21, 46));
  // A later page takes no new rows; it changes in place.
  await untilLive(page);
  await insertOperation(world.writer, world.a, world.a1);
  await world.writer.query(`update operation_runs set initiator_name = 'Changed on page two' where id = $1`, [ids[30]]);
  await expect(rowOf(page, ids[30]!)).toContainText('Changed on page two');
  expect(await shownIds(page)).toEqual(ids.slice(21, 46));
});

test('an environment is chosen, shown and cleared by links; back and forward keep the filter and the live rows agree', async ({
  world,
  open
}) => {
  await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  const environments = page.locator('details', { hasText: 'Environment' });
  const filteredPath = hubPath(world.a, `?environment_id=${world.a2}`);
  await environments.locator('summary').click();
  await page.getByRole('link', { name: 'a2', exact: true }).click();
  await page.waitForURL(`**${filteredPath}`);
  await expect(page.locator('.op__env', { hasText: /^\s*a2\s*$/ })).toHaveCount(15);
  const clear = page.locator('.head').getByRole('link', { name: /clear/i });
  await expect(page.locator('.head')).toContainText('a2');
  await untilLive(page);

  // What is of another environment stays out; what is of this one enters.
  const outside = await insertOperation(world.writer, world.a, world.a1);
  const inside = await insertOperation(world.writer, world.a, world.a2);
  await page.mouse.move(400, 3);
  await expect(rowOf(page, inside)).toBeVisible();
  await expect(rowOf(page, outside)).toHaveCount(0);

  await clear.click();
  await page.waitForURL(`**${hubPath(world.a)}`);
  await expect(rowOf(page, outside)).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(filteredPath);
  await expect(page.locator('tbody tr')).toHaveCount(16);
  await expectEqualsFreshPage(page);
  await page.goForward();
  await expect(page).toHaveURL(hubPath(world.a));
  await expect(rowOf(page, outside)).toBeVisible();
  await page.reload();
  await expect(rowOf(page, outside)).toBeVisible();
  await untilLive(page);
  await expectEqualsFreshPage(page);
});

test('everything works without JavaScript: sign in, see rows, filter, page, open an operation, sign out', async ({
  browser,
  baseURL
}) => {
  const context = await browser.newContext({ baseURL: baseURL!, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByLabel('Email').fill('ingrid.vass@haldenroy.example');
  await page.getByLabel('Password').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/admin\/workspaces\/\d+\/operations$/);
  await expect(page.locator('tbody tr')).toHaveCount(25);
  await expect(page.locator('noscript .still')).toContainText(
    'This page is not live, because scripts do not run here.'
  );
  await expect(page.locator('.stamp')).not.toContainText('Live');

  await page.locator('summary', { hasText: 'All environments' }).click();
  await page.getByRole('link', { name: 'Brightwater Clinics', exact: true }).click();
  await expect(page).toHaveURL(/\?environment_id=\d+$/);
  await expect(page.locator('.op__env', { hasText: /^\s*Brightwater Clinics\s*$/ })).toHaveCount(25);
  await step(page, 'Older').click();
  await expect(page).toHaveURL(/environment_id=\d+&after=/);
  await expect(page.locator('.op__env', { hasText: /^\s*Brightwater Clinics\s*$/ })).toHaveCount(25);
  await page.locator('tbody tr').nth(3).locator('.op__link').click();
  await expect(page).toHaveURL(/\/operations\/\d+$/);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.locator('.top summary', { hasText: 'Ingrid Vass' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL('/login');
  await context.close();
});

test('the detail page follows its operation live, and Back leads to the same filtered page', async ({
  world,
  open
}) => {
  await writeHistory(world, 60);
  const id = await insertOperation(world.writer, world.a, world.a2);
  const filteredPath = hubPath(world.a, `?environment_id=${world.a2}`);
  const { page } = await open(world.everyone, filteredPath);
  await rowOf(page, id).locator('.op__link').click();
  await expect(page).toHaveURL(hubPath(world.a, `/${id}`));
  await untilLive(page);
  await expect(page.locator('.title')).toContainText('Queued');
  await world.writer.query(
    `update operation_runs set status = 'running', progress_processed = 12, progress_total = 345 where id = $1`,
    [id]
  );
  await expect(page.locator('.title')).toContainText('Running');
  await expect(page.locator('main')).toContainText('12 of 345');
  await world.writer.query(
    `update operation_runs set status = 'completed', outcome = 'failed', summary_counts = '{"total":345,"failed":9}',
       failure_summary = '[{"code":"QUOTA","message":"The quota is used up.","count":9}]' where id = $1`,
    [id]
  );
  await expect(page.locator('.title')).toContainText('Failed');
  await expect(page.locator('main')).toContainText('The quota is used up.');
  await page.locator('.crumb').getByRole('link', { name: 'Operations' }).click();
  await expect(page).toHaveURL(filteredPath);
  await expect(rowOf(page, id)).toContainText('Failed');
});

test('what is left of a page is not taken for all there is: the page says that it reads the rest', async ({
  world,
  open
}) => {
  const ids = await writeHistory(world, 75);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/operations/__data.json*', async (route) => {
    await held;
    await route.continue();
  });
  // The page and its look-ahead are 50; five of them stay, and 25 that it has not read.
  const remove = (some: number[]) =>
    world.owner.query('delete from operation_runs where id = any ($1::bigint[])', [some]);
  await remove(ids.slice(0, 45));
  await expect(page.locator('.pager__where')).toHaveText('5 here, reading the rest…');
  await remove(ids.slice(45, 50));
  await expect(page.getByRole('img', { name: 'Reading the operations' })).toBeVisible();
  await expect(page.locator('.stamp')).toContainText('Live');
  await expect(page.locator('main')).not.toContainText('No operations');
  release();
  await expect.poll(() => shownIds(page)).toEqual(ids.slice(50));
  await expect(page.locator('.pager__where')).toHaveText('The newest 25');
});

test('going back is not undone by the page that reads itself again at that moment', async ({ world, open }) => {
  await writeHistory(world, 30);
  const id = await insertOperation(world.writer, world.a, world.a1);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await rowOf(page, id).locator('.op__link').click();
  await expect(page).toHaveURL(hubPath(world.a, `/${id}`));
  await untilLive(page);

  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/operations/__data.json*', async (route) => {
    await held;
    await route.continue();
  });
  const asked = page.waitForRequest('**/operations/__data.json*');
  await page.goBack({ waitUntil: 'commit' });
  await asked;
  // Its end makes the detail page read its failures; it asks first whether the server is ready.
  const isReady = page.waitForResponse('**/readyz');
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'failed' where id = $1`, [id]);
  await isReady;
  // Another answer of the same server: what followed from the first one has happened by then.
  await page.evaluate(async () => (await fetch('/readyz')).text());
  release();
  await expect(rowOf(page, id)).toContainText('Failed');
  await expect(page).toHaveURL(hubPath(world.a));
});
