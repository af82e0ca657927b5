import { afterAll, beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import copyStreams from 'pg-copy-streams';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { insertOperation, makeWorld, openWriter, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

/** Entries of the change log for these operations. */
async function logged(ids: number[]): Promise<{ kind: string; id: number; revision: number }[]> {
  const { rows } = await world.owner.query(
    `select kind, id, revision from watchfloor.changes where kind in ('o', 'm', 'd') and id = any ($1) order by id, revision, kind`,
    [ids]
  );
  return rows;
}

test('COPY is taken, numbered and logged like any other report', async () => {
  const writer = await openWriter(database.url);
  const stream = writer.query(
    copyStreams.from('copy operation_runs (workspace_id, managed_environment_id, type) from stdin')
  );
  stream.end(`${world.a}\t${world.a1}\tcopied.one\n${world.a}\t\\N\tcopied.two\n`);
  await new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
  await writer.end();
  const { rows } = await world.owner.query(`select id, revision from operation_runs where type like 'copied.%'`);
  expect(rows.map(({ revision }) => revision)).toEqual([1, 1]);
  expect((await logged(rows.map(({ id }) => id))).map(({ kind }) => kind)).toEqual(['o', 'o']);
});

test('a statement that touches no row logs nothing and takes no transaction id', async () => {
  const client = await openWriter(database.url);
  await client.query('begin');
  await client.query(`update operation_runs set status = 'running' where id = -1`);
  const { rows } = await client.query('select pg_current_xact_id_if_assigned() as xid');
  await client.query('rollback');
  await client.end();
  expect(rows[0].xid).toBeNull();
});

test('a session that replays as a replica still writes numbered and logged rows', async () => {
  const replica = new pg.Client({ connectionString: database.url });
  await replica.connect();
  await replica.query('set session_replication_role = replica');
  const { rows } = await replica.query(
    `insert into operation_runs (workspace_id, type, revision) values ($1, 'replayed', 99) returning id, revision`,
    [world.a]
  );
  await replica.end();
  expect(Number(rows[0].revision)).toBe(1);
  expect(await logged([Number(rows[0].id)])).toHaveLength(1);
});

test('two writers that complete different operations in opposite order neither deadlock nor wait for each other', async () => {
  const [x, y] = [
    await insertOperation(world.writer, world.a, world.a1),
    await insertOperation(world.writer, world.a, world.a1)
  ];
  const [one, two] = [await openWriter(database.url), await openWriter(database.url)];
  const complete = (client: pg.Client, id: number) =>
    client.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [id]);
  // A wait of any length would be a lock that we took: each updates a row that the other does not.
  for (const client of [one, two]) await client.query(`set lock_timeout = '1s'; begin`);
  await complete(one, x);
  await complete(two, y);
  await Promise.all([
    one.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'policy.sync')`,
      [world.a, world.a1]
    ),
    two.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'policy.sync')`,
      [world.a, world.a1]
    )
  ]);
  const { rows } = await world.owner.query(
    `select count(*) as waiting from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`
  );
  expect(rows[0].waiting).toBe(0);
  await two.query('commit');
  await one.query('commit');
  await Promise.all([one.end(), two.end()]);
});

test('a batch of 16,000 statements in one transaction takes at most one wake-up lock', async () => {
  const client = await openWriter(database.url);
  await client.query('begin');
  // Inserts, not updates of one row: a row's own versions pile up within a transaction, whoever writes them.
  await client.query(`do $$ begin for i in 1..16000 loop
      insert into public.operation_runs (workspace_id, managed_environment_id, type) values (${world.a}, ${world.a1}, 'batch');
    end loop; end $$`);
  const { rows } = await client.query(
    `select count(*) as locks from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`
  );
  await client.query('commit');
  await client.end();
  expect(Number(rows[0].locks)).toBe(1);
  const written = await world.owner.query(`select count(*) as n from operation_runs where type = 'batch'`);
  expect(written.rows[0].n).toBe(16_000);
}, 120_000);

test('a change of access takes part in a two-phase commit with the wake-up switched off', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('begin');
  await client.query('set local watchfloor.wake = off');
  await client.query('delete from memberships where user_id = $1', [world.stranger.id]);
  await client.query(`prepare transaction 'two_phase_access'`);
  await client.query(`commit prepared 'two_phase_access'`);
  const { rows } = await client.query(`select 1 from watchfloor.changes where kind = 'a' and id = $1`, [
    world.stranger.id
  ]);
  await client.end();
  expect(rows.length).toBeGreaterThan(0);
});

test('two-phase commit works with the wake-up switched off', async () => {
  const client = await openWriter(database.url);
  await client.query('begin');
  await client.query('set local watchfloor.wake = off');
  const id = await insertOperation(client, world.a, world.a1);
  await client.query(`prepare transaction 'two_phase_test'`);
  await client.query(`commit prepared 'two_phase_test'`);
  await client.end();
  expect(await logged([id])).toHaveLength(1);
});

test('a move is logged with the place that was left, a delete with one above all that were shown', async () => {
  const id = await insertOperation(world.writer, world.a, world.a1);
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [id, world.a2]);
  await world.owner.query('delete from operation_runs where id = $1', [id]);
  expect(await logged([id])).toEqual([
    { kind: 'o', id, revision: 1 },
    { kind: 'm', id, revision: 2 },
    { kind: 'o', id, revision: 2 },
    { kind: 'd', id, revision: 4 }
  ]);
});

test('the writer cannot touch the log, the epoch or people', async () => {
  for (const sql of [
    'delete from watchfloor.changes',
    'select * from watchfloor.secrets',
    'select * from users',
    'delete from operation_runs'
  ])
    await expect(world.writer.query(sql)).rejects.toThrow('permission denied');
});

test('nothing that a report sets makes a revision, a list column or the creation time lie', async () => {
  const { rows } = await world.writer.query(
    `insert into operation_runs (workspace_id, type, revision, created_at, count_failed, failure_message, stale_at)
     values ($1, 'liar', 77, '2001-01-01', 5, 'invented', 'infinity')
     returning revision, count_failed, failure_message, created_at > now() - interval '1 minute' as is_now, stale_at < now() + interval '1 day' as is_soon`,
    [world.a]
  );
  expect(rows[0]).toEqual({ revision: 1, count_failed: null, failure_message: null, is_now: true, is_soon: true });
});
