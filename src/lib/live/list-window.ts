/**
 * The window of one list: what is known of it, what is drawn, what waits behind the pill. Pure: every function takes a
 * window and gives a new one; no clock (server time is an argument), socket or framework. `known` is always the newest
 * truth in the window's range; holding (pointer or focus in the list, scrolled away, paused) only delays what is `shown`.
 * Invariants: no row ever goes back to an older revision; once released, `shown` equals a fresh query with the same
 * filter; memory is bounded, and what had to be forgotten is reported by `refreshReason`, never hidden.
 */
import { orderOf } from '../operations/filter.ts';
import { comparePlaces, placeOf, type ListOrder, type ListPlace, type OperationRow } from '../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../operations/pages.ts';
import {
  dependsOnTime,
  entranceOf,
  forgetOldest,
  inScope,
  MembershipDraft,
  PASSED_LIMIT,
  type Membership,
  type Range
} from './list-membership.ts';
import type { RowsChanged, Scope } from './protocol.ts';

/** Rows that may wait behind the pill (about 0.5 MB); beyond it the window is read anew when released. */
export const WAITING_LIMIT = 1_000;
/** With fewer rows than this beyond the page, the look-ahead is refilled before the page grows short. */
export const LOW_WATER = 5;

/** A clock that seems to be set back by less than this was only measured better; by more, the database's was set back. */
const UNSURE_MS = 60_000;

const NONE: ReadonlySet<number> = new Set();

export interface ListWindow extends Range, Membership {
  readonly pageSize: number;
  readonly isFirst: boolean;
  readonly shown: OperationRow[];
  /** the place of the last line when it was drawn: what comes above it waits while held, what comes below does not */
  readonly bottom: ListPlace | null;
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
  /** server time as of which membership was last judged with an effect */
  readonly judgedAt: number;
  /** where time alone lets rows in, as of when the page was read, and whether that is over: see `entranceOf` */
  readonly entrance: number | null;
  readonly outrun: boolean;
  /** the stream this window followed is gone (`stream`), its rows too (`rows`): the next page replaces, not merges */
  readonly lost: 'stream' | 'rows' | null;
}

export type RefreshReason = 'look_ahead' | 'waiting' | 'tombstones' | 'time';

/** What a window needs of a page. */
export type WindowPage = Pick<
  HubPage,
  'workspace' | 'environment' | 'filter' | 'rows' | 'pageSize' | 'position' | 'readAt'
>;

/** Rows as they were read of one list, page and look-ahead. */
export interface RowsRead extends Pick<ListWindow, 'scope' | 'filter' | 'pageSize' | 'isFirst'> {
  readonly rows: readonly OperationRow[];
  readonly readAt: number;
}

/** The window of a page as the server read it, released and at its top. */
export function openWindow(page: WindowPage): ListWindow {
  const { filter, pageSize, rows, readAt } = page;
  const scope: Scope = { workspaceId: page.workspace.id, environmentId: page.environment?.id ?? null };
  return openRows({ scope, filter, pageSize, isFirst: page.position.isFirst, rows, readAt });
}

/** The same of rows alone. */
export function openRows({ scope, filter, pageSize, isFirst, rows: read, readAt }: RowsRead): ListWindow {
  const order = orderOf(filter);
  const rows = newestFirst(
    order,
    read.filter((row) => inScope(scope, row))
  );
  const [first, last] = [rows[0], rows.at(-1)];
  const shown = rows.slice(0, pageSize);
  return {
    scope,
    filter,
    order,
    pageSize,
    isFirst,
    known: new Map(rows.map((row) => [row.id, row])),
    pending: new Map(),
    tombstones: new Map(),
    passed: new Map(),
    forgetful: false,
    floor: read.length < pageSize + LOOK_AHEAD || !last ? null : placeOf(order, last),
    ceiling: isFirst || !first ? null : placeOf(order, first),
    members: isFirst ? null : new Set(rows.map((row) => row.id)),
    shown,
    bottom: lowest(order, shown),
    gone: NONE,
    waiting: 0,
    engaged: false,
    atTop: true,
    paused: false,
    overflowed: false,
    wanted: false,
    judgedAt: readAt,
    entrance: entranceOf(filter, readAt),
    outrun: false,
    lost: null
  };
}

