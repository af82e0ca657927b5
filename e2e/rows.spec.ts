/**
 * Rows that stand still: between the server's HTML and live, under the pointer and the focus, while reading further down
 * and while paused. What waits is counted, and enters when nobody is disturbed by it.
 */
import type { Page } from '@playwright/test';
import { insertOperation } from '../tests/harness/world.ts';
import { writeHistory } from './harness/history.ts';
import { expectEqualsFreshPage, rowOf, shownIds, stampOf, untilLive } from './harness/hub-page.ts';
import { expect, hubPath, test } from './harness/test.ts';

/** Where each row stands in the viewport, by id. */
async function readTops(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('tbody tr')].map((row) => [
        row.querySelector('a')?.getAttribute('href') ?? '',
        row.getBoundingClientRect().top
      ])
    )
  );
}

/** The largest distance that a row has moved; rows must be the same ones. */
function largestMove(before: Record<string, number>, after: Record<string, number>): number {
  expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted());
  return Math.max(...Object.entries(before).map(([row, top]) => Math.abs((after[row] ?? Infinity) - top)));
}

/** Rows are in the document before its styles are, and measuring does not wait for them as drawing does. */
async function untilStyled(page: Page): Promise<void> {
  const isStyled = (): boolean =>
    [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].every(({ sheet }) => sheet !== null);
  await expect.poll(() => page.evaluate(isStyled)).toBe(true);
  await page.evaluate(async () => {
    document.body.getBoundingClientRect(); // what is laid out asks for its fonts
    await document.fonts.ready;
  });
}

const pill = (page: Page) => page.getByRole('button', { name: /new operations?$/ });
/** Over the head of the page: not the list. */
const leaveList = (page: Page) => page.mouse.move(400, 3);

for (const [width, height, what] of [
  [1440, 900, ''],
  [1440, 900, ', with an environment filter'],
  [900, 1100, ''],
  [390, 844, ', with an environment filter'],
  [390, 844, ', where nothing needs attention'],
  [320, 700, ', where nothing needs attention']
] as const) {
  const filtered = what.includes('filter');
  test(`no row moves by more than a pixel between the server's HTML and live, ${width} px wide${what}`, async ({
    world,
    open
  }) => {
    if (what.includes('nothing'))
      await world.writer.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'policy.sync' from generate_series(1, 60)`,
        [world.a, world.a1]
      );
    else await writeHistory(world, 60);
    // A first visit: the server does not know the browser's time zone yet.
    const { page } = await open(world.everyone, '/login', { viewport: { width, height } });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\.js$/, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(hubPath(world.a, filtered ? `?environment_id=${world.a1}` : ''), { waitUntil: 'commit' });
    await expect(page.locator('tbody tr')).toHaveCount(filtered ? 15 : 25);
    await untilStyled(page);
    await expect(stampOf(page)).toHaveText(/^As of /);
    const before = await readTops(page);
    release();
    await untilLive(page);
    expect(largestMove(before, await readTops(page))).toBeLessThanOrEqual(1);
    expect(Object.keys(before).length).toBe(filtered ? 15 : 25);
  });
}

test('pause freezes what is on screen and counts what is new; resume shows it', async ({ world, open }) => {
  const [known] = await writeHistory(world, 30);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await page.getByRole('button', { name: 'Pause' }).click();
  await leaveList(page);
  await expect(stampOf(page)).toHaveText('Paused');
  const [ids, tops, row] = [await shownIds(page), await readTops(page), await rowOf(page, known!).innerText()];

  await world.writer.query(`update operation_runs set initiator_name = 'Changed while paused' where id = $1`, [known]);
  await insertOperation(world.writer, world.a, world.a1);
  await expect(pill(page)).toHaveText('1 new operation');
  await insertOperation(world.writer, world.a, world.a2);
  await expect(pill(page)).toHaveText('2 new operations');
  // The count came after the change of the known row, in the order of commits.
  expect(await shownIds(page)).toEqual(ids);
  expect(largestMove(tops, await readTops(page))).toBeLessThanOrEqual(1);
  expect((await rowOf(page, known!).innerText()).split('\n')[0]).toBe(row.split('\n')[0]);
  await expect(page.getByText('Changed while paused')).toHaveCount(0);

  await page.keyboard.press('p');
  await expect(stampOf(page)).toHaveText('Live');
  await expect(pill(page)).toHaveCount(0);
  await expect(rowOf(page, known!)).toContainText('Changed while paused');
  await expectEqualsFreshPage(page);
});

test('new rows wait behind the pill while the pointer is over the table, no row moves, and they enter when it leaves', async ({
  world,
  open
}) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  const pointed = ids[6]!;
  await rowOf(page, pointed).hover();
  const tops = await readTops(page);
  const isPointed = () => rowOf(page, pointed).evaluate((row) => row.matches(':hover'));

  // Rows enter and change; several in one statement, so that they come at once.
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'policy.sync' from generate_series(1, 7)`,
    [world.a, world.a1]
  );
  await world.writer.query(`update operation_runs set initiator_name = 'Changed in place' where id = any ($1)`, [
    [ids[0], pointed, ids[20]]
  ]);
  await expect(pill(page)).toHaveText('7 new operations');
  await expect(page.getByText('Changed in place')).toHaveCount(3);
  // One above the pointer leaves: its line stays, empty, until the pointer does.
  await world.owner.query('delete from operation_runs where id = $1', [ids[2]]);
  await expect(page.locator('tbody').getByText('No longer in this list')).toHaveCount(1);
  expect(largestMove(tops, await readTops(page))).toBeLessThanOrEqual(1);
  expect(await isPointed()).toBe(true);

  await leaveList(page);
  await expect(pill(page)).toHaveCount(0);
  await expect(page.locator('tbody').getByText('No longer in this list')).toHaveCount(0);
  await expectEqualsFreshPage(page);
  expect((await shownIds(page)).indexOf(ids[0]!)).toBe(7);
});

