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
  'stale_at',
  'resolved_at',
  'resolved_by',
  'reviewed_at',
  'reviewer_name',
  'search_text'
] as const;

/** `r.id, r.revision, …` for a table alias. What a later success resolved counts once the sweep has written it down. */
export function listColumns(alias: string): string {
  return COLUMNS.map((column) => `${alias}.${column}`).join(', ');
}

/** A completed operation whose follow-up nothing that is written down has closed: the predicate of the indexes of 0005. */
export function isUnclosed(alias: string): string {
  return `${alias}.has_open_follow_up`;
}

/**
 * The list columns with follow-ups as they are by definition: also where the sweep has not yet written a resolution down.
 * `resolution(alias)` must be joined. A resolution counts as one revision more, which is what the sweep will make it.
 */
export function judgedColumns(alias: string): string {
  return COLUMNS.map((column) => {
    switch (column) {
      case 'revision':
        return `${alias}.revision + (found_success.operation_id is not null)::integer as revision`;
      case 'resolved_at':
        return `coalesce(${alias}.resolved_at, found_success.completed_at) as resolved_at`;
      case 'resolved_by':
        return `coalesce(${alias}.resolved_by, found_success.operation_id) as resolved_by`;
      default:
        return `${alias}.${column}`;
    }
  }).join(', ');
}

/**
 * Joins the first later success that resolves an unclosed candidate; three probes of small indexes a candidate, unless
 * `onlyIf` says beforehand that there is none.
 */
export function resolution(alias: string, onlyIf = 'true'): string {
  return `left join lateral (
      select s.operation_id, s.completed_at from watchfloor.successes s
      where ${isUnclosed(alias)} and ${onlyIf}
        and s.workspace_id = ${alias}.workspace_id and s.place_id = ${alias}.place_id
        and s.type = ${alias}.type and (s.completed_at, s.operation_id) > (${alias}.completed_at, ${alias}.id)
        and exists (select from public.operation_types t
          where t.code = ${alias}.type and t.follow_up_policy in ('repeatable', 'artifact'))
      order by s.completed_at, s.operation_id limit 1
    ) found_success on true`;
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
  resolved_at: Date | null;
  resolved_by: number | null;
  reviewed_at: Date | null;
  reviewer_name: string | null;
  search_text: string;
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
    staleAt: columns.stale_at?.getTime() ?? null,
    search: columns.search_text,
    resolved:
      columns.resolved_at === null
        ? null
        : { at: columns.resolved_at.getTime(), by: columns.resolved_by ?? columns.id },
    reviewed:
      columns.reviewed_at === null
        ? null
        : { at: columns.reviewed_at.getTime(), by: columns.reviewer_name ?? 'Somebody' }
  };
}
