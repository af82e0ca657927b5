/**
 * Filters in words: their names and values, the chip of each active one with the filter that is left when it is cleared,
 * the time window, and what a list's own count says. Pure wording over a ListFilter; what matches, filter.ts decides.
 * Invariant: every active filter has a chip, and clearing all chips gives the clean filter of the same tab.
 */
import type { BadgeKind } from './badge.ts';
import { hasDefaultWindow, HOUR, DAY, orderOf, type Edge, type ListFilter, type Tab } from './filter.ts';
import type { OperationRow, Outcome, Status } from './operation.ts';
import type { BoundedCount, ListCounts } from './pages.ts';
import type { ProblemClass } from './problem.ts';
import { toClock, toMinute } from './time.ts';
import { labelOf, toNumber } from './wording.ts';

export const STATUS_NAMES: Record<Status, string> = { queued: 'Queued', running: 'Running', completed: 'Completed' };
export const OUTCOME_NAMES: Record<Outcome, string> = {
  pending: 'Pending',
  succeeded: 'Succeeded',
  partially_succeeded: 'Partial',
  blocked: 'Blocked',
  failed: 'Failed',
  cancelled: 'Cancelled'
};
export const PROBLEM_NAMES: Record<ProblemClass, string> = {
  active_stale_attention: 'Active and stale',
  terminal_follow_up: 'Completed with a follow-up',
  none: 'No problem'
};

/** The time that a list is ordered and windowed by, as its column and its chip name it. */
export function timeName(filter: Parameters<typeof orderOf>[0]): 'Started' | 'Completed' {
  return orderOf(filter) === 'completed' ? 'Completed' : 'Started';
}

export interface FilterChip {
  name: string;
  value: string;
  /** all of it, where `value` only says how many more there are */
  full: string;
  /** the filter without it; null for what a tab has by itself */
  cleared: ListFilter | null;
}

export interface FilterView {
  at: number;
  timeZone: string;
  typeLabels: Readonly<Record<string, string>>;
}

/** In the order of the menu. */
export function chipsOf(filter: ListFilter, { at, timeZone, typeLabels }: FilterView): FilterChip[] {
  const chips: FilterChip[] = [];
  const add = (name: string, values: readonly string[], without: Partial<ListFilter> | null) => {
    const [first, ...rest] = values;
    if (first === undefined) return;
    const cleared = without && { ...filter, ...without };
    chips.push({ name, value: rest.length ? `${first} + ${rest.length}` : first, full: values.join(', '), cleared });
  };
  const window = windowWords(filter, at, timeZone);
  if (window) add(timeName(filter), [window], hasDefaultWindow(filter) ? null : { from: null, to: null });
  if (filter.text !== null) add('Text', [`“${filter.text}”`], { text: null, textNormal: null });
  const types = filter.types.map((type) => labelOf(type, typeLabels));
  add('Type', types, { types: [] });
  const statuses = filter.statuses.map((status) => STATUS_NAMES[status]);
  add('Status', statuses, { statuses: [] });
  const outcomes = filter.outcomes.map((outcome) => OUTCOME_NAMES[outcome]);
  add('Outcome', outcomes, { outcomes: [] });
  add('Initiator', filter.initiators, { initiators: [] });
  if (filter.problemClass !== null) add('Problem', [PROBLEM_NAMES[filter.problemClass]], { problemClass: null });
  return chips;
}

/** The presets of the menu, in the order in which they are offered. */
export const WINDOWS: readonly { name: string; edge: Edge }[] = [
  { name: 'Last 24 h', edge: { agoMs: DAY } },
  { name: 'Last 7 days', edge: { agoMs: 7 * DAY } },
  { name: 'Last 30 days', edge: { agoMs: 30 * DAY } },
  { name: 'Last 90 days', edge: { agoMs: 90 * DAY } }
];

function agoWords(agoMs: number): string {
  if (agoMs === DAY) return '24 h';
  if (agoMs % DAY === 0) return `${toNumber(agoMs / DAY)} days`;
  return agoMs % HOUR === 0 ? `${toNumber(agoMs / HOUR)} h` : `${toNumber(agoMs / 60_000)} min`;
}

/** "last 30 days", "since 20 Nov, 08:00", "20 Nov, 08:00 to 21 Nov, 09:00"; null where nothing limits the time. */
export function windowWords(
  filter: Pick<ListFilter, 'tab' | 'from' | 'to'>,
  at: number,
  timeZone: string
): string | null {
  if (hasDefaultWindow(filter)) return 'last 30 days';
  const { from, to } = filter;
  const edge = (it: Edge) => ('at' in it ? toMinute(it.at, at, timeZone) : `${agoWords(it.agoMs)} ago`);
  if (from && to) return `${edge(from)} to ${edge(to)}`;
  if (from) return 'agoMs' in from ? `last ${agoWords(from.agoMs)}` : `since ${edge(from)}`;
  return to && `before ${edge(to)}`;
}