/**
 * Applies one batch by id and revision, judged at the server's time `at`. Any order, cut or repetition of batches gives
 * the same window.
 */
export function applyChanges(window: ListWindow, changes: RowsChanged, at: number): ListWindow {
  if (window.lost !== null) return window;
  const judgedAt = judgeAt(window, at);
  const draft = new MembershipDraft(window, window, judgedAt);
  for (const row of changes.rows) draft.take(row);
  for (const [id, revision] of changes.removed) draft.remove(id, revision);
  return adjust(window, draft, judgedAt);
}

/** Judges again what time alone changes: rows that have become likely stale, edges of a window that moves along. */
export function reconsider(window: ListWindow, at: number): ListWindow {
  if (window.lost !== null || !dependsOnTime(window.filter)) return window;
  const judgedAt = judgeAt(window, at);
  const draft = new MembershipDraft(window, window, judgedAt);
  draft.reconsider();
  const next = adjust(window, draft, judgedAt);
  const entrance = entranceOf(window.filter, judgedAt);
  const outrun = window.isFirst && entrance !== null && window.entrance !== null && entrance > window.entrance;
  return outrun && !next.outrun ? { ...next, outrun } : next;
}

/** What was judged by a clock that was a little ahead is not taken back, for the row could be lost by that. */
function judgeAt(window: ListWindow, at: number): number {
  return window.judgedAt - at < UNSURE_MS ? Math.max(at, window.judgedAt) : at;
}

function adjust(window: ListWindow, draft: MembershipDraft, judgedAt: number): ListWindow {
  if (draft.changed) return settle({ ...window, ...draft.result(), judgedAt });
  return draft.noted ? { ...window, ...draft.result(), judgedAt } : window;
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
    pending: new Map(),
    tombstones: new Map(),
    passed: new Map(),
    forgetful: false,
    shown: [],
    bottom: null,
    gone: NONE,
    waiting: 0,
    overflowed: false,
    wanted: false,
    outrun: false,
    lost: 'rows'
  };
}

/** Why the window has to be read again, if it has. The answer stays until a page is adopted. */
export function refreshReason(window: ListWindow): RefreshReason | null {
  if (window.lost !== null) return null; // the connection reads it again for a reason of its own
  if (window.forgetful) return 'tombstones';
  if (window.overflowed && (window.wanted || !isHolding(window))) return 'waiting';
  if (window.floor !== null && window.known.size < window.pageSize + LOW_WATER) return 'look_ahead';
  return window.outrun ? 'time' : null;
}

/** Is less drawn than there is? More has left than the look-ahead could fill: until that is read, nobody may take it for all. */
export function isShort({ lost, floor, shown, pageSize, paused }: ListWindow): boolean {
  return lost === null && !paused && floor !== null && shown.length < pageSize;
}

export function isHolding(window: ListWindow): boolean {
  return window.paused || window.engaged || !window.atTop;
}

/** Do more rows wait than are counted? Some were dropped, or what is drawn lies below all that is known. */
export function isMoreWaiting({ overflowed, waiting, bottom, floor }: ListWindow): boolean {
  return overflowed || (waiting > 0 && bottom !== null && floor !== null && comparePlaces(bottom, floor) > 0);
}

