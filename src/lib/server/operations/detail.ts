/**
 * One operation for its page: list columns and the sanitised failures. The only read that touches a JSON column, and
 * never `context`: diagnostics are a capability of their own.
 */
import type { Queryable } from '../database/pool.ts';
import type { OperationRow } from '../../operations/operation.ts';
import type { Failure } from '../../operations/pages.ts';
import { listColumns, toOperationRow, type ListColumns } from './columns.ts';

export interface OperationDetail {
  row: OperationRow;
  failures: Failure[];
  source: string | null;
  externalId: string | null;
  reconciliationReason: string | null;
  retryOf: number | null;
  silenceLimitSeconds: number | null;
}

/** null where it does not exist or row-level security hides it: the same query, the same answer. */
export async function readOperation(db: Queryable, workspaceId: number, id: number): Promise<OperationDetail | null> {
  const { rows } = await db.query<
    ListColumns & {
      failure_summary: { code?: string; message: string; count?: number }[];
      source: string | null;
      external_id: string | null;
      reconciliation_reason: string | null;
      retry_of: number | null;
      limit_seconds: number | null;
    }
  >(
    `select ${listColumns('r')}, r.failure_summary, r.source, r.external_id, r.reconciliation_reason, r.retry_of,
       case when r.status <> 'completed'
         then extract(epoch from watchfloor.silence_limit(r.type, r.status))::integer end as limit_seconds
     from public.operation_runs r where r.workspace_id = $1 and r.id = $2`,
    [workspaceId, id]
  );
  const found = rows[0];
  if (!found) return null;
  return {
    row: toOperationRow(found),
    failures: found.failure_summary.map(({ code, message, count }) => ({
      code: code ?? null,
      message,
      count: count ?? null
    })),
    source: found.source,
    externalId: found.external_id,
    reconciliationReason: found.reconciliation_reason,
    retryOf: found.retry_of,
    silenceLimitSeconds: found.limit_seconds
  };
}
