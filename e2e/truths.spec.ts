/**
 * What the hub claims, held against the rows: each number of the strip equals the rows behind its link and moves with
 * reports and with time alone; a later success closes a follow-up before everybody's eyes; nothing is not always the same
 * nothing; and a source that fell silent is said to be. Reports are plain SQL, and no page is reloaded unless said.
 */
import type { Page } from '@playwright/test';
import { insertOperation, type World } from '../tests/harness/world.ts';
import {
  attentionOn,
  expectEqualsFreshPage,
  rowOf,
  shownIds,
  stripCount,
  tabOf,
  untilLive
} from './harness/hub-page.ts';
import { addType, keepReporting, reportEnd, reportRunning } from './harness/reports.ts';
import { expect, hubPath, test } from './harness/test.ts';

const WORDS = ['Active', 'Stale', 'Blocked', 'Failed', 'Partial', 'Succeeded'] as const;
type Numbers = Record<(typeof WORDS)[number], number>;

async function expectStrip(page: Page, numbers: Partial<Numbers>): Promise<void> {
  for (const [word, number] of Object.entries(numbers))
    await expect(stripCount(page, word as keyof Numbers), word).toHaveText(String(number));
}

/** Follows the link of each number and counts the rows there. */
async function expectRowsBehind(page: Page, numbers: Numbers): Promise<void> {
  const start = page.url();
  await expectStrip(page, numbers);
  for (const word of WORDS) {
    const cell = page.locator('.strip__item', { hasText: word });
    await cell.click();
    await expect(cell).toHaveAttribute('aria-current', 'true');
    await expect(page.locator('tbody tr'), `rows behind ${word}`).toHaveCount(numbers[word]);
    await expectStrip(page, numbers);
    await expect(page.locator('.filters__count')).toContainText(new RegExp(`^(${numbers[word] || 'No'}) operation`));
    await page.goto(start);
  }
}

/** Some of everything in every place, also what no number may count: resolved, cancelled, and succeeded two days ago. */
async function fill(world: World): Promise<void> {
  const { a1, a2 } = world;
  for (const place of [a1, a2, null]) {
    await reportEnd(world, place, 'failed', { type: 'policy.sync', reason: 'A success came later.' });
    await reportEnd(world, place, 'succeeded', { type: 'policy.sync' });
    await reportEnd(world, place, 'cancelled');
    await reportRunning(world, place);
  }
  await insertOperation(world.writer, world.a, a1);
  for (const place of [a1, a2, a2]) await reportEnd(world, place, 'failed', { type: 'restore.execute' });
  for (const place of [a1, null]) await reportEnd(world, place, 'blocked', { type: 'promotion.execute' });
  await reportEnd(world, a1, 'partially_succeeded', { type: 'policy.export' });
  await importRows(
    world,
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, completed_at)
     select $1, $2, 'policy.sync', 'completed', 'succeeded', t, t from (select now() - interval '2 days') as two (t)`,
    [world.a, a1]
  );
  await importRows(
    world,
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, created_at, started_at, last_reported_at)
     select $1, unnest($2::bigint[]), 'policy.snapshot', 'running', t, t, t from (select now() - interval '5 hours') as two (t)`,
    [world.a, [a1, a2]]
  );
}

/** As the owner, with times of their own, as restoring and seeding do. */
async function importRows(world: World, sql: string, values: unknown[]): Promise<void> {
  const client = await world.owner.connect();
  try {
    await client.query('begin; set local watchfloor.import = on');
    await client.query(sql, values);
    await client.query('commit');
  } finally {
    client.release();
  }
}

test('each number of the strip equals the rows behind its link, for all environments, for one, and for a narrowed person', async ({
  world,
  open
}) => {
  await fill(world);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await expectRowsBehind(page, { Active: 6, Stale: 2, Blocked: 2, Failed: 3, Partial: 1, Succeeded: 3 });
  await page.goto(hubPath(world.a, `?environment_id=${world.a2}`));
  await expectRowsBehind(page, { Active: 2, Stale: 1, Blocked: 0, Failed: 2, Partial: 0, Succeeded: 1 });
  // Of the filters the strip obeys the environment and nothing else.
  await page.goto(hubPath(world.a, `?environment_id=${world.a2}&type=nothing.of.that&activeTab=stale&q=nothing`));
  await expectStrip(page, { Active: 2, Stale: 1, Blocked: 0, Failed: 2, Partial: 0, Succeeded: 1 });
  const { page: narrowed } = await open(world.narrowed, hubPath(world.a));
  await untilLive(narrowed);
  await expectRowsBehind(narrowed, { Active: 4, Stale: 1, Blocked: 2, Failed: 1, Partial: 1, Succeeded: 2 });
});