test('the pill shows what waits, once it is pressed', async ({ world, open }) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await rowOf(page, ids[6]!).hover();
  const added = await insertOperation(world.writer, world.a, world.a1);
  await pill(page).click();
  await expect(rowOf(page, added)).toBeVisible();
  expect((await shownIds(page))[0]).toBe(added);
});

test('new rows wait while the focus is in the table, and the focus stays where it is', async ({ world, open }) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await leaveList(page);
  for (let row = 0; row < 3; row += 1) await page.keyboard.press('j');
  const focused = rowOf(page, ids[2]!).locator('.op__link');
  await expect(focused).toBeFocused();
  const tops = await readTops(page);
  await insertOperation(world.writer, world.a, world.a2);
  await expect(pill(page)).toHaveText('1 new operation');
  await expect(focused).toBeFocused();
  expect(largestMove(tops, await readTops(page))).toBeLessThanOrEqual(1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('k');
  await expect(focused).toBeFocused();
  await focused.evaluate((link: HTMLElement) => link.blur());
  await expect(pill(page)).toHaveCount(0);
  await expectEqualsFreshPage(page);
});

test('new rows wait while one reads further down, and the scroll position does not drift', async ({ world, open }) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a), { viewport: { width: 1440, height: 600 } });
  await untilLive(page);
  await leaveList(page);
  await page.evaluate(() => window.scrollTo(0, 700));
  const tops = await readTops(page);
  await insertOperation(world.writer, world.a, world.a1);
  await expect(pill(page)).toHaveText('1 new operation');
  expect(largestMove(tops, await readTops(page))).toBeLessThanOrEqual(1);
  expect(await page.evaluate(() => window.scrollY)).toBe(700);
  await page.evaluate(() => window.scrollTo(0, 0));
  await expect(pill(page)).toHaveCount(0);
  expect((await shownIds(page)).indexOf(ids[0]!)).toBe(1);
});

test('new rows enter at the top, without a pill, while nobody is engaged with the list', async ({ world, open }) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await leaveList(page);
  const added = await insertOperation(world.writer, world.a, world.a1);
  await expect.poll(() => shownIds(page)).toEqual([added, ...ids.slice(0, 24)]);
  await expect(pill(page)).toHaveCount(0);
});

test('when rows leave, the page is filled from below without being read again', async ({ world, open }) => {
  const ids = await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await leaveList(page);
  let reads = 0;
  page.on('request', (request) => (reads += Number(/__data\.json/.test(request.url()))));
  await world.owner.query('delete from operation_runs where id = any ($1)', [ids.slice(3, 13)]);
  await expect.poll(() => shownIds(page)).toEqual([...ids.slice(0, 3), ...ids.slice(13, 35)]);
  expect(reads).toBe(0);
  // More leave than were known beyond the page: it is read again, and complete.
  await world.owner.query('delete from operation_runs where id = any ($1)', [ids.slice(13, 33)]);
  await expect.poll(() => shownIds(page)).toEqual([...ids.slice(0, 3), ...ids.slice(33, 55)]);
});
