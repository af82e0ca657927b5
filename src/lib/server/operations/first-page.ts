/**
 * The hub's page of rows, newest first in its list's order, for exactly what the person may see. It owns the page
 * and the keyset around it; how its list is read is list-sql.ts.
 * Invariant: no JSON column is read (plan tests hold it).
 */
import type { Queryable } from '../database/pool.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import { CLEAN_FILTER, orderOf, type ListFilter } from '../../operations/filter.ts';
import { placeOf, type ListPlace, type OperationRow } from '../../operations/operation.ts';
import { LOOK_AHEAD, type PagePosition, type PageSize } from '../../operations/pages.ts';
import { judgedColumns, listColumns, resolution, toOperationRow, type ListColumns } from './columns.ts';
import { JOIN_NEWEST, needsSuccesses, newestSuccesses, NOT_RESOLVED, Parameters } from './filter-sql.ts';
import { formatCursor } from './keyset.ts';
import { listSql, orderOfRows, placesOf, type ListRead } from './list-sql.ts';

export interface ListRequest {
  environmentId: number | null;
  filter: ListFilter;
  pageSize: PageSize;
  /** rows older than this */
  after: ListPlace | null;
  /** the page of rows right before (newer than) this */
  before: ListPlace | null;
}

/**
 * The statement of a list's rows, each with its follow-up as it is by definition: also what the sweep has not written down
 * counts, or a page could be older than what was live before it.
 */
export function rowsSql(workspaceId: number, read: ListRead, parameters: Parameters): string {
  // Of this tab no row is resolved: that is its condition.
  if (needsSuccesses(read.filter)) return listSql(listColumns('r'), workspaceId, read, parameters);
  const list = listSql(`${listColumns('r')}, r.place_id, r.has_open_follow_up`, workspaceId, read, parameters);
  const successes = newestSuccesses(parameters.add(workspaceId, 'bigint'));
  // Almost always there is nothing that the sweep has not seen: one small read says so for all rows.
  return `with ${successes} select ${judgedColumns('r')} from (${list}) r ${JOIN_NEWEST}
    ${resolution('r', `not ${NOT_RESOLVED}`)} order by ${orderOfRows(read)('r')}`;
}

async function readRows(db: Queryable, visible: VisibleWorkspace, read: ListRead): Promise<OperationRow[]> {
  const parameters = new Parameters();
  const sql = rowsSql(visible.workspace.id, read, parameters);
  const { rows } = await db.query<ListColumns>(sql, parameters.values);
  return rows.map(toOperationRow);
}

/** The page with its look-ahead, and where it stands. At most three statements, whatever the history. */
export async function readPageOfRows(
  db: Queryable,
  visible: VisibleWorkspace,
  { environmentId, filter, pageSize, after, before }: ListRequest
): Promise<{ rows: OperationRow[]; position: PagePosition; hasAny: boolean }> {
  const list = { filter, places: placesOf(visible, environmentId), at: visible.readAt };
  const order = orderOf(filter);
  let from: ListPlace | null = null;
  if (before) {
    const newer = await readRows(db, visible, { ...list, direction: 'newer', from: before, limit: pageSize + 1 });
    // Not more than one page is newer: that page is the first one, which takes new rows.
    if (newer.length > pageSize) from = placeOf(order, newer[pageSize - 1]!);
  }
  const isFirst = from === null && after === null;
  const rows = await readRows(db, visible, {
    ...list,
    direction: from ? 'from' : 'older',
    from: from ?? (before ? null : after),
    limit: pageSize + LOOK_AHEAD
  });
  const last = rows[Math.min(pageSize, rows.length) - 1];
  const hasAny = rows.length > 0 || (await hasAnyOperation(db, visible));
  return {
    rows,
    hasAny,
    position: {
      isFirst,
      newer: isFirst ? null : rows[0] ? formatCursor(placeOf(order, rows[0])) : null,
      older: rows.length > pageSize && last ? formatCursor(placeOf(order, last)) : null
    }
  };
}

/** Was anything ever reported that this person may see here, and is kept? */
async function hasAnyOperation(db: Queryable, visible: VisibleWorkspace): Promise<boolean> {
  const filter: ListFilter = { ...CLEAN_FILTER, from: { at: 0 } }; // of any age
  const read: ListRead = {
    filter,
    places: placesOf(visible, null),
    direction: 'older',
    from: null,
    limit: 1,
    at: visible.readAt
  };
  return (await readRows(db, visible, read)).length > 0;
}

/** Operations by their ids, in no order, with follow-ups as they are by definition. One statement. */
export async function readOperationsById(
  db: Queryable,
  workspaceId: number,
  ids: readonly number[]
): Promise<OperationRow[]> {
  if (ids.length === 0) return [];
  const { rows } = await db.query<ListColumns>(
    `select ${judgedColumns('r')} from public.operation_runs r ${resolution('r')}
     where r.workspace_id = $1 and r.id = any ($2::bigint[])`,
    [workspaceId, ids]
  );
  return rows.map(toOperationRow);
}
