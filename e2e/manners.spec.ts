/**
 * How the hub behaves under a person's hands while much is reported: nothing drifts, the focus stays, what is open stays
 * open, paused means still, a hidden tab catches up, and the status line stays polite. Every change is plain SQL.
 */
import type { Page } from '@playwright/test';
import { insertOperation, type World } from '../tests/harness/world.ts';
import { writeHistory } from './harness/history.ts';
import {
  attentionOn,
  expectEqualsFreshPage,
  rowOf,
  shownIds,
  stampOf,
  stripCount,
  untilLive
} from './harness/hub-page.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

const pill = (page: Page) => page.getByRole('button', { name: /new operations?$/ });

/** A report of each of 50 running operations, in one statement; `round` is what they say. */
async function reportAll(world: World, ids: readonly number[], round: number): Promise<void> {
  await world.writer.query(
    'update operation_runs set progress_processed = $2, progress_total = 1000 where id = any ($1)',
    [ids, round]
  );
}

async function startRunning(world: World, count: number): Promise<number[]> {
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status)
     select $1, $2, 'policy.sync', 'running' from generate_series(1, $3) returning id`,
    [world.a, world.a1, count]
  );
  return rows.map(({ id }) => id).toReversed();
}

interface Watch {
  drift: number;
  scroll: number;
  lostFocus: number;
  said: { at: number; text: string }[];
}

/** Watches every frame: where the focused row stands, whether it has the focus, and what the status line says. */
async function watchFrames(page: Page): Promise<() => Promise<Watch>> {
  await page.evaluate(() => {
    const focused = document.activeElement!;
    const row = focused.closest('tr')!;
    const [top, scroll] = [row.getBoundingClientRect().top, window.scrollY];
    const seen: Watch = { drift: 0, scroll: 0, lostFocus: 0, said: [] };
    (window as unknown as { seen: Watch }).seen = seen;
    const look = (): void => {
      seen.drift = Math.max(seen.drift, Math.abs(row.getBoundingClientRect().top - top));
      seen.scroll = Math.max(seen.scroll, Math.abs(window.scrollY - scroll));
      if (document.activeElement !== focused) seen.lostFocus += 1;
      const text = document.querySelector('p[role="status"]')!.textContent;
      if (text !== (seen.said.at(-1)?.text ?? '')) seen.said.push({ at: performance.now(), text });
      requestAnimationFrame(look);
    };
    look();
  });
  return () => page.evaluate(() => (window as unknown as { seen: Watch }).seen);
}

test('over 1,000 updates, rows that come and rows that go, nothing drifts, the focus stays and little is said', async ({
  world,
  open
}) => {
  await writeHistory(world, 60);
  const ids = await startRunning(world, 50);
  const { page } = await open(world.everyone, hubPath(world.a), { viewport: { width: 1280, height: 700 } });
  await untilLive(page);
  for (let row = 0; row < 12; row += 1) await page.keyboard.press('j');
  await expect(rowOf(page, ids[11]!).locator('.op__link')).toBeFocused();
  await page.evaluate(() => window.scrollBy(0, 150));
  const look = await watchFrames(page);

  for (let round = 1; round <= 20; round += 1) {
    await reportAll(world, ids, round * 10);
    await insertOperation(world.writer, world.a, world.a2);
    // One above the focus leaves, and others end where they are.
    if (round % 5 === 0) await world.owner.query('delete from operation_runs where id = $1', [ids[round / 5]]);
    if (round % 4 === 0) await reportEnd(world, world.a1, 'failed', { reason: `Reason ${round}` });
    await expect(rowOf(page, ids[11]!)).toContainText(`${round * 10} of 1,000`);
  }
  await expect(pill(page)).toHaveText('25 new operations');
  const { drift, scroll, lostFocus, said } = await look();
  expect(drift, 'drift of the focused row in px').toBeLessThanOrEqual(1);
  expect(scroll, 'drift of the page in px').toBeLessThanOrEqual(1);
  expect(lostFocus, 'frames without the focus').toBe(0);
  // Counts only, and the pauses of six a minute.
  expect(said.length).toBeGreaterThan(0);
  for (const [i, { at, text }] of said.entries()) {
    expect(text).toMatch(/^\d+ (new operations?|changed|no longer in this list)(, \d+ [a-z ]+)*\.$/);
    if (i > 0) expect(at - said[i - 1]!.at).toBeGreaterThan(9_900);
  }
});

test('an open menu, the open filters and the list of keys stay open, with their focus, while the page is updated', async ({
  world,
  open
}) => {
  const ids = await startRunning(world, 30);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  const focus = () => page.evaluate(() => document.activeElement?.outerHTML);
  let round = 0;
  const expectSurvives = async (what: ReturnType<Page['locator']>): Promise<void> => {
    await expect(what).toBeVisible();
    const focused = await focus();
    round += 1;
    await reportAll(world, ids, round * 7);
    const added = await reportEnd(world, world.a2, 'failed', { reason: `Reason ${round}` });
    await expect(attentionOn(page, added)).toHaveCount(1);
    await expect(page.locator('tbody')).toContainText(`${round * 7} of 1,000`);
    await expect(what).toBeVisible();
    expect(await focus()).toBe(focused);
  };
  await page.locator('summary', { hasText: 'All environments' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expectSurvives(page.getByRole('link', { name: 'a2', exact: true }));
  await page.keyboard.press('Escape');
  await page.keyboard.press('f');
  await expect(page.locator('.filter input:focus')).toHaveCount(1);
  await expectSurvives(page.getByRole('group', { name: 'Outcome' }));
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expectSurvives(page.getByRole('dialog', { name: 'Keys' }));
  // Behind the dialog the keys are not ours.
  await page.keyboard.press('p');
  await expect(stampOf(page)).toHaveText('Live');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('paused, rows, numbers and what needs attention stay as they were; resumed, they are as the server has them', async ({
  world,
  open
}) => {
  const known = await reportEnd(world, world.a1, 'failed', { reason: 'The first.' });
  const running = await insertOperation(world.writer, world.a, world.a1, 'policy.sync');
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await expect(stripCount(page, 'Failed')).toHaveText('1');
  await page.keyboard.press('p');
  await expect(stampOf(page)).toHaveText('Paused');
  const shown = await shownIds(page);
  const late = await reportEnd(world, world.a1, 'blocked', { type: 'restore.execute', reason: 'The second.' });
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [running]);
  await insertOperation(world.writer, world.a, world.a2);
  // Both count as new; the numbers were told before them or with them.
  await expect(pill(page)).toHaveText('2 new operations');
  await expect(stripCount(page, 'Blocked')).toHaveText('0');
  await expect(stripCount(page, 'Failed')).toHaveText('1');
  await expect(attentionOn(page, known)).toHaveText('Open operation');
  await expect(attentionOn(page, late)).toHaveCount(0);
  await expect(rowOf(page, running)).toContainText('Queued');
  expect(await shownIds(page)).toEqual(shown);
  await expect(page.locator('main')).not.toContainText('Nothing needs attention');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(stampOf(page)).toHaveText('Live');
  await expect(stripCount(page, 'Blocked')).toHaveText('1');
  await expect(attentionOn(page, late)).toHaveText('Open operation');
  await page.mouse.move(400, 3);
  await expect(pill(page)).toHaveCount(0);
  await expectEqualsFreshPage(page);
});

test('a tab that was hidden shows at once, when it is shown, what was reported meanwhile', async ({ world, open }) => {
  const known = await insertOperation(world.writer, world.a, world.a1);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  // As a browser does: told to be hidden, and no frames are drawn.
  const show = (state: 'hidden' | 'visible') =>
    page.evaluate((is) => {
      Object.defineProperty(document, 'visibilityState', { value: is, configurable: true });
      const frames = window as unknown as { draw?: typeof requestAnimationFrame };
      frames.draw ??= window.requestAnimationFrame;
      window.requestAnimationFrame = is === 'hidden' ? () => 0 : frames.draw;
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  await show('hidden');
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [known]);
  const failed = await reportEnd(world, world.a1, 'failed');
  const { page: other } = await open(world.everyone, hubPath(world.a));
  await untilLive(other);
  const marker = await insertOperation(world.writer, world.a, world.a2);
  await expect(rowOf(other, marker)).toBeVisible();
  await show('visible');
  await expect(rowOf(page, known)).toContainText('Running');
  for (const id of [failed, marker]) await expect(rowOf(page, id)).toBeVisible();
  await expect(stripCount(page, 'Failed')).toHaveText('1');
  await untilLive(page);
  await expectEqualsFreshPage(page);
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
