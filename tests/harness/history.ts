/**
 * A long history for plan tests: a million operations with the outcomes, types, initiators and texts of real ones. Written
 * beside the triggers and before the indexes, or it would take minutes. Active and stale operations lie on top.
 */
import pg from 'pg';
import type { World } from './world.ts';

export interface History {
  /** of workspace A's busy environment a3 */
  busy: number;
  /** of workspace B */
  other: number;
  /** as many of A's as completed within the last day, whatever the rest; without it a day has a thirtieth of `busy` */
  lastDay?: number;
}

/** Fills A (a3 busy, a1 quiet, a2 empty, a few of its own) and B. Nothing in A is blocked; 'rare.type' has five. */
export async function fillHistory(url: string, world: World, { busy, other, lastDay }: History): Promise<void> {
  // Not of a pool: it has no time-outs.
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`set role watchfloor_owner; set maintenance_work_mem = '512MB'`);
    const triggers = await client.query<{ name: string; enabled: string }>(
      `select tgname as name, tgenabled as enabled from pg_trigger
       where tgrelid = 'public.operation_runs'::regclass and not tgisinternal`
    );
    await client.query('alter table operation_runs disable trigger user');
    // Neither are foreign keys checked a million times (a superuser's right: the test server's user is one).
    await client.query('reset role; set session_replication_role = replica');
    const indexes = await client.query<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
       where indrelid = 'public.operation_runs'::regclass and not indisprimary`
    );
    for (const { name } of indexes.rows) await client.query(`drop index ${name}`);
    if (lastDay === undefined) await fill(client, world.a, world.a3, busy, [30, 0]);
    else {
      await fill(client, world.a, world.a3, busy - lastDay, [85, 1]);
      await fill(client, world.a, world.a3, lastDay, [1, 0]);
    }
    await fill(client, world.a, world.a1, 40, [25, 0]);
    await fill(client, world.a, null, 200, [20, 0]);
    await fill(client, world.b, world.b1, other, [30, 0]);
    await client.query('set session_replication_role = origin; set role watchfloor_owner');
    for (const { definition } of indexes.rows) await client.query(definition);
    const firing: Record<string, string> = { O: 'enable', A: 'enable always', R: 'enable replica', D: 'disable' };
    for (const { name, enabled } of triggers.rows)
      await client.query(`alter table operation_runs ${firing[enabled]} trigger ${name}`);
    // Active ones among those that ended, most of them fresh; those of a3 that fell silent; open follow-ups of every age.
    await client.query(
      `begin; set local watchfloor.import = on;
       insert into operation_runs (workspace_id, managed_environment_id, type, status, created_at)
       select ${world.a}, ${world.a3}, 'inventory.sync', 'running', now() - n * interval '1 minute'
       from generate_series(1, 2000) n;
       commit`
    );
    await client.query(
      `begin; set local watchfloor.import = on;
       insert into operation_runs (workspace_id, managed_environment_id, type, status, created_at, last_reported_at)
       select ${world.a}, ${world.a3}, 'policy.sync', 'running', now() - n * interval '1 hour', now() - n * interval '1 hour'
       from generate_series(2, 42) n;
       insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, completed_at)
       select ${world.a}, ${world.a3}, 'restore.execute', 'completed', (array['failed', 'partially_succeeded'])[1 + n % 2],
         now() - n * interval '10 hours', now() - n * interval '10 hours' + interval '1 minute'
       from generate_series(1, 200) n;
       commit`
    );
    await client.query(
      `insert into watchfloor.successes
       select workspace_id, coalesce(managed_environment_id, 0), type, max(completed_at), max(id) from operation_runs
       where outcome = 'succeeded' group by 1, 2, 3 on conflict do nothing`
    );
    await client.query('select watchfloor.collect_facets()');
    await client.query('vacuum analyze operation_runs');
    await client.query('vacuum analyze watchfloor.successes');
    await client.query('vacuum analyze watchfloor.facets');
    await client.query('analyze operation_types, memberships, environment_memberships, managed_environments');
  } finally {
    await client.end();
  }
}

async function fill(
  client: pg.Client,
  workspaceId: number,
  environmentId: number | null,
  count: number,
  [daysAgo, until]: [number, number]
): Promise<void> {
  await client.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, initiator_name, created_at,
       started_at, completed_at, resolved_at, resolved_by, failure_message, search_text, context, place_id)
     select $1, $2::bigint, kind.type, 'completed', kind.outcome, kind.initiator, t, t, t + interval '1 minute',
       case when kind.outcome in ('failed', 'partially_succeeded') then t + interval '2 minutes' end, 1,
       case when kind.outcome = 'failed' then 'Access refused' end,
       lower(kind.type || ' ' || kind.initiator || ' ' || n || case when kind.outcome = 'failed' then ' access refused' else '' end),
       jsonb_build_object('padding', repeat('x', 60)), coalesce($2, 0)
     from generate_series(1, $3::bigint) n
     cross join lateral (select now() - interval '1 day' * ($5::float8 + $4::float8 * (1 - n / ($3 + 1.0))) as t) at
     cross join lateral (select
       case when n % ($3 / 5 + 1) = 7 then 'rare.type' else (array['inventory.sync', 'policy.sync', 'backup.schedule.execute',
         'restore.execute', 'alerts.evaluate', 'compliance.snapshot', 'baseline.capture', 'policy.export'])[1 + n % 8] end as type,
       case when n % 33 = 0 then 'failed' when n % 97 = 0 then 'partially_succeeded' when n % 101 = 0 then 'cancelled'
         else 'succeeded' end as outcome,
       case when n % ($3 / 3 + 1) = 5 then 'Rare Person' when n % 3 = 0 then 'System' else 'Person ' || n % 40 end as initiator
     ) kind`,
    [workspaceId, environmentId, count, daysAgo - until, until]
  );
}
