/**
 * The filter contract: the address bar is the state. Each key by its address and by hand, chips and what clears them,
 * cells that filter, search, rows that start or stop matching while one looks, and all of it without JavaScript.
 */
import type { Page } from '@playwright/test';
import { insertOperation, type World } from '../tests/harness/world.ts';
import { expectEqualsFreshPage, rowOf, shownIds, untilLive } from './harness/hub-page.ts';
import { reportEnd, reportRunning } from './harness/reports.ts';
import { expect, hubPath, test } from './harness/test.ts';

/** One of each that a filter can tell apart, by name. */
async function fill(world: World) {
  const imported = async (columns: string, values: string): Promise<number> => {
    const client = await world.owner.connect();
    try {
      await client.query('begin; set local watchfloor.import = on');
      const sql = `insert into operation_runs (workspace_id, managed_environment_id, type, ${columns}) values (${world.a}, ${world.a1}, ${values}) returning id`;
      const { rows } = await client.query<{ id: number }>(sql);
      await client.query('commit');
      return rows[0]!.id;
    } finally {
      client.release();
    }
  };
  const ago = (span: string): string => `now() - interval '${span}'`;
  return {
    old: await imported(
      'status, outcome, created_at, started_at, completed_at, last_reported_at',
      `'policy.export', 'completed', 'succeeded', ${[40, 40, 40, 40].map((days) => ago(`${days} days`)).join(', ')}`
    ),
    week: await imported(
      'status, outcome, created_at, started_at, completed_at, last_reported_at',
      `'policy.export', 'completed', 'cancelled', ${[9, 9, 9, 9].map((days) => ago(`${days} days`)).join(', ')}`
    ),
    stale: await imported(
      'status, created_at, started_at, last_reported_at',
      `'policy.sync', 'running', ${ago('5 hours')}, ${ago('5 hours')}, ${ago('5 hours')}`
    ),
    succeeded: await reportEnd(world, world.a1, 'succeeded', { type: 'inventory.sync' }),
    failed: await reportEnd(world, world.a2, 'failed', { type: 'restore.execute', initiator: 'Jörg Ünal, 100%_x' }),
    partial: await reportEnd(world, world.a1, 'partially_succeeded', { type: 'restore.execute' }),
    blocked: await reportEnd(world, world.a1, 'blocked', { type: 'promotion.execute', initiator: 'Jorg Unal, 1000x' }),
    running: await reportRunning(world, world.a2, 'inventory.sync'),
    queued: await insertOperation(world.writer, world.a, null, 'policy.snapshot')
  };
}
type Name = keyof Awaited<ReturnType<typeof fill>>;

/** Address → which rows, newest first by the list's own order; and the chips, where some are. */
const LISTS: [query: string, rows: Name[], chips?: string[]][] = [
  ['', ['queued', 'running', 'blocked', 'partial', 'failed', 'succeeded', 'stale', 'week'], ['Started last 30 days']],
  ['activeTab=active', ['queued', 'running', 'stale'], []],
  ['activeTab=stale', ['stale'], []],
  ['activeTab=needs_follow_up', ['blocked', 'partial', 'failed'], []],
  ['activeTab=failed', ['failed'], ['Completed last 30 days']],
  ['activeTab=blocked', ['blocked']],
  ['activeTab=partial', ['partial']],
  ['activeTab=succeeded', ['succeeded']],
  ['environment_id=A2', ['running', 'failed'], ['Environment a2', 'Started last 30 days']],
  ['problemClass=active_stale_attention', ['stale'], ['Started last 30 days', 'Problem Active and stale']],
  ['problemClass=terminal_follow_up', ['blocked', 'partial', 'failed']],
  ['problemClass=none', ['queued', 'running', 'succeeded', 'week']],
  ['type=restore.execute', ['partial', 'failed'], ['Started last 30 days', 'Type Restore']],
  [
    'type=restore.execute&type=policy.sync',
    ['partial', 'failed', 'stale'],
    ['Started last 30 days', 'Type Restore + 1']
  ],
  ['status=queued', ['queued'], ['Started last 30 days', 'Status Queued']],
  ['status=queued&status=running', ['queued', 'running', 'stale']],
  ['outcome=cancelled', ['week'], ['Completed last 30 days', 'Outcome Cancelled']],
  ['outcome=failed&outcome=blocked', ['blocked', 'failed']],
  ['initiator=J%C3%B6rg+%C3%9Cnal%2C+100%25_x', ['failed'], ['Started last 30 days', 'Initiator Jörg Ünal, 100%_x']],
  ['from=7d', ['queued', 'running', 'blocked', 'partial', 'failed', 'succeeded', 'stale'], ['Started last 7 days']],
  ['from=60d&to=7d', ['week', 'old'], ['Started 60 days ago to 7 days ago']],
  ['to=20d', ['old'], ['Started before 20 days ago']],
  ['activeTab=succeeded&from=90d', ['succeeded', 'old'], ['Completed last 90 days']],
  ['q=RESTORE.exec', ['partial', 'failed'], ['Started last 30 days', 'Text “RESTORE.exec”']],
  ['q=j%C3%96RG+%C3%BCnal', ['failed']],
  ['q=%25_', ['failed']],
  ['q=100%25', ['failed']],
  ['q=%5C', []],
  ['type=nothing.of.that', []],
  [
    'type=restore.execute&status=completed&outcome=failed&environment_id=A2&q=restore&from=24h&activeTab=failed',
    ['failed']
  ],
  // Keys that are not ours do nothing, legacy ones neither; what a form sends empty is not asked.
  [
    'tenant=1&tenant_id=2&managed_environment_id=3&environment=4&tenant_scope=x&tableFilters[status]=failed&status=',
    ['queued', 'running', 'blocked', 'partial', 'failed', 'succeeded', 'stale', 'week']
  ]
];

