import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import pg from 'pg';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { startPostgres, type TestPostgres } from './harness/postgres.ts';
import { insertOperation, makeWorld, openWriter, type World } from './harness/world.ts';
import { readFeedDifference } from '../src/lib/server/live/differences.ts';
import type { RowsChanged, Scope } from '../src/lib/live/protocol.ts';

const run = promisify(execFile);
let postgres: TestPostgres;
let url: string;
let world: World;
let hub: TestHub;
let reader: ReturnType<typeof openReader>;
let client: TestClient;
const all = (): Scope => ({ workspaceId: world.a, environmentId: null });

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
});
beforeEach(async () => {
  const name = `feed_${Math.random().toString(36).slice(2)}`;
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  url = postgres.urlOf(name);
  await migrate(url);
  world = await makeWorld(url);
  hub = await startHub(url);
  reader = openReader(url);
  client = await open();
});
afterEach(async () => {
  client?.close();
  await hub?.close();
  await reader?.close();
  await world?.close();
});

async function open(): Promise<TestClient> {
  const opened = new TestClient(hub.port, world.everyone.cookie);
  await opened.connected();
  const window = (await reader.read(world.everyone, all()))!;
  expect(await opened.follow(all(), window)).toMatchObject({ result: 'caught_up' });
  return opened;
}

const shown = (id: number, timeout = 5_000): Promise<void> =>
  vi.waitFor(() => expect(client.rows.has(id)).toBe(true), { timeout, interval: 10 });
const heard = (name: string): Promise<void> =>
  vi.waitFor(() => expect(client.events.map((event) => event.name)).toContain(name), { timeout: 10_000, interval: 20 });

test('a change that wakes nobody arrives with the backstop, and is counted as a leak', async () => {
  let leaked = 0;
  hub.hub.feed.events.on('leaked', (changes) => (leaked += changes));
  const writer = await openWriter(url);
  await writer.query('set watchfloor.wake = off');
  const id = await insertOperation(writer, world.a, world.a1);
  await shown(id);
  await vi.waitFor(() => expect(leaked).toBe(1));
  await writer.end();
});

test('a change whose gate was won by a transaction that is still open arrives all the same', async () => {
  const winner = await openWriter(url);
  await winner.query('begin');
  await insertOperation(winner, world.a, world.a1);
  // Right behind it, in the same 50 ms bucket or a later one.
  const ids = await Promise.all(Array.from({ length: 10 }, () => insertOperation(world.writer, world.a, world.a1)));
  for (const id of ids) await shown(id);
  await winner.query('rollback');
  await winner.end();
});

test('who loses the gate to a transaction that ends first is not left to the backstop', async () => {
  const [winner, loser] = [await openWriter(url), await openWriter(url)];
  const ids = [
    await insertOperation(world.writer, world.a, world.a1),
    await insertOperation(world.writer, world.a, world.a1)
  ];
  await shown(ids[1]!);
  const before = hub.hub.figures().leaked;
  for (let round = 1; round <= 8; round++) {
    const report = (db: pg.Client, id: number) =>
      db.query(`begin; update operation_runs set status = 'running', progress_processed = ${round} where id = ${id}`);
    // In the same 50 ms, mostly: both have begun before the first one ends, and nothing ends after the second began.
    await report(winner, ids[0]!);
    await report(loser, ids[1]!);
    await winner.query('commit');
    await vi.waitFor(() => expect(client.rows.get(ids[0]!)?.progress.processed).toBe(round), { interval: 5 });
    await new Promise((done) => setTimeout(done, 20 * round));
    await loser.query('commit');
    await vi.waitFor(() => expect(client.rows.get(ids[1]!)?.progress.processed).toBe(round), {
      interval: 5,
      timeout: 5_000
    });
  }
  expect(hub.hub.figures().leaked - before).toBe(0);
  await Promise.all([winner.end(), loser.end()]);
}, 30_000);