test('numbers, tabs, card and queue move with what is reported, in every browser that may see it and no other', async ({
  world,
  open
}) => {
  const first = await reportEnd(world, world.a2, 'failed', { type: 'policy.sync' });
  const running = await reportRunning(world, world.a1);
  const { page } = await open(world.everyone, hubPath(world.a));
  const { page: narrowed } = await open(world.narrowed, hubPath(world.a));
  await Promise.all([untilLive(page), untilLive(narrowed)]);
  await expectStrip(page, { Active: 1, Stale: 0, Blocked: 0, Failed: 1, Partial: 0, Succeeded: 0 });
  await expectStrip(narrowed, { Active: 1, Failed: 0 });
  await expect(narrowed.locator('.calm')).toContainText(
    /Nothing needs attention\.\s*No open follow-up\. One operation active; live since/
  );

  const blocked = await reportEnd(world, world.a2, 'blocked', {
    type: 'restore.execute',
    reason: 'A licence is missing.'
  });
  await expectStrip(page, { Blocked: 1 });
  await expect(tabOf(page, 'Needs follow-up')).toHaveText(/2$/);
  await expect(attentionOn(page, blocked)).toHaveText('Open operation');
  await expect(page.locator('.decision')).toContainText('A licence is missing.');
  await expect(page.locator('.queue').locator(`a[href$="/${first}"]`)).toHaveCount(1);
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [
    running
  ]);
  await expectStrip(page, { Active: 0, Succeeded: 1 });
  await expectStrip(narrowed, { Active: 0, Succeeded: 1, Blocked: 0, Failed: 0 });
  await expect(narrowed.locator('.calm')).toContainText('No operation active');

  // Several of one cause are one line, with how many they are.
  for (let again = 0; again < 3; again += 1)
    await reportEnd(world, world.a1, 'failed', { type: 'policy.export', reason: 'The disk is full.' });
  await expect(page.locator('.queue li', { hasText: 'The disk is full.' }).locator('.queue__times')).toContainText('3');
  await expect(narrowed.locator('.decision__times')).toHaveAttribute('title', '3 of this cause');
  await expectStrip(narrowed, { Failed: 3 });
  await expectEqualsFreshPage(page);
});

test('what falls silent becomes stale by time alone: number, tab, card and row, without any report', async ({
  world,
  open
}) => {
  const type = await addType(world, 2);
  const { page } = await open(world.everyone, hubPath(world.a));
  const { page: stale } = await open(world.everyone, hubPath(world.a, '?activeTab=stale'));
  const { page: none } = await open(world.everyone, hubPath(world.a, '?problemClass=none'));
  await Promise.all([page, stale, none].map((each) => untilLive(each)));
  const id = await reportRunning(world, world.a1, type);
  // It is heard of until each page was seen to show that it runs, however slow the machine is; then it falls silent.
  const heard = keepReporting(world, id);
  const { page: detail } = await open(world.everyone, hubPath(world.a, `/${id}`));
  await expect(rowOf(page, id)).toContainText('Running');
  await expect(detail.locator('.title')).toContainText('Running');
  await expectStrip(page, { Active: 1 });
  await heard.stop();

  await expectStrip(page, { Active: 1, Stale: 1 });
  await expect(rowOf(page, id)).toContainText('Stale');
  await expect(tabOf(page, 'Stale')).toHaveText(/1$/);
  await expect(attentionOn(page, id)).toHaveText('Open operation');
  await expect(rowOf(stale, id)).toBeVisible();
  await expect(rowOf(none, id)).toHaveCount(0);
  await expect(detail.locator('.title')).toContainText('Stale');
  await expect(detail.locator('main')).toContainText('Likely stale.');

  // A report ends it as quietly.
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [id]);
  await expectStrip(page, { Active: 0, Stale: 0 });
  await expect(rowOf(stale, id)).toHaveCount(0);
  await expect(stale.locator('main')).toContainText('No active operation is stale.');
  await expect(rowOf(none, id)).toBeVisible();
  await expect(detail.locator('.title')).toContainText('Succeeded');
});

