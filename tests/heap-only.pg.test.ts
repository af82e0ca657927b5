import { expect, test } from 'vitest';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { startPostgres } from './harness/postgres.ts';
import { makeWorld, openWriter } from './harness/world.ts';

/**
 * On a server of its own: a transaction that stays open anywhere in the cluster, and an ANALYZE in the database, keep old
 * row versions from being pruned, and other tests do both.
 */
test('more than 95 of 100 progress reports rewrite no index entry', async () => {
  const postgres = await startPostgres();
  await migrate(postgres.url);
  const world = await makeWorld(postgres.url);
  await world.owner.query('alter table operation_runs set (autovacuum_enabled = false)');
  const client = await openWriter(postgres.url);
  const { rows } = await client.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status)
     select $1, $2, 'policy.sync', 'running' from generate_series(1, 15) returning id`,
    [world.a, world.a1]
  );
  const updates = async (): Promise<{ all: number; hot: number }> => {
    await client.query('select pg_stat_force_next_flush()');
    const found = await client.query(
      `select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'operation_runs'`
    );
    return { all: Number(found.rows[0].all), hot: Number(found.rows[0].hot) };
  };
  const before = await updates();
  for (let n = 1; n <= 300; n++)
    for (const { id } of rows)
      await client.query('update operation_runs set progress_processed = $2, progress_total = 300 where id = $1', [
        id,
        n
      ]);
  await expect.poll(async () => (await updates()).all - before.all, { timeout: 15_000 }).toBeGreaterThanOrEqual(4_500);
  const after = await updates();
  expect((after.hot - before.hot) / (after.all - before.all)).toBeGreaterThan(0.95);
  await client.end();
  await world.close();
  await postgres.remove();
}, 60_000);
