/**
 * The shapes that the server hands to the pages: what a load returns, what a component may rely on.
 * Types only; reading them is the server's work (`server/operations`), drawing them the components'.
 */
import type { OperationRow } from './operation.ts';

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

/** The hub's first page: rows, names and the sealed token all read in one snapshot. */
export interface HubPage {
  workspace: Workspace;
  /** the environment filter, null on the clean workspace-wide entry */
  environment: Named | null;
  /** every environment this person may see, by name */
  environments: Named[];
  /** label of each known type by its code */
  typeLabels: Record<string, string>;
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
  /** seconds of silence that make it stale, for its present status; null when completed */
  silenceLimitSeconds: number | null;
  row: OperationRow;
  failures: Failure[];
  source: string | null;
  externalId: string | null;
  reconciliationReason: string | null;
  retryOf: number | null;
  token: string;
  readAt: number;
}
