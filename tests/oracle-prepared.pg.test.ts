/** Found while the oracle was made: what was prepared before a crash is committed after it, and no log tells of it. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { startHub, type TestHub } from './harness/live.ts';
import { startPostgres, type TestPostgres } from './harness/postgres.ts';
import { openPages, openViewer, type Viewer } from './harness/viewer.ts';
import { makeWorld, openWriter, type World } from './harness/world.ts';

let postgres: TestPostgres;
let world: World;
let hub: TestHub;
let viewer: Viewer;
let pages: ReturnType<typeof openPages>;
/** pages that were read */
let reads = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  await migrate(postgres.url);
  world = await makeWorld(postgres.url);
  hub = await startHub(postgres.url);
  const opened = openPages(postgres.url);
  pages = {
    ...opened,
    read(...asked) {
      reads++;
      return opened.read(...asked);
    }
  };
  const scope = { workspaceId: world.a, environmentId: null };
  viewer = await openViewer({ person: world.everyone, scope, pageSize: 25, pages, port: () => hub.port });
}, 60_000);
afterAll(async () => {
  viewer?.close();
  await hub?.close();
  await pages?.close();
  await world?.close();
  await postgres?.remove();
});

test('what was prepared before a crash and is committed after it comes to every screen', async () => {
  const writer = await openWriter(postgres.url);
  await writer.query(
    `begin; set local watchfloor.wake = off;
     insert into operation_runs (workspace_id, managed_environment_id, type) values (${world.a}, ${world.a1}, 'inventory.sync');
     prepare transaction 'before the crash'`
  );
  await writer.query('reset role');
  await writer.end();
  const { epoch } = hub.hub.feed.place!;
  const readsBefore = reads;
  await postgres.stop('immediate');
  await postgres.start();
  const shows = (count: number) =>
    vi.waitFor(
      () => {
        expect(viewer.state).toBe('live');
        expect(viewer.rows.length).toBe(count);
      },
      { timeout: 60_000, interval: 50 }
    );
  await vi.waitFor(() => expect(hub.hub.feed.place!.epoch).not.toBe(epoch), { timeout: 60_000, interval: 50 });
  await vi.waitFor(() => expect(reads).toBeGreaterThan(readsBefore), { timeout: 60_000, interval: 50 });
  await shows(0);
  // Read anew and live again: from here on the screen vouches for what it shows.
  const again = await openWriter(postgres.url);
  await again.query('reset role');
  await again.query(`commit prepared 'before the crash'`);
  await again.query('set role watchfloor_writer');
  await again.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type) values (${world.a}, ${world.a2}, 'policy.sync')`
  );
  await again.end();
  await shows(2);
  expect(viewer.wentBack).toEqual([]);
}, 150_000);
