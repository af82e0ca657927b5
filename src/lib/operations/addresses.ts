/**
 * Addresses of the pages, written in one place: the address bar is the state, so links must agree with what the loads
 * parse. Invariant: the clean view has a clean address; a default is never written into it.
 */
import { formatEdge } from './edge-text.ts';
import { CLEAN_FILTER, orderOf, SUCCEEDED_WINDOW, TAB_OUTCOMES, type ListFilter, type Tab } from './filter.ts';
import { orderInstant, type OperationRow } from './operation.ts';
import type { PageSize } from './pages.ts';
import type { CountKey } from './summary.ts';

export interface HubPlace {
  environmentId?: number | null | undefined;
  filter?: ListFilter | undefined;
  pageSize?: PageSize | undefined;
  after?: string | null | undefined;
  before?: string | null | undefined;
}

export const DEFAULT_PAGE_SIZE = 25 satisfies PageSize;

/** The query of a list, without its question mark; '' for the clean entry. */
export function hubQuery({ environmentId, filter = CLEAN_FILTER, pageSize, after, before }: HubPlace = {}): string {
  const query = new URLSearchParams();
  if (environmentId != null) query.set('environment_id', String(environmentId));
  if (filter.tab !== 'all') query.set('activeTab', filter.tab);
  if (filter.problemClass !== null) query.set('problemClass', filter.problemClass);
  for (const type of filter.types) query.append('type', type);
  for (const status of filter.statuses) query.append('status', status);
  for (const outcome of filter.outcomes) query.append('outcome', outcome);
  for (const initiator of filter.initiators) query.append('initiator', initiator);
  if (filter.from !== null) query.set('from', formatEdge(filter.from));
  if (filter.to !== null) query.set('to', formatEdge(filter.to));
  if (filter.text !== null) query.set('q', filter.text);
  if (pageSize !== undefined && pageSize !== DEFAULT_PAGE_SIZE) query.set('rows', String(pageSize));
  if (after) query.set('after', after);
  else if (before) query.set('before', before);
  return query.toString();
}

export function hubAddress(workspaceId: number, place: HubPlace = {}): string {
  const text = hubQuery(place);
  return `/admin/workspaces/${workspaceId}/operations${text && `?${text}`}`;
}

export function overviewAddress(workspaceId: number): string {
  return `/admin/workspaces/${workspaceId}`;
}

/** How this tab is connected; of which workspace the proofs are looked at. */
export function connectionAddress(workspaceId: number): string {
  return `/admin/connection?workspace=${workspaceId}`;
}

/** What a node can say of its own delivery, for owners of the workspace. */
/** The wall displays of a workspace, one of them, or the one that shows a code. */
export function displaysAddress(workspaceId: number, { id, code }: { id?: number; code?: string } = {}): string {
  const base = `/admin/workspaces/${workspaceId}/displays`;
  if (id !== undefined) return `${base}/${id}`;
  return code === undefined ? base : `${base}?code=${encodeURIComponent(code)}`;
}

export function deliveryAddress(workspaceId: number): string {
  return `/admin/workspaces/${workspaceId}/delivery`;
}

export function operationAddress(workspaceId: number, operationId: number): string {
  return `/admin/workspaces/${workspaceId}/operations/${operationId}`;
}

/** The list that a number of the strip counts, to the row. */
export function filterOfCount(key: CountKey): ListFilter {
  switch (key) {
    case 'active':
    case 'stale':
      return { ...CLEAN_FILTER, tab: key };
    case 'succeeded':
      return { ...CLEAN_FILTER, tab: 'succeeded', from: SUCCEEDED_WINDOW };
    default:
      return { ...CLEAN_FILTER, tab: 'needs_follow_up', outcomes: [TAB_OUTCOMES[key]] };
  }
}

/** The same filters under another tab. */
export function withTab(filter: ListFilter, tab: Tab): ListFilter {
  return { ...filter, tab };
}

/**
 * The cursor that continues after this row, as the server writes it (server/operations/keyset.ts). A live first page has
 * moved on since it was read: its "Older" must continue after the last row that is shown, or rows between are skipped.
 */
export function cursorAfter(
  row: Pick<OperationRow, 'createdAt' | 'completedAt' | 'id'>,
  filter: Pick<ListFilter, 'tab' | 'outcomes' | 'problemClass'> = CLEAN_FILTER
): string {
  const text = `${orderInstant(orderOf(filter), row)}.${row.id}`;
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The page of refused reports, from a place in it on. (Here and not with their wording, which every page would load.) */
export function refusedAddress(
  workspaceId: number,
  place: { after?: string | null; before?: string | null } = {}
): string {
  const query = place.after ? `?after=${place.after}` : place.before ? `?before=${place.before}` : '';
  return `/admin/workspaces/${workspaceId}/rejected${query}`;
}
