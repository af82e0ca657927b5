/**
 * What a list is of: tab, filters and time window, and the predicate that says whether a row belongs to it. Parsing the
 * address is server/operations/requests.ts, writing it addresses.ts, the same predicate in SQL filter-sql.ts; a property
 * test proves them equal. Pure: the instant is an argument. Invariant: what the environment or the workspace excludes is
 * not decided here (that is access and scope).
 */
import { type ListOrder, type OperationRow, type Outcome, orderInstant, type Status } from './operation.ts';
import { freshnessOf } from './freshness.ts';
import { isFollowUpOpen, problemClassOf, type ProblemClass } from './problem.ts';

export const TABS = ['all', 'active', 'needs_follow_up', 'stale', 'failed', 'blocked', 'partial', 'succeeded'] as const;
export type Tab = (typeof TABS)[number];

export const TAB_NAMES: Record<Tab, string> = {
  all: 'All',
  active: 'Active',
  needs_follow_up: 'Needs follow-up',
  stale: 'Stale',
  failed: 'Failed',
  blocked: 'Blocked',
  partial: 'Partial',
  succeeded: 'Succeeded'
};

export const TAB_OUTCOMES = {
  failed: 'failed',
  blocked: 'blocked',
  partial: 'partially_succeeded',
  succeeded: 'succeeded'
} as const satisfies Partial<Record<Tab, Outcome>>;

const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** The default window of the tabs that show history. Nothing open ever drops out by age. */
export const DEFAULT_WINDOW_MS = 30 * DAY;

/** An edge of the time window: an instant, or so long before now (it moves along). */
export type Edge = { at: number } | { agoMs: number };

export interface ListFilter {
  tab: Tab;
  problemClass: ProblemClass | null;
  /** each list: one of them, or anything while empty */
  types: string[];
  statuses: Status[];
  outcomes: Outcome[];
  initiators: string[];
  /** null = the tab's own default */
  from: Edge | null;
  to: Edge | null;
  /** as typed, trimmed; null = none */
  text: string | null;
  /** `text` as the database normalises it: what `OperationRow.search` must contain */
  textNormal: string | null;
}

export const CLEAN_FILTER: ListFilter = {
  tab: 'all',
  problemClass: null,
  types: [],
  statuses: [],
  outcomes: [],
  initiators: [],
  from: null,
  to: null,
  text: null,
  textNormal: null
};

/** Lists whose rows are all completed, by tab or by outcome, are read by when they completed, others by when made. */
export function orderOf(filter: Pick<ListFilter, 'tab' | 'outcomes' | 'problemClass'>): ListOrder {
  if (filter.problemClass === 'terminal_follow_up') return 'completed';
  if (filter.tab === 'needs_follow_up' || Object.hasOwn(TAB_OUTCOMES, filter.tab)) return 'completed';
  return filter.outcomes.length > 0 && !filter.outcomes.includes('pending') ? 'completed' : 'created';
}

export function hasDefaultWindow(filter: Pick<ListFilter, 'tab' | 'from' | 'to'>): boolean {
  return filter.from === null && filter.to === null && !['active', 'stale', 'needs_follow_up'].includes(filter.tab);
}

function toInstant(edge: Edge, at: number): number {
  // Whole minutes, so that a count and the list it leads to have the same edge.
  return 'at' in edge ? edge.at : Math.floor((at - edge.agoMs) / MINUTE) * MINUTE;
}

/** The window at an instant: [from, to), null where it is open. */
export function windowOf(
  filter: Pick<ListFilter, 'tab' | 'from' | 'to'>,
  at: number
): { from: number | null; to: number | null } {
  if (hasDefaultWindow(filter)) return { from: toInstant({ agoMs: DEFAULT_WINDOW_MS }, at), to: null };
  return {
    from: filter.from === null ? null : toInstant(filter.from, at),
    to: filter.to === null ? null : toInstant(filter.to, at)
  };
}

/** "Succeeded" of the strip: completed in the last 24 hours, from a whole minute on. */
export const SUCCEEDED_WINDOW: Edge = { agoMs: DAY };
export function succeededFrom(at: number): number {
  return toInstant(SUCCEEDED_WINDOW, at);
}

/** Is anything filtered beside the environment, the tab and the tab's default window? */
export function isFiltered(filter: ListFilter): boolean {
  return (
    filter.problemClass !== null ||
    filter.types.length > 0 ||
    filter.statuses.length > 0 ||
    filter.outcomes.length > 0 ||
    filter.initiators.length > 0 ||
    filter.from !== null ||
    filter.to !== null ||
    filter.text !== null
  );
}

/** Does the row belong to the list at this instant? */
export function matches(filter: ListFilter, row: OperationRow, at: number): boolean {
  if (!matchesTab(filter.tab, row, at)) return false;
  if (filter.problemClass !== null && problemClassOf(row, at) !== filter.problemClass) return false;
  if (filter.types.length > 0 && !filter.types.includes(row.type)) return false;
  if (filter.statuses.length > 0 && !filter.statuses.includes(row.status)) return false;
  if (filter.outcomes.length > 0 && !filter.outcomes.includes(row.outcome)) return false;
  if (filter.initiators.length > 0 && !filter.initiators.includes(row.initiator)) return false;
  if (filter.textNormal !== null && !row.search.includes(filter.textNormal)) return false;
  const { from, to } = windowOf(filter, at);
  const instant = orderInstant(orderOf(filter), row);
  return (from === null || instant >= from) && (to === null || instant < to);
}

function matchesTab(tab: Tab, row: OperationRow, at: number): boolean {
  switch (tab) {
    case 'all':
      return true;
    case 'active':
      return row.status !== 'completed';
    case 'stale':
      return freshnessOf(row, at) === 'likely_stale';
    case 'needs_follow_up':
      return isFollowUpOpen(row);
    default:
      return row.status === 'completed' && row.outcome === TAB_OUTCOMES[tab];
  }
}

/** The same list? (`textNormal` follows from `text`.) */
export function isSameFilter(a: ListFilter, b: ListFilter): boolean {
  const key = ({ textNormal: _, ...rest }: ListFilter): string => JSON.stringify(rest);
  return a === b || key(a) === key(b);
}
