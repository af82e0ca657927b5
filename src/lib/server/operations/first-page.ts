/**
 * The hub's page of rows, newest first in its list's order, for exactly what the person may see. It owns how a list is
 * read (one place, a whole workspace, the merge of several places or values) and the keyset around it; which rows belong
 * to it is filter-sql.ts.
 * Invariants: every shape reads at most the page and its look-ahead from each place by an index in order, so the cost
 * grows with what is shown, never with history; no JSON column is read (plan tests hold both).
 */
import type { Queryable } from '../database/pool.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import { CLEAN_FILTER, orderOf, type ListFilter } from '../../operations/filter.ts';
import { placeOf, type ListPlace, type OperationRow } from '../../operations/operation.ts';
import { LOOK_AHEAD, type PagePosition, type PageSize } from '../../operations/pages.ts';
import { judgedColumns, listColumns, resolution, toOperationRow, type ListColumns } from './columns.ts';
import {
  conditionsOf,
  JOIN_NEWEST,
  mergedOf,
  needsSuccesses,
  newestSuccesses,
  NOT_RESOLVED,
  orderColumn,
  Parameters,
  rangeOf
} from './filter-sql.ts';
import { formatCursor } from './keyset.ts';

export interface ListRequest {
  environmentId: number | null;
  filter: ListFilter;
  pageSize: PageSize;
  /** rows older than this */
  after: ListPlace | null;
  /** the page of rows right before (newer than) this */
  before: ListPlace | null;
}

/** older: below the place; newer: above it, nearest first; from: it and what is below. */
type Direction = 'older' | 'newer' | 'from';
const BOUND = { older: '<', newer: '>', from: '<=' } as const satisfies Record<Direction, string>;

/** The places (0 = the workspace itself) that a list is read from; null = the whole workspace at once. */
export function placesOf(visible: VisibleWorkspace, environmentId: number | null): number[] | null {
  if (environmentId !== null) return [environmentId];
  return visible.seesAllEnvironments ? null : [0, ...visible.environments.map(({ id }) => id)];
}

/** What a statement of a list needs, but for what it selects. */
export interface ListRead {
  filter: ListFilter;
  places: number[] | null;
  direction: Direction;
  from: ListPlace | null;
  limit: number;
  /** ms, the database's clock: what is stale and where windows begin */
  at: number;
}

/** `select …` of a list as SQL over `columns` of r, in order; of several places or values each is read by its index. */
export function listSql(
  columns: string,
  workspaceId: number,
  { filter, places, direction, from, limit, at }: ListRead,
  parameters: Parameters
): string {
  const merged = mergedOf(filter);
  const workspace = parameters.add(workspaceId, 'bigint');
  const conditions = [`r.workspace_id = ${workspace}`, ...conditionsOf(filter, at, parameters, merged)];
  conditions.push(...rangeOf(filter, at, from && { direction: BOUND[direction], from }, parameters));
  const column = orderColumn(filter);
  const order = (alias: string): string =>
    direction === 'newer' ? `${alias}.${column}, ${alias}.id` : `${alias}.${column} desc, ${alias}.id desc`;
  const sources: string[] = [];
  if (places !== null && (places.length === 1 || filter.textNormal !== null)) {
    const [only, ...more] = places;
    if (more.length === 0) conditions.push(`r.place_id = ${parameters.add(only ?? -1, 'bigint')}`);
    // The index of the text knows no places: it is read once for all of them.
    else conditions.push(`r.place_id = any (${parameters.add(places, 'bigint[]')})`);
  } else if (places !== null) {
    sources.push(`unnest(${parameters.add(places, 'bigint[]')}) as place (id)`);
    conditions.push('r.place_id = place.id');
  }
  if (merged !== null) {
    sources.push(`unnest(${parameters.add(merged.values, 'text[]')}) as one (value)`);
    conditions.push(`r.${merged.column} = one.value`);
  }
  const rows = parameters.add(limit, 'bigint');
  // The view has the policy's words without its barrier, so that the index of the text serves (0005).
  const table = filter.textNormal === null ? 'public.operation_runs' : 'watchfloor.visible_operations';
  const joins = needsSuccesses(filter) ? JOIN_NEWEST : '';
  const read = `select ${columns} from ${table} r ${joins} where ${conditions.join(' and ')} order by ${order('r')} limit ${rows}`;
  const successes = needsSuccesses(filter) ? `with ${newestSuccesses(workspace)} ` : '';
  if (sources.length === 0) return successes + read;
  return `${successes}select p.* from ${sources.join(' cross join ')} cross join lateral (${read}) p order by ${order('p')} limit ${rows}`;
}

/**
 * The statement of a list's rows, each with its follow-up as it is by definition: also what the sweep has not written down
 * counts, or a page could be older than what was live before it.
 */
export function rowsSql(workspaceId: number, read: ListRead, parameters: Parameters): string {
  // Of this tab no row is resolved: that is its condition.
  if (needsSuccesses(read.filter)) return listSql(listColumns('r'), workspaceId, read, parameters);
  const column = orderColumn(read.filter);
  const order = read.direction === 'newer' ? `r.${column}, r.id` : `r.${column} desc, r.id desc`;
  const list = listSql(`${listColumns('r')}, r.place_id, r.has_open_follow_up`, workspaceId, read, parameters);
  const successes = newestSuccesses(parameters.add(workspaceId, 'bigint'));
  // Almost always there is nothing that the sweep has not seen: one small read says so for all rows.
  return `with ${successes} select ${judgedColumns('r')} from (${list}) r ${JOIN_NEWEST}
    ${resolution('r', `not ${NOT_RESOLVED}`)} order by ${order}`;
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
