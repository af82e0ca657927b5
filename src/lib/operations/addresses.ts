/**
 * Addresses of the pages, written in one place: the address bar is the state, so links must agree with what the loads
 * parse. Invariant: the clean view has a clean address; a default is never written into it.
 */
import type { OperationRow } from './operation.ts';
import type { PageSize } from './pages.ts';

export interface HubPlace {
  environmentId?: number | null | undefined;
  pageSize?: PageSize | undefined;
  after?: string | null | undefined;
  before?: string | null | undefined;
}

export const DEFAULT_PAGE_SIZE = 25 satisfies PageSize;

export function hubAddress(workspaceId: number, place: HubPlace = {}): string {
  const query = new URLSearchParams();
  if (place.environmentId != null) query.set('environment_id', String(place.environmentId));
  if (place.pageSize !== undefined && place.pageSize !== DEFAULT_PAGE_SIZE) query.set('rows', String(place.pageSize));
  if (place.after) query.set('after', place.after);
  else if (place.before) query.set('before', place.before);
  const text = query.toString();
  return `/admin/workspaces/${workspaceId}/operations${text && `?${text}`}`;
}

export function operationAddress(workspaceId: number, operationId: number): string {
  return `/admin/workspaces/${workspaceId}/operations/${operationId}`;
}

/**
 * The cursor that continues after this row, as the server writes it (server/operations/keyset.ts). A live first page has
 * moved on since it was read: its "Older" must continue after the last row that is shown, or rows between are skipped.
 */
export function cursorAfter(row: Pick<OperationRow, 'createdAt' | 'id'>): string {
  return btoa(`${row.createdAt}.${row.id}`).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
