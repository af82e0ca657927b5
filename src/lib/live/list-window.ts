/**
 * The window of one list: what is known of it, what is drawn, what waits behind the pill. Pure: every function takes a
 * window and gives a new one; no clock, socket or framework. `known` is always the newest truth in the window's range;
 * holding (pointer or focus in the list, scrolled away, paused) only delays what is `shown`.
 * Invariants: no row ever goes back to an older revision; once released, `shown` equals a fresh scoped query; memory is
 * bounded, and what had to be forgotten is reported by `refreshReason`, never hidden.
 */
import { byNewest, type OperationRow } from '../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../operations/pages.ts';
import type { RowsChanged, Scope } from './protocol.ts';

/** Rows that may wait behind the pill (about 0.5 MB); beyond it the window is read anew when released. */
export const WAITING_LIMIT = 1_000;
/** Removals remembered against late rows; they are needed for seconds, and one costs about 40 bytes. */
export const TOMBSTONE_LIMIT = 1_000;
/** With fewer rows than this beyond the page, the look-ahead is refilled before the page grows short. */
export const LOW_WATER = 5;

const NONE: ReadonlySet<number> = new Set();

type Place = Pick<OperationRow, 'createdAt' | 'id'>;

export interface ListWindow {
  readonly scope: Scope;
  readonly pageSize: number;
  readonly isFirst: boolean;
  /** everything known within the range: page, look-ahead, waiting */
  readonly known: ReadonlyMap<number, OperationRow>;
  /** id → revision as of which a row is not here; a row of that revision or higher is */
  readonly tombstones: ReadonlyMap<number, number>;
  /** the oldest place of which the window knows; null: the list ends within the window */
  readonly floor: Place | null;
  /** on later pages the only ids that may be shown; null on the first page */
  readonly members: ReadonlySet<number> | null;
  readonly shown: OperationRow[];
  /** ids in `shown` that left while the window was held: their lines stay, empty, so that nothing moves up under a hand */
  readonly gone: ReadonlySet<number>;
  /** how many rows wait behind the pill, at most WAITING_LIMIT */
  readonly waiting: number;
  readonly engaged: boolean;
  readonly atTop: boolean;
  readonly paused: boolean;
  /** waiting rows were dropped: only a new page can release the window */
  readonly overflowed: boolean;
  /** someone asked for what waits, and only a new page can show it */
  readonly wanted: boolean;
  /** tombstones were dropped: a late row could come back */
  readonly forgetful: boolean;
  /** the stream this window followed is gone (`stream`), its rows too (`rows`): the next page replaces, not merges */
  readonly lost: 'stream' | 'rows' | null;
}

export type RefreshReason = 'look_ahead' | 'waiting' | 'tombstones';

/** The window of a page as the server read it, released and at its top. */
export function openWindow(page: Pick<HubPage, 'workspace' | 'environment' | 'rows' | 'pageSize' | 'position'>) {
  const scope: Scope = { workspaceId: page.workspace.id, environmentId: page.environment?.id ?? null };
  const rows = page.rows.filter((row) => inScope(scope, row)).sort(byNewest);
  const floor = page.rows.length < page.pageSize + LOOK_AHEAD ? null : (page.rows.at(-1) ?? null);
  const window: ListWindow = {
    scope,
    pageSize: page.pageSize,
    isFirst: page.position.isFirst,
    known: new Map(rows.map((row) => [row.id, row])),
    tombstones: new Map(),
    floor,
    members: page.position.isFirst ? null : new Set(rows.map((row) => row.id)),
    shown: rows.slice(0, page.pageSize),
    gone: NONE,
    waiting: 0,
    engaged: false,
    atTop: true,
    paused: false,
    overflowed: false,
    wanted: false,
    forgetful: false,
    lost: null
  };
  return window;
}

/** The scope as a predicate: the same truth as the SQL of the first page. */
export function inScope(scope: Scope, row: OperationRow): boolean {
  return (
    row.workspaceId === scope.workspaceId && (scope.environmentId === null || row.environmentId === scope.environmentId)
  );
}

/** Applies one batch by id and revision. Any order, cut or repetition of batches gives the same window. */
export function applyChanges(window: ListWindow, changes: RowsChanged): ListWindow {
  if (window.lost !== null) return window;
  const known = new Map(window.known);
  const tombstones = new Map(window.tombstones);
  let changed = false;

  function bury(id: number, revision: number): void {
    if (window.members !== null && !window.members.has(id)) return;
    if ((tombstones.get(id) ?? -1) >= revision) return;
    tombstones.delete(id); // so that the map stays in order of burial
    tombstones.set(id, revision);
    changed = true;
  }
  for (const row of changes.rows) {
    if (row.revision <= (known.get(row.id)?.revision ?? -1)) continue;
    if (row.revision < (tombstones.get(row.id) ?? -1)) continue;
    if (!inRange(window, row)) continue;
    if (inScope(window.scope, row)) {
      known.set(row.id, row);
      tombstones.delete(row.id);
    } else {
      known.delete(row.id);
      bury(row.id, row.revision);
    }
    changed = true;
  }
  for (const [id, revision] of changes.removed) {
    if ((known.get(id)?.revision ?? -1) >= revision) continue;
    if (known.delete(id)) changed = true;
    bury(id, revision);
  }
  if (!changed) return window;
  const forgetful = forgetOldest(tombstones, TOMBSTONE_LIMIT) || window.forgetful;
  return settle({ ...window, known, tombstones, forgetful });
}

/** Pointer, focus or selection is in the list: new rows wait. */
export function engage(window: ListWindow, engaged: boolean): ListWindow {
  return window.engaged === engaged ? window : settle({ ...window, engaged });
}

