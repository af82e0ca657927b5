/**
 * The five lists of a wall as windows of the hub's own kind (list-window.ts), moved together. Pure: server time is an
 * argument. It knows no socket and draws nothing.
 * Invariant: each window follows its filter as a list on the hub's page does; nobody holds them, so what is known is what
 * is shown.
 */
import { attentionKindOf, attentionSince, compareAttention } from '../operations/problem.ts';
import type { OperationRow } from '../operations/operation.ts';
import { LOOK_AHEAD } from '../operations/pages.ts';
import {
  FLOOD_WINDOW_MS,
  WALL_LISTS,
  WALL_LIST_ROWS,
  type WallListName,
  type WallPage
} from '../operations/wall-data.ts';
import { WALL_FILTERS } from '../operations/wall-lists.ts';
import { adoptPage } from './adopt-page.ts';
import * as windows from './list-window.ts';
import type { RowsChanged } from './protocol.ts';

export type WallWindows = Readonly<Record<WallListName, windows.ListWindow>>;
const PROBLEMS = WALL_LISTS.filter((name) => name !== 'active');

type ListPages = Pick<WallPage, 'workspace' | 'lists' | 'readAt'>;

function toListPage({ workspace, lists, readAt }: ListPages, name: WallListName): windows.WindowPage {
  return {
    workspace,
    environment: null,
    filter: WALL_FILTERS[name],
    rows: lists[name],
    pageSize: WALL_LIST_ROWS,
    position: { isFirst: true, newer: null, older: null },
    readAt
  };
}

function toEach(make: (name: WallListName) => windows.ListWindow): WallWindows {
  return Object.fromEntries(WALL_LISTS.map((name) => [name, make(name)])) as Record<WallListName, windows.ListWindow>;
}

export function openWindows(page: ListPages): WallWindows {
  return toEach((name) => windows.openWindow(toListPage(page, name)));
}

/** The windows after a page was read again; see `adoptPage`. */
export function adoptWindows(lists: WallWindows, page: ListPages, at: number): WallWindows {
  return toEach((name) => adoptPage(lists[name], toListPage(page, name), at));
}

/** The same windows where nothing of them changed: whoever draws compares by identity. */
function change(lists: WallWindows, how: (window: windows.ListWindow) => windows.ListWindow): WallWindows {
  const next = toEach((name) => how(lists[name]));
  return WALL_LISTS.every((name) => next[name] === lists[name]) ? lists : next;
}

export const applyToWindows = (lists: WallWindows, changes: RowsChanged, at: number): WallWindows =>
  change(lists, (window) => windows.applyChanges(window, changes, at));
/** What time alone changes. */
export const reconsiderWindows = (lists: WallWindows, at: number): WallWindows =>
  change(lists, (window) => windows.reconsider(window, at));
export const purgeWindows = (lists: WallWindows): WallWindows => change(lists, windows.purge);
export const loseWindowStreams = (lists: WallWindows): WallWindows => change(lists, windows.loseStream);

/** Does any of them need to be read again? */
export function isRefillDue(lists: WallWindows): boolean {
  return WALL_LISTS.some((name) => windows.refreshReason(lists[name]) !== null);
}

export function activeRows({ active }: WallWindows): readonly OperationRow[] {
  return active.shown;
}

/** What needs a person, worst first. A row that the hub told to be stale a moment before our clock agrees waits for it. */
export function followUpRows(lists: WallWindows, at: number): OperationRow[] {
  return PROBLEMS.flatMap((name) => lists[name].shown)
    .filter((row) => attentionKindOf(row, at) !== null)
    .sort((a, b) => compareAttention(a, b, at));
}

/** Of those the ones that began within FLOOD_WINDOW_MS, newest first: at most a page and its look-ahead of each kind. */
export function newProblems(lists: WallWindows, at: number): OperationRow[] {
  return PROBLEMS.flatMap((name) => [...lists[name].known.values()])
    .filter((row) => attentionKindOf(row, at) !== null && at - attentionSince(row, at) < FLOOD_WINDOW_MS)
    .sort((a, b) => attentionSince(b, at) - attentionSince(a, at) || b.id - a.id)
    .slice(0, PROBLEMS.length * (WALL_LIST_ROWS + LOOK_AHEAD));
}
