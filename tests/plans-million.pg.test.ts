import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLEAN_FILTER, windowOf, type ListFilter } from '../src/lib/operations/filter.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { Parameters } from '../src/lib/server/operations/filter-sql.ts';
import { rowsSql } from '../src/lib/server/operations/first-page.ts';
import { countSql, placesOf } from '../src/lib/server/operations/list-sql.ts';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { fillHistory } from './harness/history.ts';
import { startPostgres, type TestPostgres } from './harness/postgres.ts';
import { makeWorld, type TestPerson, type World } from './harness/world.ts';

/**
 * Every tab and every filter over a million operations, as the role that serves people: what 25 rows cost, whether the
 * list is full, short or empty, and whether the person sees all or is narrowed to a quiet environment.
 */
const MOST_BUFFERS = 60;
/** The nearest rows are asked first, and trigrams that many texts share are intersected one by one: flat, but not so few. */
const MOST_BUFFERS_OF_TEXT = 400;
const ROWS = 25;

// Of its own: filling it takes long transactions, which other tests' trimming and pruning would wait for.
let postgres: TestPostgres;
let world: World;
let people: pg.Pool;

beforeAll(async () => {
  postgres = await startPostgres();
  const { url } = postgres;
  await migrate(url);
  world = await makeWorld(url);
  people = openPool({
    url: url,
    role: 'people',
    max: 1,
    applicationName: 'test plans',
    statementTimeoutMs: 0
  });
  await fillHistory(url, world, { busy: 700_000, other: 300_000 });
}, 600_000);
afterAll(async () => {
  await people?.end();
  await world?.close();
  await postgres?.remove();
});

interface Plan {
  buffers: number;
  rows: number;
  indexes: string[];
  scans: string[];
  text: string;
}

async function explain(
  person: TestPerson,
  filter: ListFilter,
  environmentId: number | null,
  { sqlOf = rowsSql, limit = ROWS } = {}
): Promise<Plan> {
  const found = await readWorkspace(people, person.id, world.a, async (client, visible) => {
    const parameters = new Parameters();
    const sql = sqlOf(
      world.a,
      { filter, places: placesOf(visible, environmentId), direction: 'older', from: null, limit, at: visible.readAt },
      parameters
    );
    const { rows } = await client.query(`explain (analyze, buffers, format json) ${sql}`, parameters.values);
    const plan = rows[0]['QUERY PLAN'][0]['Plan'];
    const nodes: Record<string, unknown>[] = [];
    const collect = (node: Record<string, unknown>): void => {
      nodes.push(node);
      for (const child of (node['Plans'] as Record<string, unknown>[] | undefined) ?? []) collect(child);
    };
    collect(plan);
    return {
      buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
      rows: plan['Actual Rows'],
      indexes: nodes.map((node) => node['Index Name']).filter((name) => typeof name === 'string'),
      scans: nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => String(node['Relation Name'])),
      text: JSON.stringify(plan, null, 1)
    };
  });
  return found!;
}

const list = (more: Partial<ListFilter>): ListFilter => ({ ...CLEAN_FILTER, ...more });
/** [what, filter, has rows for who sees all, has rows for who is narrowed to quiet a1] */
const lists: [string, ListFilter, boolean, boolean][] = [
  ['All', list({}), true, true],
  ['Active', list({ tab: 'active' }), true, false],
  ['Needs follow-up', list({ tab: 'needs_follow_up' }), true, false],
  ['Stale', list({ tab: 'stale' }), true, false],
  ['Failed', list({ tab: 'failed' }), true, true],
  ['Blocked', list({ tab: 'blocked' }), false, false],
  ['Partial', list({ tab: 'partial' }), true, false],
  ['Succeeded', list({ tab: 'succeeded' }), true, true],
  ['Needs follow-up, failed', list({ tab: 'needs_follow_up', outcomes: ['failed'] }), true, false],
  ['Needs follow-up, blocked', list({ tab: 'needs_follow_up', outcomes: ['blocked'] }), false, false],
  ['Succeeded in 24 hours', list({ tab: 'succeeded', from: { agoMs: 86_400_000 } }), true, false],
  ['a common type', list({ types: ['policy.sync'] }), true, true],
  ['a rare type', list({ types: ['rare.type'] }), true, true],
  ['a type that nothing has', list({ types: ['no.such'] }), false, false],
  ['two types, one of them rare', list({ types: ['rare.type', 'no.such'] }), true, true],
  ['status queued', list({ statuses: ['queued'] }), false, false],
  ['status running', list({ statuses: ['running'] }), true, false],
  ['status completed', list({ statuses: ['completed'] }), true, true],
  ['outcome failed', list({ outcomes: ['failed'] }), true, true],
  ['outcome blocked', list({ outcomes: ['blocked'] }), false, false],
  ['two outcomes', list({ outcomes: ['blocked', 'cancelled'] }), true, false],
  ['outcome pending', list({ outcomes: ['pending'] }), true, false],
  ['a common initiator', list({ initiators: ['System'] }), true, true],
  ['a rare initiator', list({ initiators: ['Rare Person'] }), true, true],
  ['an initiator that nothing has', list({ initiators: ['Nobody'] }), false, false],
  [
    'a window of one hour, a week ago',
    list({ from: { agoMs: 169 * 3_600_000 }, to: { agoMs: 168 * 3_600_000 } }),
    true,
    false
  ],
  [
    'a window without operations',
    list({ from: { agoMs: 200 * 86_400_000 }, to: { agoMs: 150 * 86_400_000 } }),
    false,
    false
  ],
  ['a common text', list({ text: 'sync', textNormal: 'sync' }), true, true],
  ['a text of one in fifty', list({ text: 'refused', textNormal: 'refused' }), true, true],
  ['a rare text', list({ text: 'rare person', textNormal: 'rare person' }), true, true],
  ['a text that nothing has', list({ text: 'zebra crossing', textNormal: 'zebra crossing' }), false, false],
  ['problem class follow-up', list({ problemClass: 'terminal_follow_up' }), true, true],
  ['problem class stale', list({ problemClass: 'active_stale_attention' }), true, false]
];