/** What is drawn and what waits, from what is known; then cuts what nobody will need. */
export function settle(window: ListWindow, release = false): ListWindow {
  const { order } = window;
  const sorted = newestFirst(order, window.known.values());
  const held = window.overflowed || (!release && isHolding(window));
  const drawing = held ? holdShown(window, sorted) : fromTop(window, sorted);
  const shown = sameRows(window.shown, drawing.shown) ? window.shown : drawing.shown;
  const left = held && !window.paused ? shown.filter(({ id }) => !window.known.has(id)).map(({ id }) => id) : [];
  const gone = window.paused && held ? window.gone : left.length === 0 ? NONE : new Set(left);
  // Below the last line (or where it was) rows are look-ahead; above it, what is not drawn waits.
  const { bottom } = drawing;
  const drawn = new Set(shown.map((row) => row.id));
  const waitingRows = sorted.filter(
    (row) => !drawn.has(row.id) && (bottom === null || comparePlaces(placeOf(order, row), bottom) < 0)
  );
  return cut({ ...window, shown, bottom, gone, waiting: waitingRows.length }, sorted, waitingRows, drawn);
}

type Drawing = Pick<ListWindow, 'shown' | 'bottom'>;

function fromTop({ order, pageSize }: ListWindow, sorted: OperationRow[]): Drawing {
  const shown = sorted.slice(0, pageSize);
  return { shown, bottom: lowest(order, shown) };
}

/**
 * Held rows change in place, also where their place in the order has changed; one that leaves keeps its line (`gone`),
 * and a short page fills from below. Paused: as it is.
 */
function holdShown(window: ListWindow, sorted: OperationRow[]): Drawing {
  const { order, bottom } = window;
  if (window.paused) return window;
  const hasAny = window.shown.some((row) => window.known.has(row.id));
  if (bottom === null || (!hasAny && !window.overflowed)) return fromTop(window, sorted);
  const kept = window.shown.map((row) => window.known.get(row.id) ?? row);
  const drawn = new Set(kept.map((row) => row.id));
  const below = sorted
    .filter((row) => !drawn.has(row.id) && comparePlaces(placeOf(order, row), bottom) > 0)
    .slice(0, window.pageSize - kept.length);
  return { shown: [...kept, ...below], bottom: lowest(order, below) ?? bottom };
}

/** Bounds the memory: look-ahead below, WAITING_LIMIT above. */
function cut(window: ListWindow, sorted: OperationRow[], waiting: OperationRow[], drawn: Set<number>): ListWindow {
  const above = waiting.length + [...drawn].filter((id) => window.known.has(id)).length;
  const keep = Math.max(above, window.pageSize) + LOOK_AHEAD;
  if (sorted.length <= keep && waiting.length <= WAITING_LIMIT) return window;
  const known = new Map(sorted.slice(0, keep).map((row) => [row.id, row]));
  for (const row of waiting.slice(0, Math.max(0, waiting.length - WAITING_LIMIT))) known.delete(row.id);
  const last = sorted[keep - 1];
  return {
    ...window,
    known,
    passed: window.order === 'completed' ? passOver(window.passed, sorted.slice(keep)) : window.passed,
    floor: sorted.length > keep && last ? placeOf(window.order, last) : window.floor,
    waiting: Math.min(waiting.length, WAITING_LIMIT),
    overflowed: window.overflowed || waiting.length > WAITING_LIMIT
  };
}

/** Rows that moved below the floor: an older message of theirs may have an older, higher place. */
function passOver(passed: ReadonlyMap<number, number>, rows: readonly OperationRow[]): Map<number, number> {
  const next = new Map(passed);
  for (const { id, revision } of rows) next.set(id, revision);
  forgetOldest(next, PASSED_LIMIT);
  return next;
}

function newestFirst(order: ListOrder, rows: Iterable<OperationRow>): OperationRow[] {
  return [...rows].sort((a, b) => comparePlaces(placeOf(order, a), placeOf(order, b)));
}

/** Where the last of sorted rows stands. */
function lowest(order: ListOrder, rows: readonly OperationRow[]): ListPlace | null {
  const last = rows.at(-1);
  return last ? placeOf(order, last) : null;
}

function sameRows(a: readonly OperationRow[], b: readonly OperationRow[]): boolean {
  return a.length === b.length && a.every((row, index) => row === b[index]);
}
