/** The figures of /metrics on a real hub and a real Postgres: each moves when what it counts happens, and only then. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { openMetrics, type Metrics } from '../src/lib/server/metrics/metrics.ts';
import { openRepeat } from '../src/lib/server/reports/repeat.ts';
import { openSignIn } from '../src/lib/server/access/sign-in.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { parseExposition, valueOf } from './harness/exposition.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { insertOperation, makeWorld, openWriter, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let pool: ReturnType<typeof openPool>;
let metrics: Metrics;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url);
  pool = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test metrics' });
  metrics = openMetrics({ version: 'test', figures: () => hub.hub.figures(), database: () => pool });
});

afterAll(async () => {
  metrics.close();
  await hub.close();
  await world.close();
  await pool.end();
  await database.drop();
});

async function read(name: string, labels: Record<string, string> = {}): Promise<number> {
  const value = valueOf(parseExposition((await metrics.read()).text), name, labels);
  expect(value, `${name} ${JSON.stringify(labels)}`).toBeDefined();
  return value!;
}

test('at rest the feed is sound, its proof young, and nothing leaks', async () => {
  expect(await read('watchfloor_feed_up')).toBe(1);
  expect(await read('watchfloor_database_up')).toBe(1);
  const before = await read('watchfloor_feed_passes_total');
  await vi.waitFor(async () => expect(await read('watchfloor_feed_passes_total')).toBeGreaterThan(before), 10_000);
  expect(await read('watchfloor_feed_proof_age_seconds')).toBeLessThan(5);
  expect(await read('watchfloor_feed_backstop_hits_total')).toBe(0);
  await vi.waitFor(async () => expect(await read('watchfloor_canary_returned_total')).toBeGreaterThan(0), 10_000);
});

test('a change that woke nobody is counted as found by the backstop', async () => {
  const writer = await openWriter(database.url);
  await writer.query('set watchfloor.wake = off');
  // Anybody else's wake-up in the second until the hub looks by itself brings such a row too: then the next one counts.
  await vi.waitFor(
    async () => {
      await insertOperation(writer, world.a, world.a1);
      await delay(1_200);
      expect(await read('watchfloor_feed_backstop_hits_total')).toBeGreaterThan(0);
    },
    { timeout: 15_000, interval: 10 }
  );
  await writer.end();
});

test('a page on the hub, what it is sent, what it is refused and what it must read anew are counted', async () => {
  const reader = openReader(database.url);
  const scope = { workspaceId: world.a, environmentId: null };
  const client = new TestClient(hub.port, world.everyone.cookie);
  const page = (await reader.read(world.everyone, scope))!;
  await client.connected();
  expect((await client.follow(scope, page)).result).toBe('caught_up');
  expect(await read('watchfloor_sockets')).toBe(1);
  const [ring, stored] = [
    await read('watchfloor_catch_ups_total', { source: 'ring' }),
    await read('watchfloor_catch_ups_total', { source: 'database' })
  ];
  expect(ring + stored).toBe(1);

  const sent = await read('watchfloor_live_rows_total');
  const id = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(client.rows.has(id)).toBe(true), 10_000);
  expect(await read('watchfloor_live_rows_total')).toBeGreaterThan(sent);
  expect(await read('watchfloor_live_messages_total')).toBeGreaterThan(0);
  await vi.waitFor(async () => expect(await read('watchfloor_ring_rows')).toBeGreaterThan(0), 10_000);

  const stranger = new TestClient(hub.port, world.stranger.cookie);
  await stranger.connected();
  expect((await stranger.follow(scope, page)).result).toBe('absent');
  expect(await read('watchfloor_denials_total', { door: 'live' })).toBe(1);
  stranger.close();

  await world.owner.query(`update watchfloor.epoch_nonce set place = 'another server'`);
  await vi.waitFor(async () => expect(await read('watchfloor_resyncs_total', { reason: 'epoch' })).toBe(1), 20_000);
  client.close();
  await vi.waitFor(async () => expect(await read('watchfloor_sockets')).toBe(0), 10_000);
  await reader.close();
});

test('reports that could not be applied are counted by Postgres', async () => {
  const writer = await openWriter(database.url);
  const id = await insertOperation(writer, world.a, world.a1);
  await writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [id]);
  await writer.query(`update operation_runs set status = 'running', outcome = 'pending' where id = $1`, [id]);
  // A session hands over what it counted when it ends.
  await writer.end();
  await vi.waitFor(
    async () => {
      // What was read is kept for ten seconds: another one asks anew.
      const fresh = openMetrics({ version: 'test', figures: () => null, database: () => pool });
      const told = parseExposition((await fresh.read()).text);
      fresh.close();
      expect(valueOf(told, 'watchfloor_rejected_reports_total')).toBe(1);
      expect(valueOf(told, 'watchfloor_change_log_rows')).toBeGreaterThan(0);
      expect(valueOf(told, 'watchfloor_operations_rows')).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 200 }
  );
});

test('attempts to sign in and rounds of maintenance are counted where they happen', async () => {
  const access = openPool({ url: database.url, role: 'access', max: 2, applicationName: 'test sign-in' });
  await openSignIn(access).attempt({ email: 'nobody@example.test', password: 'not this one', address: '192.0.2.1' });
  expect(await read('watchfloor_sign_ins_total', { answer: 'refused' })).toBe(1);
  await access.end();

  let fails = true;
  const repeating = openRepeat({
    name: 'The test of maintenance',
    firstAfterMs: 0,
    everyMs: 10,
    log: { info() {}, warn() {} },
    work: () => (fails ? ((fails = false), Promise.reject(new Error('not yet'))) : Promise.resolve())
  });
  const task = { task: 'test_of_maintenance' };
  await vi.waitFor(
    async () => expect(await read('watchfloor_maintenance_total', { ...task, result: 'done' })).toBeGreaterThan(0),
    20_000
  );
  expect(await read('watchfloor_maintenance_total', { ...task, result: 'failed' })).toBe(1);
  await repeating.close();
});

test('figures of the database are left out when it cannot be asked, and all others stay', async () => {
  const gone = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test metrics' });
  await gone.end();
  const fresh = openMetrics({ version: 'test', figures: () => hub.hub.figures(), database: () => gone });
  const told = parseExposition((await fresh.read()).text);
  fresh.close();
  expect(valueOf(told, 'watchfloor_rejected_reports_total')).toBeUndefined();
  expect(valueOf(told, 'watchfloor_feed_up')).toBe(1);
});
