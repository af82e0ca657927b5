/**
 * Bursts: what changes very much at once is not told row by row. Each distinct list is read once for all who have it on
 * screen; everyone is right afterwards; no one is shown what they may not see; and it costs a client little.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type pg from 'pg';
import { CLEAN_FILTER, type ListFilter } from '../src/lib/operations/filter.ts';
import type { WindowRead } from '../src/lib/live/protocol.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { openPages, openViewer, type Viewer } from './harness/viewer.ts';
import { insertOperation, makePerson, makeWorld, openWriter, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let pages: ReturnType<typeof openPages>;
let reader: ReturnType<typeof openReader>;
const open: { close(): void }[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  pages = openPages(database.url);
  reader = openReader(database.url);
}, 60_000);
afterAll(async () => {
  await Promise.all([pages?.close(), reader?.close()]);
  await world?.close();
  await database?.drop();
});
beforeEach(async () => void (hub = await startHub(database.url)));
afterEach(async () => {
  for (const one of open.splice(0)) one.close();
  await hub?.close();
});

const all = () => ({ workspaceId: world.a, environmentId: null });
const burst = (db: pg.Pool, rows: number, environmentId: number | null, type = 'policy.sync') =>
  db.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type)
     select $1, $2, $3 from generate_series(1, $4)`,
    [world.a, environmentId, type, rows]
  );

async function view(person: TestPerson, environmentId: number | null, filter: ListFilter = CLEAN_FILTER) {
  const viewer = await openViewer({
    person,
    scope: { workspaceId: world.a, environmentId },
    pageSize: 25,
    filter,
    pages,
    port: () => hub.port
  });
  open.push(viewer);
  await vi.waitFor(() => expect(viewer.state).toBe('live'), { timeout: 10_000 });
  return viewer;
}

async function isRight(viewer: Viewer, person: TestPerson, environmentId: number | null, filter = CLEAN_FILTER) {
  await vi.waitFor(
    async () => {
      const page = (await pages.read(person, { workspaceId: world.a, environmentId }, 25, filter))!;
      expect(viewer.rows.map(({ id, revision }) => [id, revision])).toEqual(
        page.rows.slice(0, 25).map(({ id, revision }) => [id, revision])
      );
      expect(viewer.state).toBe('live');
    },
    { timeout: 15_000, interval: 100 }
  );
  expect(viewer.wentBack).toEqual([]);
}

/** A client on the raw wire; it counts the bytes that came. */
async function raw(person: TestPerson, query: string, environmentId: number | null = null) {
  const client = new TestClient(hub.port, person.cookie);
  open.push(client);
  await client.connected();
  client.window = { kind: 'list', query };
  const scope = { workspaceId: world.a, environmentId };
  const page = (await pages.read(person, scope, 25))!;
  expect(await client.resume(scope, page.token)).toMatchObject({ result: 'caught_up' });
  let bytes = 0;
  client.socket.io.engine.on('packet', ({ data }: { data?: string }) => void (bytes += data?.length ?? 0));
  return { client, bytes: () => bytes };
}
const readsOf = ({ events }: TestClient): WindowRead[] =>
  events.filter(({ name }) => name === 'window:read').map(({ message }) => message as WindowRead);

