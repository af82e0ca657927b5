/**
 * One operation for its page: its row with the follow-up as it is by definition, the sanitised failures, and its kin (the
 * same type in the same place): earlier ones, the last success, a newer one. The only read that touches a JSON column,
 * and never `context`: diagnostics are a capability of their own (diagnostics.ts).
 */
import type { Queryable } from '../database/pool.ts';
import type { OperationRow } from '../../operations/operation.ts';
import type { DetailPage, Failure } from '../../operations/pages.ts';
import { judgedColumns, listColumns, resolution, toOperationRow, type ListColumns } from './columns.ts';

export type OperationDetail = Pick<
  DetailPage,
  | 'row'
  | 'failures'
  | 'source'
  | 'externalId'
  | 'reconciliationReason'
  | 'retryOf'
  | 'silenceLimitSeconds'
  | 'followUpPolicy'
  | 'earlier'
  | 'lastSuccess'
  | 'later'
>;

/** As many as the page's strip and table show, however long the history. */
const EARLIER_READ = 30;

/** null where it does not exist or row-level security hides it: the same query, the same answer. Four short statements. */
export async function readOperation(db: Queryable, workspaceId: number, id: number): Promise<OperationDetail | null> {
  const { rows } = await db.query<
    ListColumns & {
      failure_summary: { code?: string; message: string; count?: number }[];
      source: string | null;
      external_id: string | null;
      reconciliation_reason: string | null;
      visible_retry_of: number | null;
      limit_seconds: number | null;
      policy: DetailPage['followUpPolicy'] | null;
    }
  >(
    // What it retries may be of a place that this person does not see: then it is not named.
    `select ${judgedColumns('r')}, r.failure_summary, r.source, r.external_id, r.reconciliation_reason,
       (select p.id from public.operation_runs p where p.workspace_id = $1 and p.id = r.retry_of) as visible_retry_of,
       (select t.follow_up_policy from public.operation_types t where t.code = r.type) as policy,
       case when r.status <> 'completed'
         then extract(epoch from watchfloor.silence_limit(r.type, r.status))::integer end as limit_seconds
     from public.operation_runs r ${resolution('r')} where r.workspace_id = $1 and r.id = $2`,
    [workspaceId, id]
  );
  const found = rows[0];
  if (!found) return null;
  const row = toOperationRow(found);
  return {
    row,
    failures: found.failure_summary.map(toFailure),
    source: found.source,
    externalId: found.external_id,
    reconciliationReason: found.reconciliation_reason,
    retryOf: found.visible_retry_of,
    silenceLimitSeconds: found.limit_seconds,
    followUpPolicy: found.policy ?? 'manual_review',
    earlier: await readEarlier(db, row),
    lastSuccess: await readLastSuccess(db, row),
    later: await readLater(db, row)
  };
}

function toFailure({ code, message, count }: { code?: string; message: string; count?: number }): Failure {
  return { code: code ?? null, message, count: count ?? null };
}

/** The words of the indexes by place and type (0006): each of the reads below walks one of them and stops. */
const SAME_KIND = `r.workspace_id = $1 and r.place_id = $2 and r.type = $3`;

async function readKin(
  db: Queryable,
  { workspaceId, environmentId, type, id }: OperationRow,
  at: number | null,
  rest: string
): Promise<OperationRow[]> {
  const instant = at === null ? null : new Date(at);
  const { rows } = await db.query<ListColumns>(
    `select ${listColumns('r')} from public.operation_runs r where ${SAME_KIND} and ${rest}`,
    [workspaceId, environmentId ?? 0, type, instant, id]
  );
  return rows.map(toOperationRow);
}

/** Made before it, newest first. */
function readEarlier(db: Queryable, row: OperationRow): Promise<OperationRow[]> {
  return readKin(
    db,
    row,
    row.createdAt,
    `(r.created_at, r.id) < ($4::timestamptz, $5::bigint) order by r.created_at desc, r.id desc limit ${EARLIER_READ}`
  );
}

/** The newest that was made after it. */
async function readLater(db: Queryable, row: OperationRow): Promise<OperationRow | null> {
  const later = `(r.created_at, r.id) > ($4::timestamptz, $5::bigint) order by r.created_at desc, r.id desc limit 1`;
  return (await readKin(db, row, row.createdAt, later))[0] ?? null;
}

/** The success that this one is compared with: the last before it completed, or before now while it is active. */
async function readLastSuccess(db: Queryable, row: OperationRow): Promise<OperationRow | null> {
  const last = `r.outcome = 'succeeded' and (r.completed_at, r.id) < (coalesce($4::timestamptz, 'infinity'), $5::bigint)
    order by r.completed_at desc, r.id desc limit 1`;
  return (await readKin(db, row, row.completedAt, last))[0] ?? null;
}
