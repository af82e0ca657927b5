/** `rejected`: the newest reports that could not be applied, also those that no page shows: of no workspace that we know. */
import type { Queryable } from '../lib/server/database/pool.ts';

export interface Rejected {
  id: number;
  receivedAt: Date;
  workspaceId: number | null;
  operationId: number | null;
  reason: string;
  kind: string;
  type: string | null;
  source: string | null;
  /** what it said, each value cut; never a context */
  report: unknown;
}

export async function readRejected(
  db: Queryable,
  { workspaceId, last }: { workspaceId: number | null; last: number }
): Promise<Rejected[]> {
  const { rows } = await db.query<Rejected>(
    `select id, received_at as "receivedAt", workspace_id as "workspaceId", operation_id as "operationId", reason, kind,
       type, source, report
     from public.rejected_reports where $1::bigint is null or workspace_id = $1 order by received_at desc, id desc limit $2`,
    [workspaceId, last]
  );
  return rows;
}
