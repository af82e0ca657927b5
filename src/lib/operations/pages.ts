/**
 * The shapes that the server hands to the pages: what a load returns, what a component may rely on.
 * Types only; reading them is the server's work (`server/operations`), drawing them the components'.
 */
import type { ListFilter, Tab } from './filter.ts';
import type { OperationRow } from './operation.ts';
import type { Summary } from './summary.ts';

export interface Named {
  id: number;
  name: string;
}

/** What every signed-in page knows. Times are milliseconds since 1970 by the database's clock. */
export interface Person {
  id: number;
  name: string;
  email: string;
}

export interface Workspace extends Named {
  isDemo: boolean;
}

/** Where a page stands in a keyset-paged list; a cursor is opaque and goes into the address bar as `after` or `before`. */
export interface PagePosition {
  /** true = the newest page: the only one that new rows may enter */
  isFirst: boolean;
  newer: string | null;
  older: string | null;
}

export const PAGE_SIZES = [25, 50, 100] as const;
export type PageSize = (typeof PAGE_SIZES)[number];
/** Rows kept beyond the page, so that rows can leave without a read. */
export const LOOK_AHEAD = 25;

/** Exact up to 999; beyond it only that there are more. */
export interface BoundedCount {
  count: number;
  isMore: boolean;
}

/** How many rows lists have, at an instant: read when a filter is set, and again at most every ten seconds. */
export interface ListCounts {
  /** the list with its filter */
  list: BoundedCount;
  /** the tabs that show history, under the environment filter alone; null while anything else is filtered */
  tabs: Record<Extract<Tab, 'all' | 'failed' | 'blocked' | 'partial' | 'succeeded'>, BoundedCount> | null;
  at: number;
}

/** What can be chosen to filter by: of what was ever reported where this person may see it. */
export interface FilterOptions {
  types: string[];
  initiators: string[];
}

/** The hub's first page: rows, names and the sealed token all read in one snapshot. */
export interface HubPage {
  workspace: Workspace;
  /** the environment filter, null on the clean workspace-wide entry */
  environment: Named | null;
  /** every environment this person may see, by name */
  environments: Named[];
  /** label of each known type by its code */
  typeLabels: Record<string, string>;
  filter: ListFilter;
  /** the query of this page's address, in its plainest form: by it the hub reads the same rows */
  query: string;
  /** of each unit of the scope (several for a person who is narrowed); obeys the environment and nothing else */
  summaries: Summary[];
  listCounts: ListCounts;
  options: FilterOptions;
  /** may this person mark operations reviewed? */
  mayReview: boolean;
  /** the page and up to LOOK_AHEAD rows beyond it, newest first */
  rows: OperationRow[];
  pageSize: PageSize;
  position: PagePosition;
  /** has anything at all been reported that this person may see in this workspace (not: in this filter)? */
  hasAny: boolean;
  /** sealed place in the stream of changes, at which `rows` are true */
  token: string;
  /** the database's time at which all of this was read */
  readAt: number;
}

/** A failure of the detail page: one entry of `failure_summary`. */
export interface Failure {
  code: string | null;
  message: string;
  count: number | null;
}

export interface DetailPage {
  workspace: Workspace;
  environment: Named | null;
  typeLabel: string;
  /** what closes a follow-up of this type; unknown types: a person's review */
  followUpPolicy: 'repeatable' | 'artifact' | 'manual_review';
  /** seconds of silence that make it stale, for its present status; null when completed */
  silenceLimitSeconds: number | null;
  row: OperationRow;
  failures: Failure[];
  source: string | null;
  externalId: string | null;
  reconciliationReason: string | null;
  retryOf: number | null;
  /** up to 30 operations of the same type and environment made before this one, newest first */
  earlier: OperationRow[];
  /** the last success of the same type and environment before this one completed (or now); null = none is kept */
  lastSuccess: OperationRow | null;
  /** the newest active or completed operation of the same kind after this one, if any */
  later: OperationRow | null;
  mayReview: boolean;
  /** may open the raw context; every opening is recorded */
  mayOpenDiagnostics: boolean;
  token: string;
  readAt: number;
}

/** The overview: every environment this person may see, with its summary and its last 24 hours by the hour. */
export interface OverviewPage {
  workspace: Workspace;
  environments: OverviewEnvironment[];
  /** the hours of the workspace's own operations */
  ownHours: Hour[];
  /** one for each environment, and 'itself' for the workspace's own operations */
  summaries: Summary[];
  typeLabels: Record<string, string>;
  token: string;
  readAt: number;
}

/** One hour of a day: completed in all, and of those failed or blocked. */
export interface Hour {
  completed: number;
  bad: number;
}

export interface OverviewEnvironment extends Named {
  addedAt: number;
  /** 24 entries, oldest first; the last one ends at readAt */
  hours: Hour[];
}
