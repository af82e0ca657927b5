import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { insertOperation, makeWorld, openWriter, type TestPerson, type World } from './harness/world.ts';
import type { Scope } from '../src/lib/live/protocol.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let reader: ReturnType<typeof openReader>;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url);
  reader = openReader(database.url);
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await world?.close();
  await database?.drop();
});

async function open(person: TestPerson, scope: Scope): Promise<TestClient> {
  const client = new TestClient(hub.port, person.cookie);
  await client.connected();
  const window = await reader.read(person, scope);
  expect(await client.follow(scope, window!)).toMatchObject({ result: 'caught_up' });
  return client;
}

/** Polls until the client shows exactly what a fresh scoped query returns. */
async function converges(client: TestClient, person: TestPerson, scope: Scope): Promise<void> {
  await vi.waitFor(
    async () => {
      const fresh = (await reader.read(person, scope))!.rows;
      expect([...client.rows.values()].sort((a, b) => a.id - b.id)).toEqual(fresh.sort((a, b) => a.id - b.id));
    },
    { timeout: 10_000, interval: 20 }
  );
}

test('an insert reaches everyone who may see it and nobody else', async () => {
  const all = { workspaceId: world.a, environmentId: null };
  const everyone = await open(world.everyone, all);
  const narrowed = await open(world.narrowed, all);
  const stranger = await open(world.stranger, { workspaceId: world.b, environmentId: null });
  const seen = await insertOperation(world.writer, world.a, world.a1);
  const hidden = await insertOperation(world.writer, world.a, world.a2);
  const itself = await insertOperation(world.writer, world.a, null);
  await converges(everyone, world.everyone, all);
  await converges(narrowed, world.narrowed, all);
  expect([...everyone.rows.keys()]).toEqual(expect.arrayContaining([seen, hidden, itself]));
  expect(narrowed.rows.has(hidden)).toBe(false);
  expect([...narrowed.rows.keys()]).toEqual(expect.arrayContaining([seen, itself]));
  expect(stranger.events.filter(({ name }) => name === 'rows:changed')).toEqual([]);
  expect(JSON.stringify(narrowed.events)).not.toContain(`"id":${hidden},`);
  for (const client of [everyone, narrowed, stranger]) client.close();
});

test('bulk inserts, ON CONFLICT, MERGE, savepoints and long transactions arrive; what is rolled back does not', async () => {
  const all = { workspaceId: world.a, environmentId: null };
  const client = await open(world.everyone, all);
  const other = await open(world.stranger, { workspaceId: world.b, environmentId: null });

  const long = await openWriter(database.url);
  await long.query('begin');
  const inLong = await insertOperation(long, world.a, world.a3);

  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'policy.sync' from generate_series(1, 180)`,
    [world.a, world.a2]
  );
  for (let i = 0; i < 2; i++)
    await world.writer.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type, run_identity_hash)
       values ($1, $2, 'policy.sync', 'once')
       on conflict (managed_environment_id, run_identity_hash)
         where status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null
       do update set status = 'running', progress_processed = 5`,
      [world.a, world.a1]
    );
  await world.writer.query(
    `merge into operation_runs r using (values ($1::bigint, 'merged')) v (workspace_id, hash)
       on r.workspace_id = v.workspace_id and r.run_identity_hash = v.hash
     when matched then update set status = 'running'
     when not matched then insert (workspace_id, type, run_identity_hash) values (v.workspace_id, 'policy.sync', v.hash)`,
    [world.a]
  );
  const nested = await openWriter(database.url);
  await nested.query('begin');
  await nested.query('savepoint kept');
  const kept = await insertOperation(nested, world.a, world.a1);
  await nested.query('savepoint dropped');
  const dropped = await insertOperation(nested, world.a, world.a1);
  await nested.query('rollback to dropped');
  await nested.query('commit');
  await nested.query('begin');
  const aborted = await insertOperation(nested, world.a, world.a1);
  await nested.query('rollback');

  await converges(client, world.everyone, all);
  expect(client.rows.has(inLong)).toBe(false);
  await long.query('commit');
  await converges(client, world.everyone, all);
  expect(client.rows.has(inLong)).toBe(true);
  expect(client.rows.has(kept)).toBe(true);
  for (const id of [dropped, aborted]) {
    expect(client.rows.has(id)).toBe(false);
    expect(JSON.stringify(client.events)).not.toContain(`"id":${id},`);
  }
  expect(other.events.filter(({ name }) => name === 'rows:changed')).toEqual([]);
  await Promise.all([long.end(), nested.end()]);
  client.close();
  other.close();
});
