/**
 * The filter of a list as SQL: the twin of `matches` (operations/filter.ts), proven equal by tests/truths.pg.test.ts. It
 * also owns which places a person's list is read from. Invariants: the instant is a parameter, never now(); every value
 * is a parameter; each condition is written as the index for it expects (0005, 0006).
 */
import { orderOf, TAB_OUTCOMES, windowOf, type ListFilter } from '../../operations/filter.ts';
import type { ListPlace } from '../../operations/operation.ts';
import { isUnclosed } from './columns.ts';

/** Collects parameters of a statement and names them. */
export class Parameters {
  readonly values: unknown[] = [];
  add(value: unknown, type: string): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }
  instant(ms: number): string {
    return `to_timestamp(${this.add(ms, 'float8')} / 1000.0)`;
  }
}

/** The column that a list is ordered and cut by. */
export function orderColumn(
  filter: Pick<ListFilter, 'tab' | 'outcomes' | 'problemClass'>
): 'created_at' | 'completed_at' {
  return orderOf(filter) === 'created' ? 'created_at' : 'completed_at';
}

const FOLLOW_UP = `r.status = 'completed' and r.outcome in ('blocked', 'failed', 'partially_succeeded')`;

function isStale(at: string): string {
  // The first condition is the index's: nothing is stale before silence_check_at.
  return `r.status <> 'completed' and r.silence_check_at <= ${at} and r.stale_at <= ${at}`;
}

/** Does a later success of its kind resolve r, though the sweep has not written it down? `newest` is NEWEST_SUCCESSES. */
export const NOT_RESOLVED = `(newest.operation_id is null or (newest.completed_at, newest.operation_id) <= (r.completed_at, r.id))`;

/**
 * The newest success of each kind that resolves at all, read once a statement: hashed, where one probe a row would read
 * more than the rows themselves.
 */
export function newestSuccesses(workspace: string): string {
  return `newest as materialized (
    select distinct on (s.place_id, s.type) s.place_id, s.type, s.completed_at, s.operation_id
    from watchfloor.successes s
    join public.operation_types t on t.code = s.type and t.follow_up_policy in ('repeatable', 'artifact')
    where s.workspace_id = ${workspace}
    order by s.place_id, s.type, s.completed_at desc, s.operation_id desc)`;
}
export const JOIN_NEWEST = `left join newest on newest.place_id = r.place_id and newest.type = r.type`;

/** Only this tab looks at facts beside the row. */
export function needsSuccesses(filter: Pick<ListFilter, 'tab'>): boolean {
  return filter.tab === 'needs_follow_up';
}

/** A filter of several values, each of which an index serves in order: the list merges them. */
export interface Merged {
  column: 'outcome' | 'initiator_name' | 'type';
  values: readonly string[];
}

/** Which filter of several values is merged value by value; the others are conditions. */
export function mergedOf(filter: ListFilter): Merged | null {
  if (filter.textNormal !== null) return null; // the index of the text comes first
  const candidates: Merged[] = [
    { column: 'outcome', values: filter.outcomes.includes('pending') ? [] : filter.outcomes },
    { column: 'initiator_name', values: filter.initiators },
    { column: 'type', values: filter.types }
  ];
  return candidates.find(({ values }) => values.length > 1) ?? null;
}

/**
 * The range of a list in its order: its window, and a place in it from which it is read. Of two bounds on one side only the
 * nearer one is written: an index scan starts at the first it finds, and would walk from there to the other.
 */
export function rangeOf(
  filter: ListFilter,
  at: number,
  place: { direction: '<' | '<=' | '>'; from: ListPlace } | null,
  parameters: Parameters
): string[] {
  const column = orderColumn(filter);
  const { from, to } = windowOf(filter, at);
  const isBelow = place !== null && place.direction !== '>' && (to === null || place.from.at < to);
  const isAbove = place !== null && place.direction === '>' && (from === null || place.from.at >= from);
  const conditions: string[] = [];
  if (from !== null && !isAbove) conditions.push(`r.${column} >= ${parameters.instant(from)}`);
  if (to !== null && !isBelow) conditions.push(`r.${column} < ${parameters.instant(to)}`);
  if (isBelow || isAbove)
    conditions.push(
      `(r.${column}, r.id) ${place.direction} (${parameters.instant(place.from.at)}, ${parameters.add(place.from.id, 'bigint')})`
    );
  return conditions;
}

/** Conditions on r but for its range (`rangeOf`) and the values that are merged; all must hold. `at` = ms by the database's clock. */
export function conditionsOf(
  filter: ListFilter,
  at: number,
  parameters: Parameters,
  merged: Merged | null = null
): string[] {
  const conditions: string[] = [];
  const now = (): string => parameters.instant(at);
  switch (filter.tab) {
    case 'all':
      break;
    case 'active':
      conditions.push(`r.status <> 'completed'`);
      break;
    case 'stale':
      conditions.push(isStale(now()));
      break;
    case 'needs_follow_up':
      conditions.push(isUnclosed('r'), NOT_RESOLVED);
      break;
    default:
      conditions.push(`r.status = 'completed' and r.outcome = '${TAB_OUTCOMES[filter.tab]}'`);
  }
  switch (filter.problemClass) {
    case 'active_stale_attention':
      conditions.push(isStale(now()));
      break;
    case 'terminal_follow_up':
      conditions.push(FOLLOW_UP);
      break;
    case 'none':
      conditions.push(
        `case when r.status = 'completed' then r.outcome not in ('blocked', 'failed', 'partially_succeeded')
          else r.stale_at is null or r.stale_at > ${now()} end`
      );
  }
  const oneOf = (column: string, values: readonly string[]): void => {
    const [only, ...more] = values;
    if (only === undefined || column === merged?.column) return;
    if (more.length === 0) conditions.push(`r.${column} = ${parameters.add(only, 'text')}`);
    else conditions.push(`r.${column} = any (${parameters.add(values, 'text[]')})`);
  };
  oneOf('type', filter.types);
  oneOf('initiator_name', filter.initiators);
  for (const [column, values] of [
    ['status', filter.statuses],
    ['outcome', filter.outcomes]
  ] as const) {
    oneOf(column, values);
    // What the words imply, so that a partial index applies: all completed, or none.
    if (column === 'status' && values.length > 0 && !values.includes('completed'))
      conditions.push(`r.status <> 'completed'`);
    if (column === 'outcome' && values.length > 0)
      conditions.push(
        values.includes('pending')
          ? values.length === 1
            ? `r.status <> 'completed'`
            : 'true'
          : `r.status = 'completed'`
      );
  }
  if (filter.textNormal !== null)
    conditions.push(`r.search_text like ${parameters.add(toPattern(filter.textNormal), 'text')}`);
  return conditions;
}

/** A pattern that matches exactly what contains the text: LIKE's own characters stand for themselves. */
export function toPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}