const chips = (page: Page) => page.locator('.chip .chip__words');

test('each filter of the address, alone and together, gives exactly its rows, its number and its chips', async ({
  world,
  open
}) => {
  const ids = await fill(world);
  // The server's page is the truth that live pages are held to, and it is quicker to read without scripts.
  const { page } = await open(world.everyone, '/login', { javaScriptEnabled: false });
  for (const [query, rows, words] of LISTS) {
    await page.goto(hubPath(world.a, query && `?${query.replace('A2', String(world.a2))}`));
    expect(await shownIds(page), query).toEqual(rows.map((name) => ids[name]));
    const count =
      rows.length === 0 ? 'No operations' : rows.length === 1 ? '1 operation ' : `${rows.length} operations`;
    await expect(page.locator('.filters__count'), query).toContainText(count.trim());
    if (words)
      expect(
        (await chips(page).allInnerTexts()).map((text) => text.replace(/\s+/g, ' ')),
        query
      ).toEqual(words);
  }
});

test('a value that cannot be read answers 400 with a page that names it, shows no row and links to the clean view', async ({
  world,
  open
}) => {
  await fill(world);
  const { page } = await open(world.everyone, '/login', { javaScriptEnabled: false });
  for (const [query, named] of [
    ['rows=7', 'rows=7'],
    ['after=nonsense', 'after=nonsense'],
    ['before=%3Cscript%3E', 'before=<script>'],
    ['activeTab=everything', 'activeTab=everything'],
    ['problemClass=some', 'problemClass=some'],
    ['status=done', 'status=done'],
    ['status=queued&status=asleep', 'status=asleep'],
    ['outcome=success', 'outcome=success'],
    ['from=yesterday', 'from=yesterday'],
    ['from=2026-02-31', 'from=2026-02-31'],
    ['to=-1d', 'to=-1d'],
    ['from=2026-11-20T08:00Z&to=2026-11-19T08:00Z', 'to=2026-11-19T08:00Z'],
    [`q=${'x'.repeat(201)}`, `q=${'x'.repeat(100)}`],
    [`initiator=${'y'.repeat(121)}`, `initiator=${'y'.repeat(100)}`],
    ['type=a%00b', 'type=a']
  ] as const) {
    const response = await page.goto(hubPath(world.a, `?environment_id=${world.a1}&${query}`));
    expect(response!.status(), query).toBe(400);
    await expect(page.locator('main'), query).toContainText(named);
    await expect(page.locator('tbody tr')).toHaveCount(0);
  }
  await page.getByRole('link', { name: 'Show the page without filters' }).click();
  await expect(page).toHaveURL(hubPath(world.a));
  await expect(page.locator('tbody tr')).toHaveCount(8);
});

