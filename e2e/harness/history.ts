/**
 * A history of operations for tests of lists, written as the owner with its own times (as seeding does): every state, long
 * names, and many rows with one and the same time, so that only the id orders them.
 */
import type { World } from '../../tests/harness/world.ts';

/** Writes `count` operations over a1, a2, a3 and the workspace itself, and returns all of A's ids, newest first. */
export async function writeHistory(world: World, count: number): Promise<number[]> {
  const client = await world.owner.connect();
  try {
    await client.query('begin; set local watchfloor.import = on');
    await client.query(
      `insert into operation_runs
         (workspace_id, managed_environment_id, type, initiator_name, status, outcome, progress_processed, progress_total,
          progress_phase, failure_summary, summary_counts, created_at, started_at, completed_at, last_reported_at)
       select $1, (array[$2, $3, $4, null]::bigint[])[1 + n % 4],
         (array['inventory.sync', 'tenant.evidence.snapshot.generate', 'acme.a_type_that_no_catalogue_knows_and_with_a_very_long_name'])[1 + n % 3],
         case n % 5 when 0 then 'Samuel Achterberg-Weissenfels of the night shift in Isenberg' else 'System' end,
         case when n % 7 < 2 then 'running' when n % 7 = 2 then 'queued' else 'completed' end,
         case when n % 7 <= 2 then 'pending'
           else (array['succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled'])[1 + n % 5] end,
         case when n % 7 < 2 then n end, case when n % 7 = 1 then 1000 end, case when n % 7 = 0 then 'phase ' || n end,
         case when n % 5 = 3 then '[{"code":"QUOTA","message":"The quota of the provider is used up, and the rest of this message is long."}]'::jsonb
           else '[]' end,
         case when n % 5 = 0 then '{"total":1000000,"succeeded":999999,"failed":1}'::jsonb else '{}' end,
         at, at, at, clock_timestamp()
       from generate_series(1, $5::int) n,
         lateral (select date_trunc('milliseconds', now()) - make_interval(mins => 5 + (n / 12) * 3) as at) t`,
      [world.a, world.a1, world.a2, world.a3, count]
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
  const { rows } = await world.owner.query<{ id: number }>(
    'select id from operation_runs where workspace_id = $1 order by created_at desc, id desc',
    [world.a]
  );
  return rows.map(({ id }) => id);
}
