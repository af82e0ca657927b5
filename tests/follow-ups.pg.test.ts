import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readFeedDifference } from '../src/lib/server/live/differences.ts';
import { readOperationsById } from '../src/lib/server/operations/first-page.ts';
import { readOptions } from '../src/lib/server/operations/options.ts';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeWorld, openWriter, type World } from './harness/world.ts';

/** What a hostile review found in follow-ups, facts and options: work that follows changes, and no fact that lies. */
let database: TestDatabase;
let world: World;
let feed: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  feed = openPool({ url: database.url, role: 'feed', max: 2, applicationName: 'test follow-ups' });
});
afterEach(async () => {
  await world.owner.query(
    'delete from operation_runs; delete from watchfloor.successes; delete from watchfloor.facets'
  );
});
afterAll(async () => {
  await feed?.end();
  await world?.close();
  await database?.drop();
});

async function report(type: string, outcome: string, count = 1, place: number | null = world.a1): Promise<number[]> {
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome)
     select $1, $2, $3, 'completed', $4 from generate_series(1, $5) returning id`,
    [world.a, place, type, outcome, count]
  );
  return rows.map(({ id }) => id);
}
const one = async <T>(sql: string, values: unknown[] = []): Promise<T> =>
  (await world.owner.query(sql, values)).rows[0] as T;
const facts = (): Promise<{ n: number }> => one('select count(*) as n from watchfloor.successes');
const resolvedBy = (id: number): Promise<{ resolved_by: number | null }> =>
  one('select resolved_by from operation_runs where id = $1', [id]);

test('a pass with many successes of a kind looks at its open follow-ups once', async () => {
  const open = await report('policy.sync', 'failed', 300);
  const place = (await readFeedDifference(feed, null, 10)).place;
  await report('policy.sync', 'succeeded', 400);
  const { rows } = await feed.query('select 1'); // the connection is there before rows are counted
  expect(rows).toHaveLength(1);
  const found = await readFeedDifference(feed, place, 10_000);
  const told = found.operations.filter(({ row }) => row?.resolved != null);
  expect(told.map(({ id }) => id).sort((a, b) => a - b)).toEqual(open);
  // Every operation once: work that multiplied would show as repeated places.
  expect(found.operations).toHaveLength(700);
  expect(Math.max(...found.operations.map(({ places }) => places.length))).toBe(1);
});

test('a success of a type that only a review closes tells nobody else', async () => {
  await report('restore.execute', 'failed', 20);
  const place = (await readFeedDifference(feed, null, 10)).place;
  await report('restore.execute', 'succeeded');
  expect((await readFeedDifference(feed, place, 1_000)).operations).toHaveLength(1);
});

test('facts behind an open manual review do not pile up', async () => {
  await report('some.unknown.type', 'failed');
  await report('some.unknown.type', 'succeeded', 500);
  await report('policy.sync', 'failed');
  await report('policy.sync', 'succeeded', 500);
  await feed.query('select watchfloor.sweep_follow_ups()');
  await feed.query('select watchfloor.compact_successes()');
  expect((await facts()).n).toBe(2);
});

test('facts that an open follow-up needs stay until it is written down, and no writer waits for their removal', async () => {
  const [failed] = await report('policy.sync', 'failed');
  const [first] = await report('policy.sync', 'succeeded');
  await report('policy.sync', 'succeeded', 3);
  await feed.query('select watchfloor.compact_successes()');
  const writer = await openWriter(database.url);
  await writer.query('begin');
  await writer.query('update operation_runs set source = $2 where id = $1', [failed, 'held']);
  // Held by a report: skipped, not waited for.
  expect((await feed.query('select watchfloor.sweep_follow_ups() as swept')).rows).toEqual([{ swept: 0 }]);
  await feed.query('select watchfloor.compact_successes()');
  await writer.query('commit');
  await writer.end();
  await feed.query('select watchfloor.sweep_follow_ups()');
  expect(await resolvedBy(failed!)).toEqual({ resolved_by: first });
});

test('a success that is moved is a fact where it stands now', async () => {
  const [failed] = await report('policy.sync', 'failed');
  const [success] = await report('policy.sync', 'succeeded', 1, world.a2);
  await feed.query('select watchfloor.sweep_follow_ups()');
  expect(await resolvedBy(failed!)).toEqual({ resolved_by: null });
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [success, world.a1]);
  await feed.query('select watchfloor.sweep_follow_ups()');
  expect(await resolvedBy(failed!)).toEqual({ resolved_by: success });
});

test.each([
  ['is moved', 'managed_environment_id = $2'],
  ['turns out to have ended before it', `completed_at = now() - interval '1 day', started_at = null, retry_of = $2`],
  ['was of another type', `type = 'inventory.sync', retry_of = $2`]
])(
  'what a success resolved stays so when that %s, swept or not, and no reader is taken a step back',
  async (_, sets) => {
    for (const isSwept of [false, true]) {
      const [failed] = await report('policy.sync', 'failed');
      const judged = async () => (await readOperationsById(feed, world.a, [failed!]))[0]!;
      const open = await judged();
      expect(open.resolved).toBeNull();
      const [success] = await report('policy.sync', 'succeeded');
      const resolved = await judged();
      expect(resolved.resolved?.by).toBe(success);
      expect(resolved.revision).toBeGreaterThan(open.revision);
      if (isSwept) await feed.query('select watchfloor.sweep_follow_ups()');
      await world.writer.query(`update operation_runs set ${sets} where id = $1`, [success, world.a2]);
      for (const sweep of [false, true]) {
        if (sweep) await feed.query('select watchfloor.sweep_follow_ups()');
        expect(await judged()).toMatchObject({ revision: resolved.revision, resolved: { by: success } });
      }
      expect((await facts()).n).toBeGreaterThan(0);
      await world.owner.query('delete from operation_runs; delete from watchfloor.successes');
    }
  }
);

test('a report on a success that leaves its end as it is adds no fact', async () => {
  const [success] = await report('policy.sync', 'succeeded');
  await world.writer.query(`update operation_runs set context = '{"a":1}', cancelled_by = 'x' where id = $1`, [
    success
  ]);
  expect((await facts()).n).toBe(1);
});

test('what resolved it is not taken along into another environment', async () => {
  const [failed] = await report('policy.sync', 'failed', 1, world.a2);
  await report('policy.sync', 'succeeded', 1, world.a2);
  await feed.query('select watchfloor.sweep_follow_ups()');
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [failed, world.a1]);
  expect(await resolvedBy(failed!)).toEqual({ resolved_by: null });
});

test('a review is a higher revision than a resolution that readers may have seen', async () => {
  const [failed] = await report('policy.sync', 'failed');
  const revision = async (): Promise<number> =>
    (await one<{ revision: number }>('select revision from operation_runs where id = $1', [failed])).revision;
  const before = await revision();
  await world.owner.query('select watchfloor.review_operation($1, $2, $3, true)', [world.everyone.id, world.a, failed]);
  expect(await revision()).toBeGreaterThan(before + 1);
});

test('thousands of initiators do not push the types out of the filter', async () => {
  const people = openPool({ url: database.url, role: 'people', max: 1, applicationName: 'test options' });
  await feed.query(
    `select watchfloor.add_facets(array_fill($1::bigint, array[3001]), array_fill($2::bigint, array[3001]),
       array_fill('initiator'::text, array[3000]) || 'type'::text, (select array_agg('P ' || n) from generate_series(1, 3000) n) || 'x.y'::text)`,
    [world.a, world.a1]
  );
  const options = await readWorkspace(people, world.everyone.id, world.a, (client) =>
    readOptions(client, world.a, null)
  );
  expect(options?.types).toEqual(['x.y']);
  expect(options?.initiators).toHaveLength(500);
  await people.end();
});

test.each([
  ['moved away', (id: number) => `update operation_runs set managed_environment_id = ${world.a2} where id = ${id}`],
  ['removed', (id: number) => `delete from operation_runs where id = ${id}`]
])(
  'a success that is %s in the transaction that reported it resolves where it was, and that is told',
  async (_, leave) => {
    const [failed] = await report('policy.sync', 'failed');
    const place = (await readFeedDifference(feed, null, 10)).place;
    await world.owner.query('begin');
    const { rows } = await world.owner.query<{ id: number }>(
      `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome)
     values ($1, $2, 'policy.sync', 'completed', 'succeeded') returning id`,
      [world.a, world.a1]
    );
    await world.owner.query(leave(rows[0]!.id));
    await world.owner.query('commit');
    const [fresh] = await readOperationsById(feed, world.a, [failed!]);
    expect(fresh!.resolved?.by).toBe(rows[0]!.id);
    const { operations } = await readFeedDifference(feed, place, 1_000);
    expect(operations.find(({ id }) => id === failed)?.row).toEqual(fresh);
  }
);