test('filters are chosen by hand, shown as chips, cleared one by one and all at once, and nothing brings them back', async ({
  world,
  open
}) => {
  const ids = await fill(world);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  const expectList = async (query: string, rows: Name[]): Promise<void> => {
    await expect(page).toHaveURL(hubPath(world.a, query));
    await expect.poll(() => shownIds(page)).toEqual(rows.map((name) => ids[name]));
  };
  await page.keyboard.press('f');
  const filter = page.locator('.filter');
  await filter.getByRole('checkbox', { name: 'Restore' }).check();
  await expectList('?type=restore.execute', ['partial', 'failed']);
  await filter.getByRole('checkbox', { name: 'Inventory sync' }).check();
  await expectList('?type=inventory.sync&type=restore.execute', ['running', 'partial', 'failed', 'succeeded']);
  await filter.getByRole('checkbox', { name: 'Completed' }).check();
  await filter.getByRole('checkbox', { name: 'System' }).check();
  await expectList('?type=inventory.sync&type=restore.execute&initiator=System&status=completed', [
    'partial',
    'succeeded'
  ]);
  await filter.getByRole('checkbox', { name: 'Succeeded' }).check();
  await expect.poll(() => shownIds(page)).toEqual([ids.succeeded]);
  await page.keyboard.press('Escape');

  for (const [name, rows] of [
    ['type', ['succeeded']],
    ['status', ['succeeded']],
    ['outcome', ['queued', 'partial', 'running', 'succeeded', 'stale', 'week']],
    ['initiator', ['queued', 'running', 'blocked', 'partial', 'failed', 'succeeded', 'stale', 'week']]
  ] as const) {
    const clear = page.getByRole('link', { name: `Clear ${name}`, exact: true });
    await clear.click();
    // The next chip's address is without this filter once this chip is gone.
    await expect(clear).toHaveCount(0);
    await expect
      .poll(async () => (await shownIds(page)).toSorted((a, b) => a - b))
      .toEqual(rows.map((row) => ids[row]).toSorted((a, b) => a - b));
  }
  await expect(page).toHaveURL(hubPath(world.a));

  await page.keyboard.press('f');
  await filter.getByRole('link', { name: 'Last 90 days' }).click();
  await expect(page).toHaveURL(hubPath(world.a, '?from=90d'));
  await expect(rowOf(page, ids.old)).toBeVisible();
  await filter.getByRole('link', { name: 'Active and stale' }).click();
  await expectList('?problemClass=active_stale_attention&from=90d', ['stale']);
  // Times are typed in the zone of the browser, and stand in the address in UTC.
  await filter.getByLabel(/^From/).fill('2026-01-05T13:30');
  await filter.getByRole('button', { name: 'Apply times' }).click();
  await expectList('?problemClass=active_stale_attention&from=2026-01-05T12%3A30Z', ['stale']);
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('policy');
  await expectList('?problemClass=active_stale_attention&from=2026-01-05T12%3A30Z&q=policy', ['stale']);
  await expect(page.getByRole('searchbox')).toBeFocused();

  const all: Name[] = ['queued', 'running', 'blocked', 'partial', 'failed', 'succeeded', 'stale', 'week'];
  await page.getByRole('link', { name: 'Clear all' }).click();
  await expectList('', all);
  await expect(page.getByRole('searchbox')).toHaveValue('');
  await expect(page.getByRole('link', { name: 'Clear all' })).toHaveCount(0);
  await page.reload();
  await expectList('', all);
  // A step back is the filter's own address with its chips; forward is clean again, and so is a new visit.
  await page.goBack();
  await expectList('?problemClass=active_stale_attention&from=2026-01-05T12%3A30Z&q=policy', ['stale']);
  await expect(chips(page)).toHaveCount(3);
  await page.goForward();
  await expectList('', all);
  await page.goto(hubPath(world.a));
  await expectList('', all);
  await untilLive(page);
  await expectEqualsFreshPage(page);
});