/** "in the last 30 days", "since 20 Nov, 08:00", "from … to …": as it stands in a sentence. */
export function windowPhrase(
  filter: Pick<ListFilter, 'tab' | 'from' | 'to'>,
  at: number,
  timeZone: string
): string | null {
  const words = windowWords(filter, at, timeZone);
  if (words === null) return null;
  if (words.startsWith('last ')) return `in the ${words}`;
  return filter.from && filter.to ? `from ${words}` : words;
}

/** For a tab: "999+" is the most that it says. */
export function toBounded({ count, isMore }: BoundedCount): string {
  return isMore || count > 999 ? '999+' : String(count);
}

/** "1,204 operations in the last 30 days, as of 09:14:02", in the number and the rest. */
export function countLine(
  { list, at }: Pick<ListCounts, 'list' | 'at'>,
  filter: ListFilter,
  timeZone: string
): { number: string; rest: string } {
  const number = list.isMore ? `More than ${toNumber(list.count)}` : list.count === 0 ? 'No' : toNumber(list.count);
  const noun = list.count === 1 && !list.isMore ? 'operation' : 'operations';
  const window = windowPhrase(filter, at, timeZone);
  const verb = window && orderOf(filter) === 'completed' ? 'completed ' : '';
  return { number, rest: `${noun}${window ? ` ${verb}${window}` : ''}, as of ${toClock(at, timeZone)}` };
}

const TITLES: Record<Tab, string> = {
  all: 'Operations',
  active: 'Active operations',
  needs_follow_up: 'Operations that need follow-up',
  stale: 'Stale operations',
  failed: 'Failed operations',
  blocked: 'Blocked operations',
  partial: 'Partial operations',
  succeeded: 'Succeeded operations'
};

/** What the window's title says of a list: "Failed operations in Brightwater Clinics, filtered". */
export function titleOf(filter: ListFilter, place: string, isFiltered: boolean): string {
  return `${TITLES[filter.tab]} in ${place}${isFiltered ? ', filtered' : ''}`;
}

/** Why a tab is empty though nothing but the environment is filtered. True as of `at` only, unless it is live. */
export function emptyTab(filter: ListFilter, asOf: string | null, timeZone: string, at: number): string {
  const phrase = windowPhrase(filter, at, timeZone);
  const window = phrase ? ` ${phrase}` : '';
  const says: Record<Tab, string> = {
    all: `No operation started${window}`,
    active: 'No operation is active',
    needs_follow_up: 'No operation needs follow-up',
    stale: 'No active operation is stale',
    failed: `No operation failed${window}`,
    blocked: `No operation was blocked${window}`,
    partial: `No operation succeeded only in part${window}`,
    succeeded: `No operation succeeded${window}`
  };
  return `${says[filter.tab]}${asOf === null ? '' : `, as of ${asOf}`}.`;
}

/** What a cell can be filtered by: the list of rows like this one in that respect. */
export interface CellFilter {
  label: string;
  filter: ListFilter;
}

/** Null where the list is filtered by exactly that already, or the badge is no filter of its own. */
export function filterByStatus(filter: ListFilter, kind: BadgeKind, word: string): CellFilter | null {
  const label = `Filter by status ${word}`;
  const is = (change: Partial<ListFilter>): CellFilter => ({
    label,
    filter: { ...filter, statuses: [], outcomes: [], problemClass: null, ...change }
  });
  switch (kind) {
    case 'unknown':
      return null;
    case 'stale':
      return filter.problemClass === 'active_stale_attention' || filter.tab === 'stale'
        ? null
        : is({ problemClass: 'active_stale_attention' });
    case 'queued':
    case 'running':
      return isOnly(filter.statuses, kind) ? null : is({ statuses: [kind] });
    default: {
      const outcome = kind === 'partial' ? 'partially_succeeded' : kind;
      return isOnly(filter.outcomes, outcome) || filter.tab === kind ? null : is({ outcomes: [outcome] });
    }
  }
}

export function filterByType(filter: ListFilter, type: string, label: string): CellFilter | null {
  return isOnly(filter.types, type) ? null : { label: `Filter by type ${label}`, filter: { ...filter, types: [type] } };
}

export function filterByInitiator(
  filter: ListFilter,
  { initiator }: Pick<OperationRow, 'initiator'>
): CellFilter | null {
  return isOnly(filter.initiators, initiator)
    ? null
    : { label: `Filter by initiator ${initiator}`, filter: { ...filter, initiators: [initiator] } };
}

function isOnly(values: readonly string[], value: string): boolean {
  return values.length === 1 && values[0] === value;
}