const places: [string, () => TestPerson, () => number | null][] = [
  ['a whole workspace', () => world.everyone, () => null],
  ['a busy environment', () => world.everyone, () => world.a3],
  ['a quiet environment', () => world.everyone, () => world.a1],
  ['an environment without any', () => world.everyone, () => world.a2],
  ['a person narrowed to the quiet one', () => world.narrowed, () => null]
];

describe.each(places)(
  '25 rows of a million read at most 60 buffers (of a text 400) through a named index: %s',
  (where, person, environmentId) => {
    test.each(lists)('%s', async (_name, filter, hasRows) => {
      const { buffers, rows, indexes, scans, text } = await explain(person(), filter, environmentId());
      if (where === 'a whole workspace' || where === 'a busy environment') expect(rows > 0).toBe(hasRows);
      if (where === 'an environment without any') expect(rows).toBe(0);
      expect(buffers, text).toBeLessThanOrEqual(filter.text === null ? MOST_BUFFERS : MOST_BUFFERS_OF_TEXT);
      expect(scans, text).not.toContain('operation_runs');
      expect(
        indexes.some((name) => name.startsWith('operation_runs_')),
        text
      ).toBe(true);
    });
  }
);

test.each(['sync', 'refused', 'rare person', 'zebra crossing'])(
  'walked or read by its index, the list of what contains "%s" is the same',
  async (word) => {
    const filter = list({ text: word, textNormal: word });
    const found = await readWorkspace(people, world.everyone.id, world.a, async (client, visible) => {
      const parameters = new Parameters();
      const read = { filter, places: null, direction: 'older', from: null, limit: 100, at: visible.readAt } as const;
      const { rows } = await client.query<{ id: number }>(rowsSql(world.a, read, parameters), parameters.values);
      return { ids: rows.map(({ id }) => id), from: windowOf(filter, visible.readAt).from };
    });
    const { rows } = await world.owner.query<{ id: number }>(
      `select id from operation_runs where workspace_id = $1 and strpos(search_text, $2) > 0
         and created_at >= to_timestamp($3::float8 / 1000) order by created_at desc, id desc limit 100`,
      [world.a, word, found!.from ?? 0]
    );
    expect(found!.ids).toEqual(rows.map(({ id }) => id));
  }
);

/** 999 of a text that one in fifty has are found among 50,000 rows. */
const MOST_BUFFERS_OF_COUNT = 10_000;
const counted: [string, string, number][] = ['sync', 'refused', 'rare person', 'zebra crossing'].flatMap((word) =>
  places.map(([where], at): [string, string, number] => [word, where, at])
);

// Previously the table was read from wherever another reading had just come to, until enough were found: of ten million
// rows one count in forty took four seconds.
test.each(counted)('how many contain "%s" is counted in order and right: %s', async (word, _where, at) => {
  const [, person, environmentId] = places[at]!;
  const filter = list({ text: word, textNormal: word });
  const { buffers, scans, text } = await explain(person(), filter, environmentId(), { sqlOf: countSql, limit: 1_000 });
  expect(scans, text).not.toContain('operation_runs');
  expect(buffers, text).toBeLessThanOrEqual(MOST_BUFFERS_OF_COUNT);
  const found = await readWorkspace(people, person().id, world.a, async (client, visible) => {
    const parameters = new Parameters();
    const asked = placesOf(visible, environmentId());
    const read = { filter, places: asked, direction: 'older', from: null, limit: 1_000, at: visible.readAt } as const;
    const { rows } = await client.query<{ count: number }>(countSql(world.a, read, parameters), parameters.values);
    return { count: rows[0]!.count, from: windowOf(filter, visible.readAt).from, asked };
  });
  const { rows } = await world.owner.query<{ count: number }>(
    `select count(*) from (
       select 1 from operation_runs where workspace_id = $1 and strpos(search_text, $2) > 0
         and created_at >= to_timestamp($3::float8 / 1000) and ($4::bigint[] is null or place_id = any ($4)) limit 1000) found`,
    [world.a, word, found!.from ?? 0, found!.asked]
  );
  expect(found!.count).toBe(rows[0]!.count);
});

test('a text that one in fifty has costs as little where the planner takes it for a rare one', async () => {
  const filter = list({ text: 'refused', textNormal: 'refused' });
  // Samples too few to hold the word, as happens by chance with any number of them.
  await world.owner.query('alter table operation_runs alter column search_text set statistics 1');
  await world.owner.query('analyze operation_runs (search_text)');
  for (const environmentId of [null, world.a3]) {
    const { buffers, rows, text } = await explain(world.everyone, filter, environmentId);
    expect(rows).toBe(ROWS);
    expect(buffers, text).toBeLessThanOrEqual(MOST_BUFFERS_OF_TEXT);
  }
});
