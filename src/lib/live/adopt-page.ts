/**
 * A page that was loaded again, merged into the window that is on screen: a navigation, a refilled look-ahead, a resync.
 * Pure. Invariants: nothing that the window knows goes back to an older revision, although the load may have raced with
 * changes; rows that the page does not have leave, because whoever adopts a page subscribes with its token, and the
 * catch-up brings back what is newer than the page.
 */
import { byNewest } from '../operations/operation.ts';
import type { HubPage } from '../operations/pages.ts';
import {
  forgetOldest,
  inScope,
  isHolding,
  openWindow,
  settle,
  TOMBSTONE_LIMIT,
  type ListWindow
} from './list-window.ts';

/** Removals remembered across an adoption: the newest half, so that the window is not forgetful again at once. */
const KEPT_TOMBSTONES = TOMBSTONE_LIMIT / 2;

/** Does the page show the same view, so that what is on screen should stay where it is? */
export function isSameView(window: ListWindow, page: HubPage): boolean {
  const same =
    window.scope.workspaceId === page.workspace.id &&
    window.scope.environmentId === (page.environment?.id ?? null) &&
    window.pageSize === page.pageSize &&
    window.isFirst === page.position.isFirst;
  if (!same || window.isFirst) return same;
  // A later page is recognised by its rows: its cursor is opaque, and the row it points at may have left. Not by those
  // beyond it: they are the next page's rows, so a step to the page before would pass for the same view.
  const shown = new Set(window.shown.map((row) => row.id));
  return page.rows.slice(0, page.pageSize).some((row) => shown.has(row.id));
}

/**
 * The window after the page. The same view keeps what is held where it is; another view replaces it. After `loseStream`
 * or `purge` nothing is merged: revisions of another epoch or another access cannot be compared.
 */
export function adoptPage(window: ListWindow, page: HubPage): ListWindow {
  const fresh = openWindow(page);
  const comparable = window.lost === null && window.scope.workspaceId === page.workspace.id;
  const merged = comparable ? mergeNewer(window, fresh) : fresh;
  const next: ListWindow = { ...merged, engaged: window.engaged, atTop: window.atTop, paused: window.paused };

  const stays = isSameView(window, page) && window.lost !== 'rows' && isHolding(next) && !window.wanted;
  if (!stays) return settle(next, true);
  // Rows that are held below the end of the new page are no longer known: holding them would show them as proven.
  const floor = next.floor;
  const sunk = !next.paused && floor !== null && window.shown.some((row) => byNewest(row, floor) > 0);
  return settle({ ...next, shown: window.shown }, sunk);
}

/** The page's rows, each in its newest known revision, without those known to be gone. */
function mergeNewer(window: ListWindow, fresh: ListWindow): ListWindow {
  const known = new Map(fresh.known);
  const tombstones = new Map(window.tombstones);
  for (const [id, row] of fresh.known) {
    const have = window.known.get(id);
    const newest = have !== undefined && have.revision > row.revision ? have : row;
    if ((tombstones.get(id) ?? -1) > newest.revision) known.delete(id);
    else if (inScope(fresh.scope, newest)) {
      known.set(id, newest);
      tombstones.delete(id);
    } else {
      known.delete(id);
      tombstones.set(id, newest.revision);
    }
  }
  forgetOldest(tombstones, KEPT_TOMBSTONES);
  return { ...fresh, known, tombstones };
}
