/**
 * Slow clients, and those who come back: a client that takes nothing costs a bounded number of packets and nobody else
 * anything, catches up when it drains, is cut off when it does not; who was away for a moment is served from memory.
 */
import type { Socket as TcpSocket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Scope } from '../src/lib/live/protocol.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { insertOperation, makeWorld, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let reader: ReturnType<typeof openReader>;
let hub: TestHub;
const clients: TestClient[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  reader = openReader(database.url);
}, 60_000);
afterAll(async () => {
  await reader?.close();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => void (hub = await startHub(database.url)));
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await hub?.close();
});

const all = (): Scope => ({ workspaceId: world.a, environmentId: null });

async function open(person: TestPerson): Promise<TestClient> {
  const client = new TestClient(hub.port, person.cookie);
  clients.push(client);
  await client.connected();
  const window = (await reader.read(person, all()))!;
  expect(await client.follow(all(), window)).toMatchObject({ result: 'caught_up' });
  return client;
}

/** The client's TCP socket: paused it reads nothing, and the server's packets pile up. */
function tcpOf({ socket }: TestClient): TcpSocket {
  const transport = socket.io.engine.transport as unknown as { ws: { _socket: TcpSocket } };
  return transport.ws._socket;
}

/** As many as are still told one by one. */
async function insertMany(count: number): Promise<number[]> {
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type)
     select $1, $2, 'policy.sync' from generate_series(1, $3) returning id`,
    [world.a, world.a1, count]
  );
  return rows.map(({ id }) => id);
}

/** Writes changes, one a transaction and each of some kilobytes on the wire, until `isEnough`. */
async function writeUntil(ids: number[], isEnough: () => boolean, most = 20_000): Promise<void> {
  const long = 'x'.repeat(280);
  for (let i = 0; i < most && !isEnough(); i++)
    await world.writer.query(
      `update operation_runs set status = 'running', progress_phase = $2 where id = any ($1::bigint[])`,
      [ids, `${i} ${long}`]
    );
  expect(isEnough()).toBe(true);
}

test('a client that takes nothing leaves the stream with few packets waiting, others go on, and it catches up when it drains', async () => {
  const ids = await insertMany(190);
  const quick = await open(world.everyone);
  const slow = await open(world.narrowed);
  tcpOf(slow).pause();
  await writeUntil(ids, () => hub.hub.figures().laggardsNow === 1);
  const { rows } = await world.owner.query<{ id: number; revision: number }>(
    'select id, revision from operation_runs where id = any ($1::bigint[])',
    [ids]
  );
  await vi.waitFor(
    () => {
      for (const { id, revision } of rows) expect(quick.rows.get(id)?.revision).toBe(revision);
    },
    { timeout: 10_000 }
  );
  // What waits for it does not grow with what goes on.
  const waiting = (): number =>
    Math.max(
      ...[...hub.hub.sockets()].map(({ conn }) => (conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length)
    );
  const before = waiting();
  expect(before).toBeLessThan(300);
  const gone = ids.pop()!;
  await world.owner.query('delete from operation_runs where id = $1', [gone]);
  for (let i = 0; i < 50; i++)
    await world.writer.query(`update operation_runs set progress_phase = $2 where id = $1`, [ids[0], `later ${i}`]);
  await vi.waitFor(() => expect(quick.rows.get(ids[0]!)?.progress.phase).toBe('later 49'), { timeout: 10_000 });
  expect(waiting()).toBeLessThanOrEqual(before);
  tcpOf(slow).resume();
  await vi.waitFor(() => expect(slow.rows.get(ids[0]!)?.progress.phase).toBe('later 49'), { timeout: 10_000 });
  await vi.waitFor(() => expect(slow.rows.has(gone)).toBe(false));
  // It stands in its rooms again.
  const id = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(slow.rows.has(id)).toBe(true), { timeout: 10_000 });
  expect(hub.hub.figures().laggards).toEqual({ left: 1, recovered: 1, cut: 0 });
  // A proof came only with everything before it.
  const fresh = (await reader.read(world.narrowed, all()))!;
  for (const row of fresh.rows) expect(slow.rows.get(row.id)?.revision).toBe(row.revision);
}, 60_000);

test('a client that does not drain is cut off', async () => {
  await hub.close();
  hub = await startHub(database.url, { drainMs: 1_000 });
  const ids = await insertMany(190);
  const slow = await open(world.everyone);
  tcpOf(slow).pause();
  await writeUntil(ids, () => hub.hub.figures().laggards.left === 1);
  await vi.waitFor(() => expect(hub.hub.figures()).toMatchObject({ sockets: 0, laggardsNow: 0 }), { timeout: 15_000 });
  expect(hub.hub.figures().laggards.cut).toBe(1);
}, 60_000);

test('nothing of another workspace comes with what was missed, and numbers go on while away and after', async () => {
  const ids = await insertMany(190);
  const slow = await open(world.everyone);
  tcpOf(slow).pause();
  await writeUntil(ids, () => hub.hub.figures().laggardsNow === 1);
  const foreign = await insertOperation(world.writer, world.b, world.b1);
  // Numbers that nobody watches are given up when they are read next.
  for (let i = 0; i < 3; i++) {
    await insertOperation(world.writer, world.a, world.a1);
    await new Promise((done) => setTimeout(done, 400));
  }
  tcpOf(slow).resume();
  await vi.waitFor(() => expect(hub.hub.figures().laggards.recovered).toBe(1), { timeout: 10_000 });
  const from = slow.events.length;
  const id = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(slow.rows.has(id)).toBe(true), { timeout: 10_000 });
  await vi.waitFor(() => expect(slow.events.slice(from).map(({ name }) => name)).toContain('summary:changed'), {
    timeout: 10_000
  });
  expect(slow.seen.has(foreign)).toBe(false);
  expect(JSON.stringify(slow.events)).not.toContain(`"workspaceId":${world.b}`);
}, 60_000);

test('what a slow client may see is decided anew while it is away', async () => {
  const ids = await insertMany(190);
  const slow = await open(world.narrowed);
  tcpOf(slow).pause();
  await writeUntil(ids, () => hub.hub.figures().laggardsNow === 1);
  await world.owner.query('delete from memberships where user_id = $1', [world.narrowed.id]);
  await vi.waitFor(() => expect(hub.hub.figures().laggardsNow).toBe(0), { timeout: 10_000 });
  const secret = await insertOperation(world.writer, world.a, world.a1);
  tcpOf(slow).resume();
  await vi.waitFor(() => expect(slow.events.map(({ name }) => name)).toContain('access:changed'), { timeout: 10_000 });
  expect(slow.rows.size).toBe(0);
  expect(slow.seen.has(secret)).toBe(false);
}, 60_000);

test('who comes back after a moment is served from memory, with what was deleted and moved meanwhile, and no read of the log', async () => {
  const kept = await insertOperation(world.writer, world.a, world.a1);
  const gone = await insertOperation(world.writer, world.a, world.a1);
  const moved = await insertOperation(world.writer, world.a, world.a1);
  const client = await open(world.everyone);
  const inA1 = new TestClient(hub.port, world.everyone.cookie);
  clients.push(inA1);
  await inA1.connected();
  const scope: Scope = { workspaceId: world.a, environmentId: world.a1 };
  await inA1.follow(scope, (await reader.read(world.everyone, scope))!);
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [kept]);
  await world.owner.query('delete from operation_runs where id = $1', [gone]);
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [moved, world.a2]);
  const { catchUps } = hub.hub.figures();
  // From the place that each stood at, as after a drop.
  const places = [client.token, inA1.token] as const;
  for (const [one, from, wanted] of [
    [client, places[0], all()],
    [inA1, places[1], scope]
  ] as const) {
    const back = new TestClient(hub.port, world.everyone.cookie);
    clients.push(back);
    await back.connected();
    for (const row of one.rows.values()) back.rows.set(row.id, row);
    expect(await back.resume(wanted, from)).toMatchObject({ result: 'caught_up' });
    const fresh = (await reader.read(world.everyone, wanted))!;
    expect([...back.rows.keys()].sort()).toEqual(fresh.rows.map(({ id }) => id).sort());
    for (const row of fresh.rows) expect(back.rows.get(row.id)?.revision).toBe(row.revision);
  }
  expect(hub.hub.figures().catchUps).toEqual({ ...catchUps, ring: catchUps.ring + 2 });
});

test('a hundred who come back at once cost one pass of the feed or two, not a read of the log each', async () => {
  const client = await open(world.everyone);
  for (let i = 0; i < 20; i++) await insertOperation(world.writer, world.a, world.a1);
  const back = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const one = new TestClient(hub.port, world.everyone.cookie);
      clients.push(one);
      await one.connected();
      return one;
    })
  );
  const before = hub.hub.figures();
  const answers = await Promise.all(back.map((one) => one.resume(all(), client.token)));
  const after = hub.hub.figures();
  expect(answers.every(({ result }) => result === 'caught_up')).toBe(true);
  expect(after.catchUps.database).toBe(before.catchUps.database);
  expect(after.passes - before.passes).toBeLessThan(20);
});

test('access that was granted again while away is answered with a new window, not from memory', async () => {
  const id = await insertOperation(world.writer, world.a, world.a2);
  await world.owner.query(
    `insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator') on conflict do nothing`,
    [world.a, world.narrowed.id]
  );
  const client = await open(world.narrowed);
  const { token } = client;
  expect(client.rows.has(id)).toBe(true);
  await world.owner.query('delete from memberships where user_id = $1', [world.narrowed.id]);
  await vi.waitFor(() => expect(client.rows.size).toBe(0));
  expect(await client.resume(all(), token)).toEqual({ result: 'absent' });
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    world.narrowed.id
  ]);
  expect(await client.resume(all(), token)).toEqual({ result: 'resync', reason: 'access' });
});
