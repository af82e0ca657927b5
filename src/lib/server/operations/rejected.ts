/**
 * Refused reports of one workspace, newest first, 25 a page by keyset: what was wrong and what was sent, as far as it is
 * safe to show (`context` is never kept). Row-level security gives who is narrowed only what is certainly of their places;
 * whether the person may read them at all is asked by the caller, who knows their role.
 */
import type { Queryable } from '../database/pool.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import type { ListPlace } from '../../operations/operation.ts';
import type { PagePosition } from '../../operations/pages.ts';
import { toPlainJson, type RefusedReport } from '../../operations/refused.ts';
import { formatCursor } from './keyset.ts';

export const REFUSED_PAGE = 25;

export interface RefusedPage extends PagePosition {
  rows: RefusedReport[];
}

interface Row {
  id: number;
  received_at: Date;
  kind: string;
  reason: string;
  type: string | null;
  source: string | null;
  place_id: number | null;
  operation_id: number | null;
  report: string;
}

/** One statement, on the index by workspace and time (two where there is less than a page that is newer: then the newest). */
export async function readRejected(
  db: Queryable,
  { workspace, environments }: Pick<VisibleWorkspace, 'workspace' | 'environments'>,
  { after, before }: { after: ListPlace | null; before: ListPlace | null }
): Promise<RefusedPage> {
  const edge = after ?? before;
  const isBackwards = after === null && before !== null;
  const { rows } = await db.query<Row>(
    `select r.id, r.received_at, r.kind, r.reason, r.type, r.source, r.place_id, jsonb_pretty(r.report) as report,
       (select o.id from public.operation_runs o where o.workspace_id = $1 and o.id = r.operation_id) as operation_id
     from public.rejected_reports r
     where r.workspace_id = $1 ${
       edge === null ? '' : `and (r.received_at, r.id) ${isBackwards ? '>' : '<'} (to_timestamp($2 / 1000.0), $3)`
     }
     order by r.received_at ${isBackwards ? 'asc, r.id asc' : 'desc, r.id desc'} limit ${REFUSED_PAGE + 1}`,
    edge === null ? [workspace.id] : [workspace.id, edge.at, edge.id]
  );
  const hasMore = rows.length > REFUSED_PAGE;
  // The newest page is the same one, whichever way it was come to.
  if (isBackwards && !hasMore) return readRejected(db, { workspace, environments }, { after: null, before: null });
  const page = rows.slice(0, REFUSED_PAGE);
  if (isBackwards) page.reverse();
  const cursorOf = (row: Row | undefined): string | null =>
    row ? formatCursor({ at: row.received_at.getTime(), id: row.id }) : null;
  const isFirst = edge === null;
  return {
    rows: page.map((row) => ({
      id: row.id,
      at: row.received_at.getTime(),
      kind: row.kind,
      reason: row.reason,
      type: row.type,
      source: row.source,
      operationId: row.operation_id,
      environment: environments.find(({ id }) => id === row.place_id)?.name ?? null,
      report: toPlainJson(row.report)
    })),
    isFirst,
    newer: isFirst ? null : cursorOf(page[0]),
    older: isBackwards || hasMore ? cursorOf(page.at(-1)) : null
  };
}