test('a cell filters the list by what it says', async ({ world, open }) => {
  const ids = await fill(world);
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  for (const [row, label, query, rows] of [
    ['failed', 'Filter by status Failed', '?outcome=failed', ['failed']],
    ['stale', 'Filter by status Stale', '?problemClass=active_stale_attention', ['stale']],
    ['partial', 'Filter by type Restore', '?type=restore.execute', ['partial', 'failed']],
    ['running', 'Filter by environment a2', `?environment_id=${world.a2}`, ['running', 'failed']],
    ['blocked', 'Filter by initiator Jorg Unal, 1000x', '?initiator=Jorg+Unal%2C+1000x', ['blocked']]
  ] as const) {
    await rowOf(page, ids[row]).hover();
    await rowOf(page, ids[row]).getByRole('link', { name: label, exact: true }).click();
    await expect(page).toHaveURL(hubPath(world.a, query));
    await expect.poll(() => shownIds(page)).toEqual(rows.map((name) => ids[name]));
    await page.getByRole('link', { name: 'Clear all' }).click();
    await expect(page).toHaveURL(hubPath(world.a));
    await expect(page.locator('tbody tr')).toHaveCount(8);
  }
});

test('rows that start matching enter at their sorted place, and rows that stop matching leave, while one looks', async ({
  world,
  open
}) => {
  const queued: number[] = [];
  for (let n = 0; n < 5; n += 1) queued.push(await insertOperation(world.writer, world.a, world.a1, 'policy.sync'));
  const [first, second, third, fourth, fifth] = queued as [number, number, number, number, number];
  const say = (id: number, what: string) => world.writer.query(`update operation_runs set ${what} where id = $1`, [id]);
  await say(first, `status = 'running'`);
  await say(fifth, `status = 'running'`);
  const { page } = await open(world.everyone, hubPath(world.a, '?status=running'));
  const { page: searched } = await open(world.everyone, hubPath(world.a, '?q=n%C3%84chtlich'));
  const { page: failed } = await open(world.everyone, hubPath(world.a, '?activeTab=failed'));
  await Promise.all([page, searched, failed].map((each) => untilLive(each)));
  for (const each of [page, searched, failed]) await each.mouse.move(400, 3);
  await expect.poll(() => shownIds(page)).toEqual([fifth, first]);

  await say(third, `status = 'running', initiator_name = 'Nächtliche Schicht'`);
  await expect.poll(() => shownIds(page)).toEqual([fifth, third, first]);
  await expect.poll(() => shownIds(searched)).toEqual([third]);
  await say(second, `status = 'running'`);
  await expect.poll(() => shownIds(page)).toEqual([fifth, third, second, first]);
  await say(third, `status = 'completed', outcome = 'failed'`);
  await expect.poll(() => shownIds(page)).toEqual([fifth, second, first]);
  // By when they ended, not by when they were made.
  await say(first, `status = 'completed', outcome = 'failed'`);
  await expect.poll(() => shownIds(failed)).toEqual([first, third]);
  await say(third, `initiator_name = 'System'`);
  await expect.poll(() => shownIds(searched)).toEqual([]);
  await expect(searched.locator('.rows')).toContainText('No operation matches these filters.');
  expect(await shownIds(page)).not.toContain(fourth);
  for (const each of [page, failed]) await expectEqualsFreshPage(each);
  // The list's own number follows by itself.
  await expect(failed.locator('.filters__count')).toContainText('2 operations', { timeout: 15_000 });
});

test('without JavaScript filters are chosen, searched and cleared by forms and links', async ({ world, open }) => {
  const ids = await fill(world);
  const { page } = await open(world.everyone, hubPath(world.a), { javaScriptEnabled: false });
  await page.locator('summary', { hasText: 'Filter' }).click();
  await page.getByRole('checkbox', { name: 'Restore' }).check();
  await page.getByRole('checkbox', { name: 'Failed' }).check();
  await page.getByRole('button', { name: 'Apply', exact: true }).click();
  expect(await shownIds(page)).toEqual([ids.failed]);
  await page.getByRole('searchbox').fill('JÖRG');
  await page.getByRole('searchbox').press('Enter');
  expect(new URL(page.url()).searchParams.getAll('q')).toEqual(['JÖRG']);
  expect(await shownIds(page)).toEqual([ids.failed]);
  await page.getByRole('link', { name: 'Clear outcome' }).click();
  await page.getByRole('link', { name: 'Clear text' }).click();
  expect(await shownIds(page)).toEqual([ids.partial, ids.failed]);
  await page.getByRole('link', { name: 'Clear all' }).click();
  await expect(page).toHaveURL(hubPath(world.a));
  expect(await shownIds(page)).toHaveLength(8);
});
