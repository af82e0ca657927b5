/**
 * Logical replication into our tables: not supported, and noticed. It is said in a sentence, and what it applies reaches the
 * hub all the same, so that nothing called Live is wrong. On a server of its own, whose two databases replicate.
 */
import pg from 'pg';
import { expect, test } from 'vitest';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { readUnsupported } from '../src/lib/server/reports/unsupported.ts';
import { openReader, startHub, TestClient } from './harness/live.ts';
import { startPostgres } from './harness/postgres.ts';
import { insertOperation, makeWorld } from './harness/world.ts';

test('a subscription is called unsupported by name, and what it applies is heard by the hub', async () => {
  const postgres = await startPostgres({ settings: { wal_level: 'logical', max_logical_replication_workers: '8' } });
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('create database publisher');
  await admin.query('create database subscriber');
  const [from, to] = [postgres.urlOf('publisher'), postgres.urlOf('subscriber')];
  await migrate(from);
  await migrate(to);
  const [source, target] = [await makeWorld(from), await makeWorld(to)];
  // Two databases that both give ids give the same ones: here ours lie elsewhere.
  await target.owner.query('alter table operation_runs alter column id restart with 1000');
  await insertOperation(source.writer, source.a, source.a1, 'copied.at.first');

  const [publisher, subscriber] = [new pg.Client({ connectionString: from }), new pg.Client({ connectionString: to })];
  await publisher.connect();
  await subscriber.connect();
  const hub = await startHub(to);
  const reader = openReader(to);
  const client = new TestClient(hub.port, target.everyone.cookie);
  try {
    expect(await readUnsupported(subscriber)).toEqual([]);
    await client.connected();
    const scope = { workspaceId: target.a, environmentId: null };
    await client.follow(scope, (await reader.read(target.everyone, scope))!);
    const shown = () => [...client.rows.values()].map(({ type, status }) => `${type} ${status}`).sort();

    await publisher.query('create publication all_operations for table operation_runs');
    // In one server the slot must be made before, or making the subscription waits for itself.
    await publisher.query(`select pg_create_logical_replication_slot('operations', 'pgoutput')`);
    await subscriber.query(
      `create subscription operations connection '${from}' publication all_operations
       with (create_slot = false, slot_name = 'operations')`
    );
    await expect.poll(shown, { timeout: 20_000 }).toEqual(['copied.at.first queued']);
    expect(await readUnsupported(subscriber)).toEqual([
      `Logical replication (subscription "operations") writes into public.operation_runs, which is not supported: its ids ` +
        `and times are another database's. Let programs report here instead, and drop the subscription.`
    ]);

    const id = await insertOperation(source.writer, source.a, source.a2, 'applied');
    await source.writer.query(`update operation_runs set status = 'running' where type = 'copied.at.first'`);
    await expect.poll(shown, { timeout: 20_000 }).toEqual(['applied queued', 'copied.at.first running']);
    await source.owner.query('delete from operation_runs where id = $1', [id]);
    await expect.poll(shown, { timeout: 20_000 }).toEqual(['copied.at.first running']);
    await subscriber.query('alter subscription operations disable');
    expect(await readUnsupported(subscriber)).toEqual([]);
  } finally {
    client.close();
    await hub.close();
    await reader.close();
    await Promise.all([source.close(), target.close(), publisher.end(), subscriber.end(), admin.end()]);
    await postgres.remove();
  }
}, 90_000);
