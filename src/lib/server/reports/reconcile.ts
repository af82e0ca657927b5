/**
 * Reconciliation: ends operations that were silent for four times their limit as failed, with the reason. A command that
 * somebody decides to run, in a role that may do nothing else; the hub never does. What is silent, and how a late report
 * replaces it, is migration 0008's business. Invariants: each step is one short statement that waits for nobody, and
 * nothing is ended that was reported on before.
 */
import { openPool } from '../database/pool.ts';
import { withReport } from './report.ts';

export interface Reconciled {
  id: number;
  workspaceId: number;
  environmentId: number | null;
  type: string;
  reason: string;
}

export interface Reconciliation {
  ended: number;
  /** the first of them, to be shown */
  shown: Reconciled[];
}

/** Rows that one step locks, for a few milliseconds. */
const STEP_ROWS = 100;
const MOST_SHOWN = 1_000;

/** Ends all that are silent now, and reports itself as an operation when there were any, or when it failed. */
export async function reconcile(
  url: string,
  { stepRows = STEP_ROWS }: { stepRows?: number } = {}
): Promise<Reconciliation> {
  return withReport(
    url,
    {
      type: 'watchfloor.reconcile',
      isWorthReporting: ({ ended }) => ended > 0,
      toCounts: ({ ended }) => ({ total: ended, processed: ended, updated: ended })
    },
    () =>
      withReconciler(url, async (pool) => {
        const result: Reconciliation = { ended: 0, shown: [] };
        for (;;) {
          const { rows } = await pool.query<Reconciled>(
            `select id, workspace_id as "workspaceId", managed_environment_id as "environmentId", type, reason
             from watchfloor.reconcile_operations($1)`,
            [stepRows]
          );
          result.ended += rows.length;
          result.shown.push(...rows.slice(0, MOST_SHOWN - result.shown.length));
          // What is locked is somebody's who reports: it is left for another time.
          if (rows.length < stepRows) return result;
        }
      })
  );
}

export interface Silent {
  id: number;
  workspaceId: number;
  environmentId: number | null;
  type: string;
  lastReportedAt: Date;
}

/** What reconcile() would end now, the longest silent first, a thousand at most. Changes nothing. */
export async function readSilent(url: string): Promise<Silent[]> {
  return withReconciler(url, async (pool) => {
    const { rows } = await pool.query<Silent>(
      `select id, workspace_id as "workspaceId", managed_environment_id as "environmentId", type,
         last_reported_at as "lastReportedAt"
       from watchfloor.silent_operations order by last_reported_at limit $1`,
      [MOST_SHOWN]
    );
    return rows;
  });
}

async function withReconciler<T>(url: string, work: (pool: ReturnType<typeof openPool>) => Promise<T>): Promise<T> {
  const pool = openPool({ url, role: 'reconciler', max: 1, applicationName: 'watchfloor reconcile' });
  return work(pool).finally(() => pool.end());
}
