/**
 * How a list is read: of one place, of a whole workspace, as the merge of several places or values, and of a text by its
 * index or by walking. Which rows belong to it is filter-sql.ts.
 * Invariant: every shape reads by an index, and what it reads is bounded by what is shown, never by history; a text that is
 * neither rare nor common among the newest is the one exception (docs/PERFORMANCE.md, First page).
 */
import type { VisibleWorkspace } from '../access/scope.ts';
import type { ListFilter } from '../../operations/filter.ts';
import type { ListPlace } from '../../operations/operation.ts';
import {
  conditionsOf,
  JOIN_NEWEST,
  mergedOf,
  needsSuccesses,
  newestSuccesses,
  orderColumn,
  rangeOf,
  toPattern,
  type Parameters
} from './filter-sql.ts';

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

/** The order of a list in the direction that it is read. */
export const orderOfRows =
  ({ filter, direction }: Pick<ListRead, 'filter' | 'direction'>) =>
  (alias: string): string => {
    const column = orderColumn(filter);
    return direction === 'newer' ? `${alias}.${column}, ${alias}.id` : `${alias}.${column} desc, ${alias}.id desc`;
  };

/** `select …` of a list as SQL over `columns` of r, in order; of several places or values each is read by its index. */
export function listSql(columns: string, workspaceId: number, read: ListRead, parameters: Parameters): string {
  const { filter, places, direction, from, limit, at } = read;
  if (filter.textNormal !== null) return textListSql(columns, workspaceId, read, parameters);
  const merged = mergedOf(filter);
  const workspace = parameters.add(workspaceId, 'bigint');
  const conditions = [`r.workspace_id = ${workspace}`, ...conditionsOf(filter, at, parameters, merged)];
  conditions.push(...rangeOf(filter, at, from && { direction: BOUND[direction], from }, parameters));
  const sources: string[] = [];
  if (places?.length === 1) conditions.push(`r.place_id = ${parameters.add(places[0], 'bigint')}`);
  else if (places !== null) {
    sources.push(`unnest(${parameters.add(places, 'bigint[]')}) as place (id)`);
    conditions.push('r.place_id = place.id');
  }
  if (merged !== null) {
    sources.push(`unnest(${parameters.add(merged.values, 'text[]')}) as one (value)`);
    conditions.push(`r.${merged.column} = one.value`);
  }
  const rows = parameters.add(limit, 'bigint');
  const order = orderOfRows(read);
  const joins = needsSuccesses(filter) ? JOIN_NEWEST : '';
  const found = `select ${columns} from public.operation_runs r ${joins} where ${conditions.join(' and ')} order by ${order('r')} limit ${rows}`;
  const successes = needsSuccesses(filter) ? `with ${newestSuccesses(workspace)} ` : '';
  if (sources.length === 0) return successes + found;
  return `${successes}select p.* from ${sources.join(' cross join ')} cross join lateral (${found}) p order by ${order('p')} limit ${rows}`;
}

/** The nearest rows of a list that tell whether a text is common there, and how many of them must have it. */
const PROBED = 1_000;
const COMMON = 3;
/** A common text is looked for among so many rows at most; it fills a page long before, or the index of texts is asked. */
const MOST_WALKED = 25_000;
/** The same for counting to 999, which takes more rows: what one in a hundred has is counted without that index. */
const MOST_COUNTED_OVER = 100_000;

/** The parts of a statement that looks for a text. */
interface TextSearch {
  /** what comes before `select`, to be joined by commas; empty = nothing */
  ctes: string[];
  joins: string;
  order: (alias: string) => string;
  limit: string;
  /** all conditions of the list */
  conditions: () => string;
  /** the nearest rows of the list in its order, whatever text they have; null where there is no order to walk in */
  nearest: ((what: string, most: number) => string) | null;
}

function openTextSearch(workspaceId: number, read: ListRead, parameters: Parameters): TextSearch {
  const { filter, places, limit } = read;
  const order = orderOfRows(read);
  const joins = needsSuccesses(filter) ? JOIN_NEWEST : '';
  const walked = walkedFilter(filter);
  // Of several places there is no order to walk in.
  const isWalkable = walked !== null && (places === null || places.length === 1);
  const nearest = (what: string, most: number): string =>
    `select ${what} from watchfloor.visible_operations r ${joins}
     where ${textConditions(workspaceId, { ...read, filter: walked! }, parameters)} order by ${order('r')} limit ${most}`;
  const has = (alias: string): string =>
    `${alias}.search_text like ${parameters.add(toPattern(filter.textNormal!), 'text')}`;
  const successes = needsSuccesses(filter) ? [newestSuccesses(parameters.add(workspaceId, 'bigint'))] : [];
  const probe = (): string => `probe as materialized (
       select count(*) < ${PROBED} as is_whole, count(*) filter (where ${has('n')}) >= ${COMMON} as is_common
       from (${nearest('r.search_text', PROBED)}) n)`;
  return {
    ctes: isWalkable ? [...successes, probe()] : successes,
    joins,
    order,
    limit: parameters.add(limit, 'bigint'),
    conditions: () => textConditions(workspaceId, read, parameters),
    nearest: isWalkable ? nearest : null
  };
}

