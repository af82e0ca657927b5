import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openScopeReader, Seat, type ScopeReader } from './harness/access-seat.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { startHub, type TestHub } from './harness/live.ts';
import { makeWorld, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let reader: ScopeReader;
beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  reader = openScopeReader(database.url);
  hub = await startHub(database.url);
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await world?.close();
  await database?.drop();
});
const seatOf = (person: World['everyone'], workspaceId: number): Seat =>
  new Seat(
    {
      person,
      scope: { workspaceId, environmentId: null },
      window: { kind: 'list', query: '' },
      numbers: 'scope',
      port: hub.port
    },
    reader,
    () => ({ commits: 0, settled: 0 })
  );
const names = (seat: Seat): (string | null)[] => seat.heard.map(({ name }) => name);

test('who is narrowed is not told that an environment that is hidden from them was renamed', async () => {
  const [narrowed, witness] = [seatOf(world.narrowed, world.a), seatOf(world.everyone, world.a)];
  await vi.waitFor(() => expect([narrowed.state, witness.state]).toEqual(['live', 'live']), { timeout: 10_000 });
  await world.owner.query(`update managed_environments set name = 'renamed' where id = $1`, [world.a2]);
  await vi.waitFor(() => expect(names(witness)).toContain('reference:changed'), { timeout: 10_000 });
  await pause(200);
  expect(names(narrowed)).not.toContain('reference:changed');
});

test('who sees no workspace here is not told that types were renamed', async () => {
  const [revoked, witness] = [seatOf(world.stranger, world.a), seatOf(world.everyone, world.a)];
  await vi.waitFor(() => expect([revoked.state, witness.state]).toEqual(['absent', 'live']), { timeout: 10_000 });
  await world.owner.query(`update operation_types set label = label || ' ' where code = 'policy.sync'`);
  await vi.waitFor(() => expect(names(witness)).toContain('reference:changed'), { timeout: 10_000 });
  await pause(200);
  expect(names(revoked)).not.toContain('reference:changed');
});