/** Is the list scrolled to its top? Elsewhere new rows wait. */
export function scrolled(window: ListWindow, atTop: boolean): ListWindow {
  return window.atTop === atTop ? window : settle({ ...window, atTop });
}

/** Freezes what is drawn; what is known goes on. */
export function pause(window: ListWindow): ListWindow {
  return window.paused ? window : { ...window, paused: true };
}

/** Everything applies, also what waited for the pointer: resuming is an explicit act. */
export function resume(window: ListWindow): ListWindow {
  return window.paused ? showWaiting({ ...window, paused: false }) : window;
}

/** Draws what waited, once; a pause or a pointer in the list holds again from there. */
export function showWaiting(window: ListWindow): ListWindow {
  return settle({ ...window, wanted: window.overflowed }, true);
}

/** The stream broke off where revisions may start again (another epoch): what is drawn stays, grey, until a new page. */
export function loseStream(window: ListWindow): ListWindow {
  return { ...window, lost: window.lost ?? 'stream' };
}

/** Access changed: nothing may stay, and nothing may be remembered either, since the same revisions may be granted again. */
export function purge(window: ListWindow): ListWindow {
  return {
    ...window,
    known: new Map(),
    tombstones: new Map(),
    shown: [],
    gone: NONE,
    waiting: 0,
    overflowed: false,
    wanted: false,
    forgetful: false,
    lost: 'rows'
  };
}

/** Why the window has to be read again, if it has. The answer stays until a page is adopted. */
export function refreshReason(window: ListWindow): RefreshReason | null {
  if (window.lost !== null) return null; // the connection reads it again for a reason of its own
  if (window.forgetful) return 'tombstones';
  if (window.overflowed && (window.wanted || !isHolding(window))) return 'waiting';
  if (window.floor !== null && window.known.size < window.pageSize + LOW_WATER) return 'look_ahead';
  return null;
}

export function isHolding(window: ListWindow): boolean {
  return window.paused || window.engaged || !window.atTop;
}

/** Drops the oldest entries beyond the limit; true if any had to go. */
export function forgetOldest(tombstones: Map<number, number>, limit: number): boolean {
  const excess = tombstones.size - limit;
  if (excess <= 0) return false;
  let left = excess;
  for (const id of tombstones.keys()) {
    if (left-- === 0) break;
    tombstones.delete(id);
  }
  return true;
}

/** May a row at this place be in the window? On later pages nothing is added; elsewhere nothing below the floor. */
function inRange(window: ListWindow, row: OperationRow): boolean {
  if (window.members !== null) return window.members.has(row.id);
  return window.floor === null || byNewest(row, window.floor) <= 0;
}

/** What is drawn and what waits, from what is known; then cuts what nobody will need. */
export function settle(window: ListWindow, release = false): ListWindow {
  const sorted = [...window.known.values()].sort(byNewest);
  const held = window.overflowed || (!release && isHolding(window));
  const next = held ? holdShown(window, sorted) : sorted.slice(0, window.pageSize);
  const shown = sameRows(window.shown, next) ? window.shown : next;
  const left = held && !window.paused ? shown.filter(({ id }) => !window.known.has(id)).map(({ id }) => id) : [];
  const gone = window.paused && held ? window.gone : left.length === 0 ? NONE : new Set(left);
  // Below the last row drawn (or that was there) rows are look-ahead; above it, what is not drawn waits.
  const last = held ? (window.shown.at(-1) ?? shown.at(-1)) : shown.at(-1);
  const drawn = new Set(shown.map((row) => row.id));
  const waitingRows = sorted.filter((row) => !drawn.has(row.id) && (last === undefined || byNewest(row, last) < 0));
  return cut({ ...window, shown, gone, waiting: waitingRows.length }, sorted, waitingRows, drawn);
}

/** Held rows change in place; one that leaves keeps its line (`gone`), and a short page fills from below. Paused: as it is. */
function holdShown(window: ListWindow, sorted: OperationRow[]): OperationRow[] {
  if (window.paused) return window.shown;
  const last = window.shown.at(-1);
  const hasAny = window.shown.some((row) => window.known.has(row.id));
  if (last === undefined || (!hasAny && !window.overflowed)) return sorted.slice(0, window.pageSize);
  const kept = window.shown.map((row) => window.known.get(row.id) ?? row);
  const below = sorted.filter((row) => byNewest(row, last) > 0);
  return [...kept, ...below.slice(0, window.pageSize - kept.length)];
}

/** Bounds the memory: look-ahead below, WAITING_LIMIT above. */
function cut(window: ListWindow, sorted: OperationRow[], waiting: OperationRow[], drawn: Set<number>): ListWindow {
  const above = waiting.length + [...drawn].filter((id) => window.known.has(id)).length;
  const keep = Math.max(above, window.pageSize) + LOOK_AHEAD;
  if (sorted.length <= keep && waiting.length <= WAITING_LIMIT) return window;
  const known = new Map(sorted.slice(0, keep).map((row) => [row.id, row]));
  for (const row of waiting.slice(0, Math.max(0, waiting.length - WAITING_LIMIT))) known.delete(row.id);
  return {
    ...window,
    known,
    floor: sorted.length > keep ? (sorted[keep - 1] ?? window.floor) : window.floor,
    waiting: Math.min(waiting.length, WAITING_LIMIT),
    overflowed: window.overflowed || waiting.length > WAITING_LIMIT
  };
}

function sameRows(a: readonly OperationRow[], b: readonly OperationRow[]): boolean {
  return a.length === b.length && a.every((row, index) => row === b[index]);
}