test('while the listener is lost no tick is sent, what is lost is said, and what came meanwhile arrives', async () => {
  await heard('feed:ticked');
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const halted = new Promise<string>((resolve) => hub.hub.feed.events.once('halted', (link) => resolve(link)));
  const sound = new Promise<void>((resolve) => hub.hub.feed.events.once('sound', resolve));
  const from = client.events.length;
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'watchfloor listener'`
  );
  expect(await halted).toBe('listener');
  const id = await insertOperation(world.writer, world.a, world.a1);
  await sound;
  await shown(id);
  await heard('feed:halted');
  const told = client.events.slice(from).map(({ name }) => name);
  expect(told.indexOf('feed:halted')).toBeGreaterThanOrEqual(0);
  await admin.end();
});

test('while Postgres is stopped nothing is vouched for; after any restart every window is read anew', async () => {
  await heard('feed:ticked');
  const epoch = hub.hub.feed.place!.epoch;
  await postgres.stop('fast');
  await vi.waitFor(() => expect(hub.hub.feed.lostLink).toBe('database'), { timeout: 5_000 });
  await heard('feed:halted');
  const { proofAt } = hub.hub.feed;
  const from = client.events.length;
  await vi.waitFor(
    () =>
      expect(client.events.slice(from).filter(({ name }) => name === 'feed:halted').length).toBeGreaterThanOrEqual(2),
    { timeout: 8_000 }
  );
  expect(client.events.slice(from).map(({ name }) => name)).not.toContain('feed:ticked');
  expect(hub.hub.feed.proofAt).toBe(proofAt);
  await postgres.start();
  // Behind a start there may be a copy that was put back: nothing of before is believed.
  await vi.waitFor(
    () => expect(client.events).toContainEqual({ name: 'resync:required', message: { reason: 'epoch' } }),
    { timeout: 15_000 }
  );
  expect(hub.hub.feed.place!.epoch).not.toBe(epoch);
}, 40_000);

test('a cold copy of the data that is put back is another stream, although nothing else tells it apart', async () => {
  await postgres.stop('fast');
  await rm(`${postgres.dataDir}.copy`, { recursive: true, force: true });
  await run('cp', ['-a', postgres.dataDir, `${postgres.dataDir}.copy`]);
  await postgres.start();
  const id = await vi.waitFor(() => insertOperation(world.writer, world.a, world.a1), { timeout: 10_000 });
  const { token } = await vi.waitFor(async () => (await reader.read(world.everyone, all()))!, { timeout: 10_000 });
  await postgres.stop('fast');
  await rm(postgres.dataDir, { recursive: true });
  await rename(`${postgres.dataDir}.copy`, postgres.dataDir);
  await postgres.start();
  await vi.waitFor(() => insertOperation(world.writer, world.a, world.a2), { timeout: 10_000 });
  const other = new TestClient(hub.port, world.everyone.cookie);
  await other.connected();
  await vi.waitFor(
    async () => expect(await other.resume(all(), token)).toEqual({ result: 'resync', reason: 'epoch' }),
    {
      timeout: 15_000
    }
  );
  other.close();
  expect(id).toBeGreaterThan(0);
}, 60_000);

test('a dump that is restored elsewhere starts a stream of its own, with an empty log and a floor that it can reach', async () => {
  // What pg_dump carries along: the nonce of the other place, its log and its floor.
  await world.owner.query(`update watchfloor.epoch_nonce set place = 'another server'`);
  await world.owner.query(`update watchfloor.change_floor set floor = '99999999999'`);
  await world.owner.query(
    `insert into watchfloor.changes (xid, kind, workspace_id, environment_id, id, revision) values ('88888888888', 'o', $1, $2, 1, 1)`,
    [world.a, world.a1]
  );
  await vi.waitFor(
    () => expect(client.events).toContainEqual({ name: 'resync:required', message: { reason: 'epoch' } }),
    { timeout: 10_000 }
  );
  const window = (await reader.read(world.everyone, all()))!;
  expect(await client.follow(all(), window)).toMatchObject({ result: 'caught_up' });
  const { rows } = await world.owner.query('select count(*) as n from watchfloor.changes where xid > $1', [
    '80000000000'
  ]);
  expect(rows[0].n).toBe(0);
});

test('a node that was cut off until what it missed was trimmed makes every window be read anew', async () => {
  let floor = 0n;
  const cutOff = await startHub(url, {
    difference: async (db, place, most) => ({ ...(await readFeedDifference(db, place, most)), ...(floor && { floor }) })
  });
  const watcher = new TestClient(cutOff.port, world.everyone.cookie);
  await watcher.connected();
  await watcher.follow(all(), (await reader.read(world.everyone, all()))!);
  floor = cutOff.hub.feed.place!.snapshot.xmax + 1n;
  await vi.waitFor(
    () => expect(watcher.events).toContainEqual({ name: 'resync:required', message: { reason: 'epoch' } }),
    { timeout: 5_000 }
  );
  watcher.close();
  await cutOff.close();
});

test('after a crash the epoch is another one: every window is read anew, and places of the old epoch are refused', async () => {
  const { token } = client;
  const epoch = hub.hub.feed.place!.epoch;
  await postgres.stop('immediate');
  await postgres.start();
  await vi.waitFor(
    () => expect(client.events).toContainEqual({ name: 'resync:required', message: { reason: 'epoch' } }),
    { timeout: 15_000 }
  );
  expect(hub.hub.feed.place!.epoch).not.toBe(epoch);
  await vi.waitFor(
    async () => expect(await client.resume(all(), token)).toEqual({ result: 'resync', reason: 'epoch' }),
    { timeout: 10_000 }
  );
  const window = await vi.waitFor(async () => (await reader.read(world.everyone, all()))!, { timeout: 10_000 });
  expect(await client.follow(all(), window)).toMatchObject({ result: 'caught_up' });
  await shown(await insertOperation(world.writer, world.a, world.a1));
}, 40_000);

test('a place below the floor of the log is answered with a resync, never with silence', async () => {
  const { token } = client;
  await insertOperation(world.writer, world.a, world.a1);
  // As high as this node's own place, which is above the token's: in use the floor is 15 minutes below both.
  await vi.waitFor(() => expect(client.rows.size).toBe(1));
  await world.owner.query('select watchfloor.raise_change_floor($1::text::xid8)', [
    String(hub.hub.feed.place!.snapshot.xmin)
  ]);
  await world.owner.query('select watchfloor.trim_changes()');
  // This node still has it in memory; another one has nothing but the log.
  expect(await client.resume(all(), token)).toMatchObject({ result: 'caught_up' });
  const another = await startHub(url);
  const returning = new TestClient(another.port, world.everyone.cookie);
  await returning.connected();
  expect(await returning.resume(all(), token)).toEqual({ result: 'resync', reason: 'floor' });
  returning.close();
  await another.close();
});

test('who is too far behind reads the window anew', async () => {
  const { token } = client;
  await world.writer.query(
    `insert into operation_runs (workspace_id, type) select $1, 'many' from generate_series(1, 2500)`,
    [world.a]
  );
  expect(await client.resume(all(), token)).toEqual({ result: 'resync', reason: 'behind' });
}, 30_000);

test('the proof that a tick carries is never later than a commit that was not sent before it', async () => {
  // On one ordered connection: once a tick says P, every row committed before P must have come.
  const commits: { id: number; at: number }[] = [];
  const missing: string[] = [];
  client.socket.on('feed:ticked', ({ proofAt }) => {
    for (const { id, at } of commits)
      if (at < proofAt && !client.rows.has(id)) missing.push(`${id} at ${at} before ${proofAt}`);
  });
  const writer = await openWriter(url);
  const until = performance.now() + 6_500;
  while (performance.now() < until) {
    const id = await insertOperation(writer, world.a, world.a1);
    const { rows } = await writer.query('select clock_timestamp() as at');
    commits.push({ id, at: (rows[0].at as Date).getTime() });
  }
  expect(client.events.filter(({ name }) => name === 'feed:ticked').length).toBeGreaterThanOrEqual(2);
  expect(missing).toEqual([]);
  await writer.end();
}, 20_000);

test('ready is said only while the feed can be vouched for', async () => {
  const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${hub.port}${path}`)).status;
  expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200]);
  await postgres.stop('fast');
  await vi.waitFor(async () => expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 503]), {
    timeout: 5_000
  });
  await postgres.start();
  await vi.waitFor(async () => expect(await status('/readyz')).toBe(200), { timeout: 15_000 });
}, 30_000);

