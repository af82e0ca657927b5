/**
 * Watchfloor reports its own work as any writer does: as operations, in the workspace for administrators. It owns when
 * and how such a report is written. Invariant: a report that fails never breaks, blocks or changes the work it is about.
 */
import type pg from 'pg';
import { openPool, withTransaction } from '../database/pool.ts';
import { toFailure, type Failure } from './failure.ts';
import { ensureSelfWorkspace, SELF_EXTERNAL_ID, SELF_SOURCE } from './self-workspace.ts';

export type SelfType =
  'watchfloor.migrate' | 'watchfloor.seed' | 'watchfloor.retention' | 'watchfloor.backup' | 'watchfloor.reconcile';
export type Counts = Partial<Record<'total' | 'processed' | 'created' | 'updated' | 'deleted', number>>;

export interface ReportOptions<T> {
  type: SelfType;
  /** Given: nothing is written before the first progress, and at the end only if this holds or the work failed. */
  isWorthReporting?: (result: T) => boolean;
  toCounts?: (result: T) => Counts;
}

/** What the work may tell while it runs; resolves whether or not it could be written. */
export interface Report {
  progress(now: { processed?: number; total?: number; phase?: string }): Promise<void>;
}

/** A report must not hold up a start: after this long it is given up. */
const REPORT_TIMEOUT_MS = 3_000;

/**
 * Runs `work` and reports it: running, progress, then succeeded or failed with a sanitised failure. Returns or throws
 * exactly what the work does. Where nothing can be written yet (before the first migration), it is written at the end.
 */
export async function withReport<T>(
  url: string,
  { type, isWorthReporting, toCounts }: ReportOptions<T>,
  work: (report: Report) => Promise<T>
): Promise<T> {
  const pool = openPool({
    url,
    role: 'owner',
    max: 1,
    applicationName: 'watchfloor report',
    statementTimeoutMs: REPORT_TIMEOUT_MS
  });
  const beganAt = performance.now();
  let id: number | null = null;
  const attempt = async <R>(write: () => Promise<R>): Promise<R | null> => write().catch(() => null);
  const begin = async (): Promise<void> => {
    id ??= await attempt(() => writeBegin(pool, type, performance.now() - beganAt));
  };
  const end = async (counts: Counts, failure: Failure | null): Promise<void> => {
    await begin();
    if (id !== null) await attempt(() => writeEnd(pool, id!, counts, failure));
  };
  try {
    if (!isWorthReporting) await begin();
    const result = await work({
      async progress(now) {
        await begin();
        if (id !== null) await attempt(() => writeProgress(pool, id!, now));
      }
    });
    if (id !== null || !isWorthReporting || isWorthReporting(result)) await end(toCounts?.(result) ?? {}, null);
    return result;
  } catch (error) {
    await end({}, toFailure(error));
    throw error;
  } finally {
    await pool.end().catch(() => {});
  }
}

/** An active one of the same type is one that a killed process left behind: it is taken over, and so will be ended. */
async function writeBegin(pool: pg.Pool, type: SelfType, sinceMs: number): Promise<number> {
  return withTransaction(pool, '', async (client) => {
    const workspace = await ensureSelfWorkspace(client);
    const { rows } = await client.query<{ id: number }>(
      `insert into public.operation_runs (workspace_id, type, status, started_at, run_identity_hash, source, external_id)
       values ($1, $2, 'running', clock_timestamp() - $3 * interval '1 millisecond', $2, $4, $5)
       on conflict (workspace_id, run_identity_hash)
         where status <> 'completed' and managed_environment_id is null and run_identity_hash is not null
       do update set status = 'running'
       returning id`,
      [workspace, type, Math.ceil(sinceMs), SELF_SOURCE, SELF_EXTERNAL_ID]
    );
    return rows[0]!.id;
  });
}

async function writeProgress(
  pool: pg.Pool,
  id: number,
  { processed, total, phase }: { processed?: number; total?: number; phase?: string }
): Promise<void> {
  await pool.query(
    `update public.operation_runs set progress_processed = coalesce($2, progress_processed),
       progress_total = coalesce($3, progress_total), progress_phase = coalesce($4, progress_phase)
     where id = $1 and status <> 'completed'`,
    [id, processed ?? null, total ?? null, phase ?? null]
  );
}

async function writeEnd(pool: pg.Pool, id: number, counts: Counts, failure: Failure | null): Promise<void> {
  await pool.query(
    `update public.operation_runs set status = 'completed', outcome = $2, summary_counts = $3, failure_summary = $4
     where id = $1 and status <> 'completed'`,
    [id, failure ? 'failed' : 'succeeded', JSON.stringify(counts), JSON.stringify(failure ? [failure] : [])]
  );
}
