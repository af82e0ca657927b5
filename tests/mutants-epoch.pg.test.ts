/**
 * A backend that dies by kill -9: Postgres starts its other processes anew by itself, under the same server process, and
 * hands out revisions and transaction ids a second time. Only the nonce tells the two histories apart.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import pg from 'pg';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { openReader, startHub, TestClient } from './harness/live.ts';
import { startPostgres, type TestPostgres } from './harness/postgres.ts';
import { insertOperation, makeWorld, openWriter } from './harness/world.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { restart_after_crash: 'on' } });
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
});

test('after kill -9 of a single backend every window is read anew, and places of before are refused', async () => {
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('create database crashing');
  await admin.end();
  const url = postgres.urlOf('crashing');
  await migrate(url);
  const world = await makeWorld(url);
  const hub = await startHub(url);
  const reader = openReader(url);
  const all = { workspaceId: world.a, environmentId: null };
  const client = new TestClient(hub.port, world.everyone.cookie);
  await client.connected();
  expect(await client.follow(all, (await reader.read(world.everyone, all))!)).toMatchObject({ result: 'caught_up' });
  const { token } = client;
  const startOf = async (): Promise<number> =>
    (await world.owner.query<{ at: Date }>('select pg_postmaster_start_time() as at')).rows[0]!.at.getTime();
  const before = await startOf();

  const victim = await openWriter(url);
  const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
  process.kill(rows[0]!.pid, 'SIGKILL');
  await vi.waitFor(() => insertOperation(world.writer, world.a, world.a1), { timeout: 15_000, interval: 50 });
  expect(await startOf()).toBe(before);
  await vi.waitFor(
    () => expect(client.events).toContainEqual({ name: 'resync:required', message: { reason: 'epoch' } }),
    { timeout: 15_000 }
  );
  // While the hub is not sound again it says so, and nothing else.
  await vi.waitFor(
    async () =>
      expect(await client.resume(all, token).catch(() => null)).toEqual({ result: 'resync', reason: 'epoch' }),
    { timeout: 15_000, interval: 500 }
  );
  const window = (await reader.read(world.everyone, all))!;
  expect(await client.follow(all, window)).toMatchObject({ result: 'caught_up' });

  client.close();
  await hub.close();
  await Promise.all([reader.close(), world.close(), victim.end().catch(() => {})]);
}, 90_000);
