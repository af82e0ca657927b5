/**
 * Rows that were read again, merged into the window that is on screen: a page (a navigation, a refilled look-ahead, a
 * resync), or the hub's read of the list after a burst. Pure. Invariants: nothing that the window knows goes back to an older revision, although the load may have raced with
 * changes; rows that the page does not have leave, because whoever adopts a page subscribes with its token, and the
 * catch-up brings back what is newer than the page. (What became likely stale in between, and was told to nobody, comes
 * with the next page of such a list: `entranceOf`.) With the hub's read comes what was told since, and all that is newer
 * will be told: the rooms were never left.
 */
import { isSameFilter } from '../operations/filter.ts';
import { comparePlaces, placeOf, type OperationRow } from '../operations/operation.ts';
import { forgetOldest, MembershipDraft, TOMBSTONE_LIMIT } from './list-membership.ts';
import { isHolding, openRows, openWindow, settle, type ListWindow, type WindowPage } from './list-window.ts';
import type { RowsChanged, WindowRead } from './protocol.ts';

/** Removals remembered across an adoption: the newest half, so that the window is not forgetful again at once. */
const KEPT_TOMBSTONES = TOMBSTONE_LIMIT / 2;
const NO_CHANGES: RowsChanged = { rows: [], removed: [] };

/** Does the page show the same view, so that what is on screen should stay where it is? */
export function isSameView(window: ListWindow, page: Omit<WindowPage, 'readAt'>): boolean {
  const same =
    window.scope.workspaceId === page.workspace.id &&
    window.scope.environmentId === (page.environment?.id ?? null) &&
    isSameFilter(window.filter, page.filter) &&
    window.pageSize === page.pageSize &&
    window.isFirst === page.position.isFirst;
  if (!same || window.isFirst) return same;
  // A later page is recognised by its rows: its cursor is opaque, and the row it points at may have left. Not by those
  // beyond it: they are the next page's rows, so a step to the page before would pass for the same view.
  const shown = new Set(window.shown.map((row) => row.id));
  return page.rows.slice(0, page.pageSize).some((row) => shown.has(row.id));
}

/**
 * The window after the page, judged at the server's time `at` (or the page's, if that is later). The same view keeps what
 * is held where it is; another view replaces it. After `loseStream` or `purge` nothing is merged: revisions of another
 * epoch or another access cannot be compared.
 */
export function adoptPage(window: ListWindow, page: WindowPage, at: number): ListWindow {
  const fresh = openWindow(page);
  const comparable = window.lost === null && window.scope.workspaceId === page.workspace.id;
  const merged = comparable ? mergeNewer(window, fresh, Math.max(at, page.readAt)) : fresh;
  const next = heldLike(window, merged);
  const stays = isSameView(window, page) && window.lost !== 'rows' && isHolding(next) && !window.wanted;
  return stays ? settleHeld(window, next) : settle(next, true);
}

/**
 * The window after the hub read its list anew, and told what changed since. What is held stays where it is, unless the
 * burst pushed it below the end of what was read.
 */
export function adoptRead(window: ListWindow, read: WindowRead, at: number): ListWindow {
  if (window.lost !== null) return window;
  const fresh = openRows({ ...window, ...read });
  const judgedAt = Math.max(at, read.readAt);
  const next = heldLike(window, mergeNewer(window, fresh, judgedAt, read.changes));
  const stays = window.isFirst === read.isFirst && isHolding(next) && !window.wanted;
  return stays ? settleHeld(window, next) : settle(next, true);
}

/**
 * What is drawn stays where it is. But of rows below the end of what was read nobody tells any more: holding them would
 * show them as proven, so then all is let go. A pause says itself that it is of its time.
 */
function settleHeld(window: ListWindow, next: ListWindow): ListWindow {
  const sunk = !next.paused && window.shown.some((row) => isBelow(next, row));
  return settle({ ...next, shown: window.shown, bottom: window.bottom }, sunk);
}

const heldLike = ({ engaged, atTop, paused }: ListWindow, next: ListWindow): ListWindow => ({
  ...next,
  engaged,
  atTop,
  paused
});

/** Is the row's place below all that the window knows? */
function isBelow({ floor, order }: ListWindow, row: OperationRow): boolean {
  return floor !== null && comparePlaces(placeOf(order, row), floor) > 0;
}

/**
 * The rows that were read, each in its newest known revision, without those known to be gone. What waits for its moment
 * is not taken over unless it was read too: it may have been removed before the page's token, and nobody would tell.
 */
function mergeNewer(window: ListWindow, fresh: ListWindow, at: number, changes = NO_CHANGES): ListWindow {
  const { tombstones, passed } = window;
  const none = { known: new Map(), pending: new Map(), forgetful: false };
  const draft = new MembershipDraft(fresh, { ...none, tombstones, passed }, at);
  for (const [id, row] of fresh.known) {
    const have = window.known.get(id) ?? window.pending.get(id);
    draft.take(have !== undefined && have.revision > row.revision ? have : row);
  }
  for (const row of changes.rows) draft.take(row);
  for (const [id, revision] of changes.removed) draft.remove(id, revision);
  forgetOldest(draft.tombstones, KEPT_TOMBSTONES);
  return { ...fresh, ...draft.result(), forgetful: false, judgedAt: at };
}