test('a later success closes an open follow-up live: it leaves tab, card and number, and the detail says by what', async ({
  world,
  open
}) => {
  const failed = await reportEnd(world, world.a1, 'failed', { type: 'policy.sync' });
  const manual = await reportEnd(world, world.a1, 'failed', { type: 'unheard.of.type' });
  const { page } = await open(world.everyone, hubPath(world.a, '?activeTab=needs_follow_up'));
  const { page: detail } = await open(world.everyone, hubPath(world.a, `/${failed}`));
  await Promise.all([untilLive(page), untilLive(detail)]);
  await expect.poll(() => shownIds(page)).toEqual([manual, failed]);
  await expectStrip(page, { Failed: 2 });
  await expect(detail.locator('.title')).toContainText('Follow-up open');

  // A success elsewhere and one of another kind resolve nothing.
  await reportEnd(world, world.a2, 'succeeded', { type: 'policy.sync' });
  await reportEnd(world, world.a1, 'succeeded', { type: 'unheard.of.type' });
  await expectStrip(page, { Succeeded: 2, Failed: 2 });
  const success = await reportEnd(world, world.a1, 'succeeded', { type: 'policy.sync' });
  await expect.poll(() => shownIds(page)).toEqual([manual]);
  await expectStrip(page, { Failed: 1, Succeeded: 3 });
  await expect(tabOf(page, 'Needs follow-up')).toHaveText(/1$/);
  await expect(attentionOn(page, failed)).toHaveCount(0);
  await expect(detail.locator('.verdict')).toContainText(`Resolved by operation ${success},`);
  await expect(detail.locator('.title')).toContainText('Follow-up resolved');
  await expect(detail.locator('.title')).toContainText('Failed');
  await detail
    .getByRole('link', { name: `operation ${success}`, exact: true })
    .first()
    .click();
  await expect(detail).toHaveURL(hubPath(world.a, `/${success}`));
  await expectEqualsFreshPage(page);

  // It stays in history, and a later failure opens anew.
  await page.goto(hubPath(world.a, '?activeTab=failed'));
  await expect(rowOf(page, failed)).toBeVisible();
  const again = await reportEnd(world, world.a1, 'failed', { type: 'policy.sync' });
  await expectStrip(page, { Failed: 2 });
  await expect(attentionOn(page, again)).toHaveCount(1);
});

test('nothing ever reported, nothing in this filter and nothing in this tab are three different things', async ({
  world,
  open
}) => {
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  const rows = page.locator('.rows');
  await expect(rows).toContainText('No operation has been reported in this workspace yet.');
  const line = (await rows.locator('code').first().innerText()).replace(/\s+/g, ' ');
  expect(line).toContain(`values (${world.a}, ${world.a1}`);
  // The line is true: it is what makes the first row appear, without a reload.
  await world.writer.query(line);
  await expect(page.locator('tbody tr')).toHaveCount(1);

  await page.goto(hubPath(world.a, '?activeTab=failed'));
  await untilLive(page);
  await expect(rows).toContainText('No operation failed in the last 30 days.');
  await rows.getByRole('link', { name: 'Show all operations' }).click();
  await expect(page).toHaveURL(hubPath(world.a));
  await expect(page.locator('tbody tr')).toHaveCount(1);

  await page.goto(hubPath(world.a, '?q=nothing-is-called-that'));
  await untilLive(page);
  await expect(rows).toContainText('No operation matches these filters.');
  await rows.getByRole('link', { name: 'Clear filters' }).click();
  await expect(page).toHaveURL(hubPath(world.a));
  await expect(page.locator('tbody tr')).toHaveCount(1);
});

test('a source that reported regularly until hours ago is said to be silent beside Live, until it reports again', async ({
  world,
  open
}) => {
  await importRows(
    world,
    `insert into operation_runs
       (workspace_id, managed_environment_id, type, status, outcome, created_at, started_at, completed_at, last_reported_at)
     select $1, $2, 'policy.sync', 'completed', 'succeeded', t, t, t, t
     from generate_series(now() - interval '20 hours', now() - interval '4 hours', interval '10 minutes') t`,
    [world.a, world.a1]
  );
  const { page } = await open(world.everyone, hubPath(world.a));
  const { page: overview } = await open(world.everyone, `/admin/workspaces/${world.a}`);
  await Promise.all([untilLive(page), untilLive(overview)]);
  const silent = page.locator('.stamp--silent');
  await expect(silent).toContainText(/Source silent\s*nothing reported for (3 h 59 m|4 h)/);
  await expect(overview.locator('.tile', { hasText: 'a1' })).toContainText('Source silent');
  await reportEnd(world, world.a1, 'succeeded', { type: 'policy.sync' });
  await expect(silent).toHaveCount(0);
  await expect(overview.locator('.tile', { hasText: 'a1' })).toContainText('No open follow-up');
  await untilLive(page);
});
