/** An operation and its kin on a real Postgres: what belongs beside it, for whom, and by which index it is found. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool, type Queryable } from '../src/lib/server/database/pool.ts';
import { readOperation, type OperationDetail } from '../src/lib/server/operations/detail.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { ENABLE_JUDGES } from './harness/triggers.ts';
import { makeWorld, type TestPerson, type World } from './harness/world.ts';

const START = Date.UTC(2026, 8, 1);
const MINUTE = 60_000;
let database: TestDatabase;
let world: World;
let people: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'test pages' });
});
afterAll(async () => {
  await people?.end();
  await world?.close();
  await database?.drop();
});

interface Made {
  environmentId?: number | null;
  type?: string;
  outcome?: string;
  /** minutes after START at which it was made, and how long it took; null = it still runs */
  made?: number;
  took?: number | null;
  retryOf?: number;
}
/** As history is brought in: with its own times. */
async function insert({ environmentId = world.a1, type = 'policy.sync', ...made }: Made): Promise<number> {
  const { outcome = 'succeeded', made: minute = 0, took = 1, retryOf = null } = made;
  const at = START + minute * MINUTE;
  const client = await world.owner.connect();
  try {
    await client.query('begin');
    await client.query(`set local watchfloor.import = 'on'`);
    const { rows } = await client.query<{ id: number }>(
      `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, started_at,
         completed_at, last_reported_at, retry_of)
       values ($1, $2, $3, $4, $5, $6, $6, $7, $6, $8) returning id`,
      [
        world.a,
        environmentId,
        type,
        took === null ? 'running' : 'completed',
        took === null ? 'pending' : outcome,
        new Date(at),
        took === null ? null : new Date(at + took * MINUTE),
        retryOf
      ]
    );
    await client.query('commit');
    return rows[0]!.id;
  } finally {
    client.release();
  }
}
function read(
  id: number,
  person: TestPerson = world.everyone,
  spy = (db: Queryable): Queryable => db
): Promise<OperationDetail | null> {
  return readWorkspace(people, person.id, world.a, (client) => readOperation(spy(client), world.a, id));
}
const ids = (detail: OperationDetail | null) => detail!.earlier.map(({ id }) => id);

test('beside an operation stand the ones of its type in its place that were made before it, newest first', async () => {
  const type = 'test.kin';
  const first = await insert({ type, made: 1 });
  await insert({ type, made: 2, environmentId: world.a2 });
  await insert({ type, made: 3, environmentId: null });
  await insert({ type: 'test.other', made: 4 });
  const second = await insert({ type, made: 5, outcome: 'failed' });
  const third = await insert({ type, made: 6 });
  const last = await insert({ type, made: 7, outcome: 'blocked' });
  expect(ids(await read(third))).toEqual([second, first]);
  expect(await read(third)).toMatchObject({ later: { id: last }, lastSuccess: { id: first } });
  expect(await read(last)).toMatchObject({ later: null, lastSuccess: { id: third } });
  expect(await read(first)).toMatchObject({ earlier: [], later: { id: last }, lastSuccess: null });
});

test('an operation of the workspace itself is compared with those of the workspace itself', async () => {
  const type = 'test.itself';
  const first = await insert({ type, made: 1, environmentId: null });
  await insert({ type, made: 2 });
  const second = await insert({ type, made: 3, environmentId: null });
  expect(ids(await read(second))).toEqual([first]);
});

test('the last success is the last that ended before it did, and for active work the last of all', async () => {
  const type = 'test.success';
  const before = await insert({ type, made: 1 });
  const failed = await insert({ type, made: 2, took: 10, outcome: 'failed' });
  const within = await insert({ type, made: 3, took: 2 });
  const after = await insert({ type, made: 30 });
  const running = await insert({ type, made: 31, took: null });
  expect((await read(failed))!.lastSuccess!.id).toBe(within);
  expect((await read(within))!.lastSuccess!.id).toBe(before);
  expect((await read(running))!.lastSuccess!.id).toBe(after);
});

test('what it retries is named only to who may see that, too', async () => {
  const hidden = await insert({ type: 'test.retry', environmentId: world.a2, outcome: 'failed' });
  const id = await insert({ type: 'test.retry', retryOf: hidden, made: 1 });
  expect((await read(id))!.retryOf).toBe(hidden);
  expect((await read(id, world.narrowed))!.retryOf).toBeNull();
  expect(await read(hidden, world.narrowed)).toBeNull();
  const lost = await insert({ type: 'test.retry', retryOf: 987_654_321, made: 2 });
  expect((await read(lost))!.retryOf).toBeNull();
});

test('the follow-up is resolved on the page as soon as the success is committed, by which and when', async () => {
  const failed = await insert({ type: 'inventory.sync', outcome: 'failed', made: 1 });
  expect(await read(failed)).toMatchObject({ followUpPolicy: 'repeatable', row: { resolved: null } });
  const success = await insert({ type: 'inventory.sync', made: 3 });
  expect((await read(failed))!.row.resolved).toEqual({ at: START + 4 * MINUTE, by: success });
});

test('the policy of a type that nobody knows is a person', async () => {
  expect((await read(await insert({ type: 'test.unknown' })))!.followUpPolicy).toBe('manual_review');
});

test('at most thirty are read, and a quiet place beside a busy one is read by the index of its kind', async () => {
  const type = 'test.many';
  await world.owner.query('alter table operation_runs disable trigger user');
  await world.owner.query(
    `insert into operation_runs (workspace_id, managed_environment_id, place_id, type, status, outcome, created_at, started_at, completed_at)
     select $1, place, place, case when n % 500 = 0 or n % 2 = 1 then $4 else 'test.busy' end,
       'completed', 'succeeded', t, t, t + interval '1 minute'
     from generate_series(1, 20000) n
     cross join lateral (select case when n % 2 = 0 then $2::bigint else $3 end as place) it
     cross join lateral (select $5::timestamptz + n * interval '1 second' as t) at`,
    [world.a, world.a1, world.a3, type, new Date(START)]
  );
  await world.owner.query(ENABLE_JUDGES);
  await world.owner.query('vacuum analyze operation_runs');
  const id = await insert({ type, made: 1_000, outcome: 'failed' });
  const indexes: string[] = [];
  const detail = await read(id, world.everyone, (client) => ({
    query: (async (sql: string, values: unknown[]) => {
      const { rows } = await client.query(`explain ${sql}`, values);
      indexes.push(rows.map((row: Record<string, unknown>) => row['QUERY PLAN']).join('\n'));
      return client.query(sql, values);
    }) as Queryable['query']
  }));
  expect(detail!.earlier).toHaveLength(30);
  expect(detail!.earlier.map(({ createdAt }) => createdAt)).toEqual(
    Array.from({ length: 30 }, (_, i) => START + (40 - i) * 500_000)
  );
  const [, earlier, lastSuccess, later] = indexes;
  expect(earlier).toContain('operation_runs_by_place_and_type');
  expect(lastSuccess).toContain('operation_runs_succeeded_by_kind');
  // Nothing is newer here: whichever index of the place it takes, it ends at once.
  expect(later).toContain('using operation_runs_by_place');
});