const withAll = (ctes: string[]): string => (ctes.length > 0 ? `with ${ctes.join(', ')} ` : '');

/**
 * The list of what contains a text. The index of texts finds all that have it, in no order: right for a rare text, and of a
 * common one it reads every row for a page of fifty. So the list's nearest rows are asked first, and where the text is
 * common among them, they are walked in their order instead. What the planner thinks of a text is a guess by samples, too
 * coarse for words that one row in fifty has. One statement; the walk is bounded, and what it cannot answer the index does.
 */
function textListSql(columns: string, workspaceId: number, read: ListRead, parameters: Parameters): string {
  const { ctes, joins, order, limit, conditions, nearest } = openTextSearch(workspaceId, read, parameters);
  const byIndex = (more: string): string =>
    `select ${columns} from watchfloor.visible_operations r ${joins} where ${conditions()} ${more}
     order by ${order('r')} limit ${limit}`;
  if (nearest === null) return withAll(ctes) + byIndex('');
  const walk = [
    `walked as materialized (
       select ${columns} from (${nearest('r.*', MOST_WALKED)}) r ${joins}
       where (select is_whole or is_common from probe) and ${conditions()}
       order by ${order('r')} limit ${limit})`,
    `verdict as materialized (
       select p.is_whole or (select count(*) from walked) = ${limit} as is_enough from probe p)`
  ];
  return `${withAll([...ctes, ...walk])}
    select p.* from (
      select * from walked where (select is_enough from verdict)
      union all
      select * from (${byIndex('and not (select is_enough from verdict)')}) found
    ) p order by ${order('p')} limit ${limit}`;
}

/**
 * How many rows contain a text, up to the limit, in the same two ways. Always in the list's order: without one a large
 * table is read from wherever somebody else's reading of it has just come to, through whatever lies there.
 */
function textCountSql(workspaceId: number, read: ListRead, parameters: Parameters): string {
  const { ctes, joins, order, limit, conditions, nearest } = openTextSearch(workspaceId, read, parameters);
  const byIndex = `select count(*) from (
    select 1 from watchfloor.visible_operations r ${joins} where ${conditions()} order by ${order('r')} limit ${limit}) listed`;
  if (nearest === null) return withAll(ctes) + byIndex;
  const walked = `walked as materialized (
    select count(*) as found from (
      select 1 from (${nearest('r.*', MOST_COUNTED_OVER)}) r ${joins}
      where (select is_whole or is_common from probe) and ${conditions()} limit ${limit}) r)`;
  // One after the other: what is not needed is not read.
  return `${withAll([...ctes, walked])}
    select case
      when p.is_whole or w.found = ${limit} then w.found
      when p.is_common and (select count(*) from (${nearest('1', MOST_COUNTED_OVER)}) n) < ${MOST_COUNTED_OVER} then w.found
      else (${byIndex}) end
    from probe p, walked w`;
}

/** Which rows of its list are walked, each by an index in order; the rest of the filter is asked of every row. Null: none is. */
function walkedFilter(filter: ListFilter): ListFilter | null {
  const walked = { ...filter, types: [], initiators: [], text: null, textNormal: null };
  return mergedOf(walked) === null ? walked : null;
}

/** All conditions of a list that is read by one scan. */
function textConditions(
  workspaceId: number,
  { filter, places, direction, from, at }: ListRead,
  parameters: Parameters
): string {
  const conditions = [
    `r.workspace_id = ${parameters.add(workspaceId, 'bigint')}`,
    ...conditionsOf(filter, at, parameters),
    ...rangeOf(filter, at, from && { direction: BOUND[direction], from }, parameters)
  ];
  if (places?.length === 1) conditions.push(`r.place_id = ${parameters.add(places[0], 'bigint')}`);
  // The index of the text knows no places: it is read once for all of them.
  else if (places !== null) conditions.push(`r.place_id = any (${parameters.add(places, 'bigint[]')})`);
  return conditions.join(' and ');
}

/** How many rows a list has, up to `limit`, as SQL. */
export function countSql(workspaceId: number, read: ListRead, parameters: Parameters): string {
  if (read.filter.textNormal !== null) return textCountSql(workspaceId, read, parameters);
  const columns = `r.${orderColumn(read.filter)}, r.id`;
  return `select count(*) from (${listSql(columns, workspaceId, read, parameters)}) listed`;
}