test('a change that a listener of the feed failed on makes windows be read anew, and is not lost', async () => {
  let failed = 0;
  hub.hub.feed.events.prependListener('passed', ({ operations }) => {
    if (operations.length > 0 && failed++ === 0) throw new Error('a bug in a listener');
  });
  await insertOperation(world.writer, world.a, world.a1);
  await heard('resync:required');
  await client.follow(all(), (await reader.read(world.everyone, all()))!);
  await shown(await insertOperation(world.writer, world.a, world.a1));
});

test('a login that is only a member of the writers may report', async () => {
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(`create role member_of_writers login password 'x'; grant watchfloor_writer to member_of_writers`);
  const member = new URL(url);
  member.username = 'member_of_writers';
  member.password = 'x';
  const client = new pg.Client({ connectionString: member.href });
  await client.connect();
  const id = await insertOperation(client, world.a, world.a1);
  expect((await client.query(`update operation_runs set status = 'running' where id = $1`, [id])).rowCount).toBe(1);
  await client.end();
  await owner.query('drop role member_of_writers');
  await owner.end();
});

test('what became stale by time alone is told when it does, and to who catches up afterwards', async () => {
  await world.owner.query(
    `insert into operation_types (code, label, queued_limit_seconds, running_limit_seconds) values ('test.quick', 'Quick', 1, 1)`
  );
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status) values ($1, $2, 'test.quick', 'running') returning id`,
    [world.a, world.a1]
  );
  const id = rows[0]!.id;
  const told = (): number =>
    client.events.filter(
      ({ name, message }) => name === 'rows:changed' && (message as RowsChanged).rows.some((row) => row.id === id)
    ).length;
  // Once when it was reported, once when it fell silent: with the same revision.
  await expect.poll(told, { timeout: 10_000 }).toBe(2);
  expect(client.rows.get(id)).toMatchObject({ revision: 1 });
  await expect
    .poll(() => client.events.findLast(({ name }) => name === 'summary:changed')?.message, { timeout: 5_000 })
    .toMatchObject({ summary: { counts: { stale: 1 }, groups: [{ row: { id }, count: 1 }] } });
  const answer = await client.resume(all());
  expect(answer.result === 'caught_up' && answer.rows.map((row) => row.id)).toContain(id);
});

test('a success tells at once whom it resolved, and the sweep tells nothing new', async () => {
  const report = async (outcome: string): Promise<number> =>
    (
      await world.writer.query<{ id: number }>(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome)
         values ($1, $2, 'policy.sync', 'completed', $3) returning id`,
        [world.a, world.a2, outcome]
      )
    ).rows[0]!.id;
  const failed = await report('failed');
  await expect.poll(() => client.rows.get(failed)?.resolved, { timeout: 5_000 }).toBeNull();
  const success = await report('succeeded');
  await expect.poll(() => client.rows.get(failed)?.resolved?.by, { timeout: 5_000 }).toBe(success);
  const revision = client.rows.get(failed)!.revision;
  await world.owner.query('select watchfloor.sweep_follow_ups()');
  const marker = await report('blocked');
  await expect.poll(() => client.rows.has(marker), { timeout: 5_000 }).toBe(true);
  expect(client.rows.get(failed)!.revision).toBe(revision);
});
