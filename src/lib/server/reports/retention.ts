/**
 * History is kept for 90 days: older operations are removed in small steps, as the owner, since nobody else may delete.
 * Invariant: what is queued, running, or left an open follow-up is never removed by age; a bad ending counts as dealt with
 * once a later success resolved it (and the sweep wrote that down) or a person reviewed it. No writer ever waits for
 * longer than one step.
 */
import type pg from 'pg';
import { openPool, withTransaction } from '../database/pool.ts';
import { openRepeat, type Lines, type Repeating } from './repeat.ts';
import { withReport } from './report.ts';
import { readSelfWorkspace } from './self-workspace.ts';

export interface Removed {
  operations: number;
  rejectedReports: number;
}

export interface RetentionOptions {
  url: string;
  log: Lines;
  /** how many days after its end an operation is kept */
  historyDays?: number;
  firstAfterMs?: number;
  everyMs?: number;
}

/** Rows looked at in one transaction: a few milliseconds of locks on rows that nobody reports any more. */
const STEP_ROWS = 1_000;
/** Any number of our own; taken for one step at a time, so that it works behind any proxy and is never left held. */
const RETENTION_LOCK = 2_234_200_012;

/** Runs hourly, a minute after the start for the first time. */
export function openRetention(options: RetentionOptions): Repeating {
  const { url, log, historyDays = 90, firstAfterMs = 60_000, everyMs = 3_600_000 } = options;
  return openRepeat({
    name: 'History retention',
    firstAfterMs,
    everyMs,
    log,
    async work(signal) {
      const pool = openPool({
        url,
        role: 'owner',
        max: 1,
        applicationName: 'watchfloor retention',
        statementTimeoutMs: 60_000
      });
      try {
        const isDue = !(await wasReportedToday(pool));
        await withReport<Removed | null>(
          url,
          {
            type: 'watchfloor.retention',
            isWorthReporting: (removed) => removed !== null && isDue,
            toCounts: (removed) => ({ deleted: (removed?.operations ?? 0) + (removed?.rejectedReports ?? 0) })
          },
          (report) =>
            removeHistory(pool, {
              historyDays,
              signal,
              seeProgress: (removed) => report.progress({ processed: removed, phase: 'Removing old history' })
            })
        );
      } finally {
        await pool.end();
      }
    }
  });
}

/**
 * One run over everything. Null when another node is at it: it stops at once, and what it removed before is removed.
 * `seeProgress` is called after each step that removed something, with how many so far.
 */
export async function removeHistory(
  pool: pg.Pool,
  options: {
    historyDays: number;
    signal?: AbortSignal;
    seeProgress?: (removed: number) => Promise<void>;
    stepRows?: number;
  }
): Promise<Removed | null> {
  const { historyDays, signal, seeProgress, stepRows = STEP_ROWS } = options;
  const removed: Removed = { operations: 0, rejectedReports: 0 };
  const seen = async (count: number): Promise<void> => {
    if (count > 0) await seeProgress?.(removed.operations + removed.rejectedReports);
  };
  const { rows } = await pool.query<{ before: Date; workspaces: number[] | null }>(
    `select now() - $1 * interval '1 day' as before, array_agg(id order by id) as workspaces from public.workspaces`,
    [historyDays]
  );
  const { before, workspaces } = rows[0]!;
  for (const workspace of (workspaces ?? []).map(Number)) {
    let after: Place | null = { createdAt: new Date(0), id: 0 };
    while (after && !signal?.aborted) {
      const place: Place = after;
      const step = await locked(pool, (client) =>
        removeOperations(client, { workspace, before, after: place, stepRows })
      );
      if (!step) return null;
      removed.operations += step.removed;
      await seen(step.removed);
      after = step.last;
    }
  }
  for (let after: number | null = 0; after !== null && !signal?.aborted;) {
    const from: number = after;
    const step = await locked(pool, (client) => removeRejectedReports(client, { before, after: from, stepRows }));
    if (!step) return null;
    removed.rejectedReports += step.removed;
    await seen(step.removed);
    after = step.last;
  }
  return removed;
}

/** Where a run stands in the order (created_at, id) of one workspace. */
interface Place {
  createdAt: Date;
  id: number;
}

/** Walks operation_runs_by_workspace_newest backwards, so that what has to stay is passed once a run and not once a step. */
export const REMOVE_OPERATIONS = `
  with looked_at as (
    select id, created_at from public.operation_runs
    where workspace_id = $1 and created_at < $2 and (created_at, id) > ($3, $4)
    order by created_at, id limit $5
  ), old as (
    -- Locked and checked again as it is now; what somebody reports on at this moment is left for the next run.
    select id from public.operation_runs
    where id = any(array(select id from looked_at)) and status = 'completed' and completed_at < $2
      and (outcome in ('succeeded', 'cancelled') or resolved_at is not null or reviewed_at is not null)
    for update skip locked
  ), removed as (
    delete from public.operation_runs where id = any(array(select id from old)) returning id
  )
  select (select count(*) from removed) as removed, (select count(*) from looked_at) as seen,
    last.id, last.created_at as "createdAt"
  from (select 1) one left join lateral (
    select id, created_at from looked_at order by created_at desc, id desc limit 1) last on true`;

async function removeOperations(
  client: pg.ClientBase,
  { workspace, before, after, stepRows }: { workspace: number; before: Date; after: Place; stepRows: number }
): Promise<{ removed: number; last: Place | null }> {
  const { rows } = await client.query<{ removed: number; seen: number } & Place>(REMOVE_OPERATIONS, [
    workspace,
    before,
    after.createdAt,
    after.id,
    stepRows
  ]);
  const { removed, seen, id, createdAt } = rows[0]!;
  return { removed, last: seen < stepRows ? null : { id, createdAt } };
}

/** In the order of ids, which is that of arrival; ends at the first one that is young. */
async function removeRejectedReports(
  client: pg.ClientBase,
  { before, after, stepRows }: { before: Date; after: number; stepRows: number }
): Promise<{ removed: number; last: number | null }> {
  const { rows } = await client.query<{ removed: number; last: number | null }>(
    `with looked_at as (
       select id, received_at from public.rejected_reports where id > $1 order by id limit $2
     ), removed as (
       delete from public.rejected_reports
       where id in (select id from looked_at where received_at < $3) returning id
     )
     select (select count(*) from removed) as removed,
       (select max(id) from looked_at having count(*) = $2 and max(received_at) < $3) as last`,
    [after, stepRows, before]
  );
  return rows[0]!;
}

/** One step in a transaction of its own, or null when another node holds the lock. */
async function locked<T>(pool: pg.Pool, step: (client: pg.ClientBase) => Promise<T>): Promise<T | null> {
  return withTransaction(pool, '', async (client) => {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
      RETENTION_LOCK
    ]);
    return rows[0]!.mine ? step(client) : null;
  });
}

async function wasReportedToday(pool: pg.Pool): Promise<boolean> {
  const workspace = await readSelfWorkspace(pool);
  const { rows } = await pool.query<{ found: boolean }>(
    `select exists (select from public.operation_runs where workspace_id = $1 and type = 'watchfloor.retention'
       and created_at > now() - interval '1 day') as found`,
    [workspace]
  );
  return rows[0]!.found;
}
