/**
 * The list columns of `operation_runs` and their way into an `OperationRow`: the one place that names them for the first
 * page, catch-up and the feed. Invariant: no JSON column is ever among them (a plan test and the feed's column rights
 * hold this too).
 */
import type { OperationRow, Outcome, Status, SummaryKey } from '../../operations/operation.ts';
import { SUMMARY_KEYS } from '../../operations/operation.ts';

const COLUMNS = [
  'id',
  'revision',
  'workspace_id',
  'managed_environment_id',
  'type',
  'status',
  'outcome',
  'initiator_name',
  'progress_processed',
  'progress_total',
  'progress_phase',
  ...SUMMARY_KEYS.map((key) => `count_${key}` as const),
  'failure_code',
  'failure_message',
  'cancelled_by',
  'reconciled_at',
  'created_at',
  'started_at',
  'completed_at',
  'last_reported_at',
  'stale_at'
] as const;

/** `r.id, r.revision, …` for a table alias. */
export function listColumns(alias: string): string {
  return COLUMNS.map((column) => `${alias}.${column}`).join(', ');
}

/** One row as pg returns `listColumns`. */
export type ListColumns = {
  id: number;
  revision: number;
  workspace_id: number;
  managed_environment_id: number | null;
  type: string;
  status: Status;
  outcome: Outcome;
  initiator_name: string;
  progress_processed: number | null;
  progress_total: number | null;
  progress_phase: string | null;
  failure_code: string | null;
  failure_message: string | null;
  cancelled_by: string | null;
  reconciled_at: Date | null;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  last_reported_at: Date;
  stale_at: Date | null;
} & Record<`count_${SummaryKey}`, number | null>;

/** The database's row as the wire and the pages carry it. */
export function toOperationRow(columns: ListColumns): OperationRow {
  const counts: OperationRow['counts'] = {};
  for (const key of SUMMARY_KEYS) {
    const value = columns[`count_${key}`];
    if (value !== null) counts[key] = value;
  }
  const { failure_code: code, failure_message: message } = columns;
  return {
    id: columns.id,
    revision: columns.revision,
    workspaceId: columns.workspace_id,
    environmentId: columns.managed_environment_id,
    type: columns.type,
    status: columns.status,
    outcome: columns.outcome,
    initiator: columns.initiator_name,
    progress: {
      processed: columns.progress_processed,
      total: columns.progress_total,
      phase: columns.progress_phase
    },
    counts,
    failure: code === null && message === null ? null : { code, message },
    cancelledBy: columns.cancelled_by,
    reconciledAt: columns.reconciled_at?.getTime() ?? null,
    createdAt: columns.created_at.getTime(),
    startedAt: columns.started_at?.getTime() ?? null,
    completedAt: columns.completed_at?.getTime() ?? null,
    lastReportedAt: columns.last_reported_at.getTime(),
    staleAt: columns.stale_at?.getTime() ?? null
  };
}
