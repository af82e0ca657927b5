/**
 * Thousands of rows in one statement while pages are open: each page is right a moment later for the price of one page,
 * and where a person is in it stays, even if the rows under the hand do not.
 */
import type { Page } from '@playwright/test';
import type { World } from '../tests/harness/world.ts';
import { writeHistory } from './harness/history.ts';
import { expectEqualsFreshPage, rowOf, shownIds, untilLive } from './harness/hub-page.ts';
import { expect, hubPath, test } from './harness/test.ts';

const ROWS = 5_000;
const MOST_BYTES = 50 * 1_024;
/** Writing so much, and drawing it, on a busy machine. */
const PATIENCE_MS = 30_000;

async function writeBurst(world: World): Promise<void> {
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, initiator_name)
     select $1, $2, 'inventory.sync', 'Burst' from generate_series(1, $3)`,
    [world.a, world.a1, ROWS]
  );
}

/** The page has its list from the burst when all of it is of it. */
async function untilBurstIsShown(page: Page): Promise<void> {
  await expect(page.locator('tbody tr').filter({ hasText: 'Burst' })).toHaveCount(25, { timeout: PATIENCE_MS });
}

test('a statement of 5,000 rows is right on every open page for at most 50 KB each', async ({ world, open }) => {
  await writeHistory(world, 60);
  const seats = [
    await open(world.everyone, hubPath(world.a)),
    await open(world.narrowed, hubPath(world.a, '?activeTab=active')),
    await open(world.everyone, hubPath(world.a, `?environment_id=${world.a2}`))
  ];
  for (const { page } of seats) await untilLive(page);
  const before = seats.map(({ received }) => received.length);
  const bytes = (): number[] => seats.map(({ received }, at) => Buffer.byteLength(received.slice(before[at]).join('')));
  await writeBurst(world);
  const since = Date.now();
  await untilBurstIsShown(seats[0]!.page);
  await untilBurstIsShown(seats[1]!.page);
  const tookMs = Date.now() - since;
  for (const { page } of seats) await expectEqualsFreshPage(page, PATIENCE_MS);
  process.stdout.write(`Burst of ${ROWS} rows: right in ${tookMs} ms, bytes ${bytes().join(', ')}\n`);
  for (const each of bytes()) expect(each).toBeLessThanOrEqual(MOST_BYTES);
  // And all of it is written to: rows that are shown change once.
  await world.writer.query(
    `update operation_runs set status = 'running' where workspace_id = $1 and managed_environment_id = $2 and status = 'queued'`,
    [world.a, world.a1]
  );
  await expect(seats[0]!.page.locator('tbody tr').filter({ hasText: 'Running' })).toHaveCount(25, {
    timeout: PATIENCE_MS
  });
  for (const { page } of seats) {
    await expectEqualsFreshPage(page, PATIENCE_MS);
    await untilLive(page);
  }
});

test('a burst that pushes held rows out of what is known lets them go, and neither focus nor place is lost', async ({
  world,
  open
}) => {
  await writeHistory(world, 60);
  const { page } = await open(world.everyone, hubPath(world.a), { viewport: { width: 1280, height: 640 } });
  await untilLive(page);
  const before = await shownIds(page);
  const held = rowOf(page, before[9]!).locator('.op__link');
  await held.focus();
  await held.scrollIntoViewIfNeeded();
  const place = async () => ({
    y: await page.evaluate(() => scrollY),
    line: await page.locator('tbody tr').nth(9).boundingBox()
  });
  const was = await place();
  await writeBurst(world);
  // Nobody tells any more of rows that lie below what was read: they cannot stay as if they were proven.
  await untilBurstIsShown(page);
  await untilLive(page);
  expect(await place()).toEqual(was);
  // The focus stays at the list, from where the next step leads into it.
  await expect(page.locator('.line')).toBeFocused();
  await page.keyboard.press('j');
  await expect(page.locator('tbody tr').first().locator('.op__link')).toBeFocused();
  await expectEqualsFreshPage(page, PATIENCE_MS);
});