test('100,000 rows in one statement: each distinct list is read once, a client gets at most 50 KB, everyone is right', async () => {
  const people = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const person = await makePerson(world.owner, `colleague${i}`);
      await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
        world.a,
        person.id
      ]);
      return person;
    })
  );
  const clients = await Promise.all(people.map((person) => raw(person, '')));
  const filtered = await Promise.all(people.slice(0, 6).map((person) => raw(person, 'status=running')));
  const elsewhere = await raw(world.narrowed, `environment_id=${world.a1}`, world.a1);
  const viewers = [await view(people[0]!, null), await view(world.narrowed, null)] as const;
  const before = hub.hub.figures();
  // Not of the pool, whose statements have a limit.
  const writer = await openWriter(database.url);
  await writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type)
     select $1, $2, 'policy.sync' from generate_series(1, 100000)`,
    [world.a, world.a2]
  );
  await writer.end();
  await vi.waitFor(
    () => {
      for (const { client } of [...clients, ...filtered]) expect(readsOf(client)).toHaveLength(1);
    },
    { timeout: 15_000 }
  );
  await isRight(viewers[0], people[0]!, null);
  await isRight(viewers[1], world.narrowed, null);
  const after = hub.hub.figures();
  // 20 lists on screen; the viewer of the whole workspace has the same one as the twelve. The narrowed have nothing new.
  expect(after.windowReads - before.windowReads).toBe(2);
  expect(after.rows - before.rows).toBeLessThan(10);
  for (const { bytes } of [...clients, ...filtered]) expect(bytes()).toBeLessThan(50_000);
  const [told] = readsOf(clients[0]!.client);
  expect(told!.rows.map(({ id }) => id)).toEqual((await pages.read(people[0]!, all(), 25))!.rows.map(({ id }) => id));
  expect(readsOf(filtered[0]!.client)[0]!.rows).toEqual([]);
  // Where nothing changed nothing is told, and not even that much changed elsewhere.
  expect(elsewhere.client.events.map(({ name }) => name).filter((name) => /rows|window|resync/.test(name))).toEqual([]);
  expect(after.resyncs).toEqual(before.resyncs);
  await world.owner.query(`delete from operation_runs where workspace_id = $1`, [world.a]);
}, 240_000);

test('bursts one after the other, between small changes, with deletes and moves: every view is right in the end', async () => {
  const active: ListFilter = { ...CLEAN_FILTER, tab: 'active' };
  const everywhere = await view(world.everyone, null);
  const narrowed = await view(world.narrowed, null);
  const inA1 = await view(world.everyone, world.a1);
  const isActive = await view(world.everyone, null, active);
  for (let i = 0; i < 4; i++) {
    await burst(world.writer, 300 + i * 700, i % 2 === 0 ? world.a1 : world.a2);
    await insertOperation(world.writer, world.a, world.a1);
    await world.writer.query(
      `update operation_runs set status = 'running', progress_processed = 1, progress_total = 5
       where id in (select id from operation_runs where workspace_id = $1 and status = 'queued' order by id desc limit 250)`,
      [world.a]
    );
    await insertOperation(world.writer, world.a, null);
  }
  await world.writer.query(
    `update operation_runs set managed_environment_id = $2
     where id in (select id from operation_runs where managed_environment_id = $1 order by id desc limit 230)`,
    [world.a1, world.a3]
  );
  await world.owner.query(
    `delete from operation_runs where id in (select id from operation_runs where workspace_id = $1 order by id desc limit 260)`,
    [world.a]
  );
  await isRight(everywhere, world.everyone, null);
  await isRight(narrowed, world.narrowed, null);
  await isRight(inA1, world.everyone, world.a1);
  await isRight(isActive, world.everyone, null, active);
}, 60_000);

test('a list read after a burst never goes to someone whose access ended before it was read', async () => {
  const leaver = await makePerson(world.owner, 'leaver');
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    leaver.id
  ]);
  const { client } = await raw(leaver, '');
  const colleague = await raw(world.everyone, '');
  // In one transaction, and the burst again after it.
  const owner = await world.owner.connect();
  await owner.query('begin');
  await owner.query('delete from memberships where user_id = $1', [leaver.id]);
  await owner.query(
    `insert into operation_runs (workspace_id, type) select $1, 'secret.work' from generate_series(1, 400)`,
    [world.a]
  );
  await owner.query('commit');
  owner.release();
  await burst(world.writer, 400, null, 'secret.work');
  await vi.waitFor(() => expect(readsOf(colleague.client).length).toBeGreaterThan(0), { timeout: 10_000 });
  await vi.waitFor(() => expect(client.events.map(({ name }) => name)).toContain('access:changed'), { timeout: 5_000 });
  expect(JSON.stringify(client.events)).not.toContain('secret.work');
});

test('lists with a text, and single operations, are told to read their pages anew', async () => {
  const text = await raw(world.everyone, 'q=policy');
  const id = await insertOperation(world.writer, world.a, world.a1);
  const single = await raw(world.everyone, '');
  single.client.window = { kind: 'operation', id };
  const page = (await pages.read(world.everyone, all(), 25))!;
  await single.client.resume(all(), page.token);
  await burst(world.writer, 500, world.a1);
  await vi.waitFor(
    () => expect(text.client.events).toContainEqual({ name: 'resync:required', message: { reason: 'behind' } }),
    { timeout: 10_000 }
  );
  // 500 are known one by one: it is not among them.
  expect(single.client.events.filter(({ name }) => /rows|resync/.test(name))).toEqual([]);
  await world.writer.query(`update operation_runs set status = 'running' where workspace_id = $1`, [world.a]);
  await vi.waitFor(() => expect(single.client.rows.get(id)?.status).toBe('running'), { timeout: 10_000 });
  await burst(world.writer, 12_000, world.a1);
  await vi.waitFor(
    () => expect(single.client.events).toContainEqual({ name: 'resync:required', message: { reason: 'behind' } }),
    { timeout: 10_000 }
  );
}, 40_000);
