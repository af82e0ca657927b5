/**
 * The feed asks shortly first, and in whole where that is not enough (differences.ts): whichever way an answer came, it is
 * the same. Histories are generated; between two readings nothing else writes, so both are of one snapshot.
 */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openPool, type Queryable } from '../src/lib/server/database/pool.ts';
import { readFeedDifference, readWholeDifference, type FeedDifference } from '../src/lib/server/live/differences.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeWorld, type World } from './harness/world.ts';

const MOST = 10_000;
let database: TestDatabase;
let world: World;
let feed: pg.Pool;
/** the names of the statements that were asked */
let asked: string[];
let spy: Queryable;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  feed = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test feed', prefersIndexes: true });
  spy = {
    query: ((statement: pg.QueryConfig) => {
      asked.push(statement.name!);
      return feed.query(statement);
    }) as Queryable['query']
  };
});
beforeEach(async () => {
  asked = [];
  await world.owner.query('delete from operation_runs');
});
afterAll(async () => {
  await feed?.end();
  await world?.close();
  await database?.drop();
});

const insert = (columns: string, values: string, count = 1): string =>
  `insert into operation_runs (workspace_id, managed_environment_id, type, ${columns})
   select ${world.a}, ${world.a1}, 'policy.sync', ${values} from generate_series(1, ${count})`;
const some = (condition: string): string =>
  `id in (select id from operation_runs where ${condition} order by id limit 2)`;

/** What may happen, by what it is called. */
const WRITES: Record<string, () => string> = {
  begin: () => insert('status', `'running'`),
  'begin many': () => insert('status', `'running'`, 60),
  report: () => `update operation_runs set progress_processed = coalesce(progress_processed, 0) + 1
    where ${some(`status = 'running'`)}`,
  fail: () => `update operation_runs set status = 'completed', outcome = 'failed' where ${some(`status = 'running'`)}`,
  succeed: () =>
    `update operation_runs set status = 'completed', outcome = 'succeeded' where ${some(`status = 'running'`)}`,
  'fail at once': () => insert('status, outcome', `'completed', 'failed'`),
  move: () => `update operation_runs set managed_environment_id = case when managed_environment_id = ${world.a1}
    then ${world.a2} else ${world.a1} end where ${some('true')}`,
  remove: () => `delete from operation_runs where ${some('true')}`,
  narrow: () => `insert into environment_memberships (workspace_id, managed_environment_id, user_id)
    values (${world.a}, ${world.a1}, ${world.everyone.id}) on conflict do nothing`,
  widen: () => `delete from environment_memberships where user_id = ${world.everyone.id}`,
  rename: () => `update managed_environments set name = name || '.' where id = ${world.a2}`
};

/** Without what moves by itself: other databases of the server write, too. */
const inOrder = ({ operations, access, sessions, names, isOverflow, isTruncated }: FeedDifference): unknown => ({
  access,
  sessions,
  names,
  isOverflow,
  isTruncated,
  operations: [...operations]
    .sort((a, b) => a.id - b.id)
    .map((change) => ({ ...change, places: [...change.places].sort((a, b) => (a ?? 0) - (b ?? 0)) }))
});

test('the short question answers as the whole one', async () => {
  const writes = fc.array(fc.constantFrom(...Object.keys(WRITES)), { minLength: 0, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(writes, { minLength: 1, maxLength: 12 }), async (passes) => {
      let { place } = await readFeedDifference(feed, null, MOST);
      for (const pass of passes) {
        for (const write of pass) await world.owner.query(WRITES[write]!());
        const found = await readFeedDifference(feed, place, MOST);
        const whole = await readWholeDifference(feed, place, MOST);
        expect(inOrder(found), pass.join(', ')).toEqual(inOrder(whole));
        ({ place } = found);
      }
    }),
    { numRuns: 25 }
  );
}, 120_000);

test('what is mostly so is one statement: nothing, progress, a beginning, a move and a removal', async () => {
  await world.owner.query(insert('status', `'running'`, 4));
  let { place } = await readFeedDifference(feed, null, MOST);
  for (const write of [null, 'report', 'begin', 'move', 'remove'] as const) {
    if (write !== null) await world.owner.query(WRITES[write]!());
    ({ place } = await readFeedDifference(spy, place, MOST));
  }
  expect(new Set(asked)).toEqual(new Set(['watchfloor feed plain difference']));
});

test.each(['succeed', 'fail', 'narrow', 'rename', 'begin many'])('%s is asked about in whole', async (write) => {
  await world.owner.query(WRITES['widen']!());
  await world.owner.query(insert('status', `'running'`, 2));
  const { place } = await readFeedDifference(feed, null, MOST);
  await world.owner.query(WRITES[write]!());
  await readFeedDifference(spy, place, MOST);
  expect(asked).toEqual(['watchfloor feed plain difference', 'watchfloor feed difference']);
});

test('what one transaction reports again and again of an operation is one change of one place', async () => {
  const { rows } = await world.owner.query<{ id: number }>(`${insert('status', `'running'`)} returning id`);
  const { place } = await readFeedDifference(feed, null, MOST);
  await world.owner.query('begin');
  for (let n = 1; n <= 5; n++)
    await world.owner.query('update operation_runs set progress_processed = $2 where id = $1', [rows[0]!.id, n]);
  await world.owner.query('commit');
  const { operations } = await readFeedDifference(spy, place, MOST);
  expect(operations).toMatchObject([{ id: rows[0]!.id, places: [world.a1], revision: 6 }]);
  expect(asked).toHaveLength(1);
});
