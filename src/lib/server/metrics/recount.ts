/**
 * The numbers of a workspace, counted again from its operations alone, and held to what pages are told (server/operations/
 * summary.ts reads those from partial indexes and side facts): both in one snapshot, so that they differ by a defect only.
 * One workspace at a time, in turns, and with a limit: what is too large is left out for hours, never waited for.
 * Invariants: it writes nothing; it holds up nobody; what it found last is kept for a bounded number of workspaces.
 */
import type pg from 'pg';
import { openPool, withTransaction, type Queryable } from '../database/pool.ts';
import { succeededFrom } from '../../operations/filter.ts';
import type { Recount } from '../../operations/delivery.ts';
import { COUNT_KEYS, type Counts } from '../../operations/summary.ts';
import { readSummaries } from '../operations/summary.ts';
import { openRepeat, type Lines } from '../reports/repeat.ts';

const FIRST_AFTER_MS = 5_000;
const EVERY_MS = 60_000;
/** One that was counted is left alone for so long; one that was too large for longer. */
const AGAIN_AFTER_MS = 600_000;
const TOO_LARGE_AFTER_MS = 6 * 3_600_000;
/** A recount reads every operation of a workspace: about a million rows a second. */
const LIMIT_MS = 2_000;
const MOST_KEPT = 1_000;
const QUERY_CANCELED = '57014';

export interface Recounts {
  of(workspaceId: number): Recount | null;
  close(): Promise<void>;
}

/** The definition (PRODUCT 2) on the operations themselves: no mark, no fact and no index beside them is believed. */
const RECOUNT = `
  with newest as materialized (
    select distinct on (s.managed_environment_id, s.type) s.managed_environment_id, s.type, s.completed_at, s.id
    from public.operation_runs s
    join public.operation_types t on t.code = s.type and t.follow_up_policy in ('repeatable', 'artifact')
    where s.workspace_id = $1 and s.status = 'completed' and s.outcome = 'succeeded'
    order by s.managed_environment_id, s.type, s.completed_at desc, s.id desc),
  judged as (
    select r.status, r.outcome, r.stale_at, r.completed_at,
      r.status = 'completed' and r.resolved_at is null and r.reviewed_at is null
        and (newest.id is null or (newest.completed_at, newest.id) <= (r.completed_at, r.id)) as is_open
    from public.operation_runs r
    left join newest on newest.type = r.type
      and newest.managed_environment_id is not distinct from r.managed_environment_id
    where r.workspace_id = $1)
  select count(*) filter (where status <> 'completed') as active,
    count(*) filter (where status <> 'completed' and stale_at <= to_timestamp($2::float8 / 1000.0)) as stale,
    count(*) filter (where is_open and outcome = 'blocked') as blocked,
    count(*) filter (where is_open and outcome = 'failed') as failed,
    count(*) filter (where is_open and outcome = 'partially_succeeded') as partial,
    count(*) filter (where status = 'completed' and outcome = 'succeeded'
      and completed_at >= to_timestamp($3::float8 / 1000.0)) as succeeded
  from judged`;

/** As role feed. What is told and what is counted are of one snapshot; null = it took longer than it may. */
export async function readRecount(pool: pg.Pool, workspaceId: number): Promise<Recount> {
  const from = performance.now();
  let at = 0;
  try {
    const drift = await withTransaction(pool, 'isolation level repeatable read read only', async (client) => {
      const { rows } = await client.query<{ at: Date }>('select now() as at');
      at = rows[0]!.at.getTime();
      const [told] = await readSummaries(client, workspaceId, ['workspace'], at);
      const counted = await recount(client, workspaceId, at);
      return Object.fromEntries(
        COUNT_KEYS.map((key) => [key, (told?.counts[key] ?? 0) - counted[key]])
      ) as Recount['drift'];
    });
    return { at, tookMs: performance.now() - from, drift };
  } catch (error) {
    if ((error as { code?: string }).code !== QUERY_CANCELED) throw error;
    return { at, tookMs: performance.now() - from, drift: null };
  }
}

async function recount(db: Queryable, workspaceId: number, at: number): Promise<Counts> {
  const { rows } = await db.query<Counts>(RECOUNT, [workspaceId, at, succeededFrom(at)]);
  return rows[0]!;
}

export function openRecounts({
  url,
  log,
  firstAfterMs = FIRST_AFTER_MS,
  everyMs = EVERY_MS
}: {
  url: string;
  log: Lines;
  firstAfterMs?: number;
  everyMs?: number;
}): Recounts {
  // Its own, with its limit: nobody else waits for it, and it waits for nobody.
  const pool = openPool({
    url,
    role: 'feed',
    max: 1,
    applicationName: 'watchfloor recount',
    statementTimeoutMs: LIMIT_MS
  });
  const found = new Map<number, { recount: Recount; readAt: number }>();
  const isDue = (workspaceId: number): boolean => {
    const known = found.get(workspaceId);
    if (!known) return true;
    return performance.now() - known.readAt > (known.recount.drift === null ? TOO_LARGE_AFTER_MS : AGAIN_AFTER_MS);
  };

  const repeating = openRepeat({
    name: 'The recount of numbers',
    firstAfterMs,
    everyMs,
    log,
    async work() {
      const { rows } = await pool.query<{ id: number }>('select id from public.workspaces order by id limit $1', [
        MOST_KEPT
      ]);
      const ids = rows.map(({ id }) => id);
      for (const known of [...found.keys()]) if (!ids.includes(known)) found.delete(known);
      // Whoever was never counted comes first, then whoever waits longest.
      const [next] = ids
        .filter(isDue)
        .sort((a, b) => (found.get(a)?.readAt ?? -Infinity) - (found.get(b)?.readAt ?? -Infinity) || a - b);
      if (next === undefined) return;
      const counted = await readRecount(pool, next);
      found.set(next, { recount: counted, readAt: performance.now() });
      const wrong = Object.entries(counted.drift ?? {}).filter(([, drift]) => drift !== 0);
      if (wrong.length > 0)
        log.warn(
          `Numbers of workspace ${next} differ from its operations: ${wrong.map(([key, n]) => `${key} ${n}`).join(', ')}. This is a defect; report it.`
        );
    }
  });
  return {
    of: (workspaceId) => found.get(workspaceId)?.recount ?? null,
    async close() {
      await repeating.close();
      await pool.end();
    }
  };
}
