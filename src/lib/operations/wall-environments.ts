/**
 * The environments on the wall: which stand there by name, in which order, and what is said of each. Abnormal ones come
 * first, worst first, by name; normal ones are quiet, and one line together when they are many (PRODUCT 4.3). Pure.
 * Invariants: an abnormal environment never drops out without being counted; what is not known is neither calm nor zero.
 */
import { BADGE_WORDS } from './badge.ts';
import type { AttentionKind } from './problem.ts';
import { silentFor, type Summary } from './summary.ts';
import { TILE_STATES, tileStateOf, type TileState } from './tile.ts';
import type { WallEnvironment } from './wall-data.ts';
import type { WallFace } from './wall-face.ts';
import { turnAt } from './wall-manners.ts';
import { NOT_KNOWN, toMany, toWallAge } from './wall-words.ts';
import { toNumber } from './wording.ts';

/** Marks that a tile can wear; null = quiet. */
export type WallMark = AttentionKind | 'silent' | 'unknown';

export interface WallTile {
  key: string;
  name: string;
  state: TileState;
  mark: WallMark | null;
  /** beside the mark, or the quiet second line */
  words: string;
  /** since when, where that stands nowhere else and there is room */
  age: string | null;
  /** it began within the last hour, and is drawn filled */
  isNew: boolean;
  isChanged: boolean;
}

export interface WallField {
  /** one: a single environment, large · tiles: each has its tile · many: abnormal ones, and a line for the others */
  layout: 'none' | 'one' | 'tiles' | 'many';
  tiles: WallTile[];
  /** abnormal ones that have no room in this turn: "7 more: 4 failed, 3 stale" */
  more: { count: number; words: string } | null;
  /** those that are as intended, together; null where each has its tile */
  quiet: { count: number; words: string; note: string } | null;
  /** "12 of 12 reporting" */
  head: string;
  /** as few as hold all tiles, so that few of them are wide and their names whole */
  columns: number;
}

/** A problem is new, and drawn filled, for so long; then it is known, and outlined. */
export const NEW_FOR_MS = 3_600_000;

/** An environment (null = the workspace itself) and a state of it: a tile is new where its own state is. */
export function placeKey(environmentId: number | null, state: TileState): string {
  return `${environmentId ?? 'itself'} ${state}`;
}

export interface FieldParts {
  environments: readonly WallEnvironment[];
  /** of the workspace's own operations */
  itself: Summary | null;
  face: WallFace;
  /** the server's time, for turns */
  now: number;
  /** tiles across and down */
  columns: number;
  tileRows: number;
  rotateSeconds: number | null;
  /** environments (null = the workspace itself) whose follow-ups changed within the last seconds */
  changed: ReadonlySet<number | null>;
  /** where which kind of problem is younger than NEW_FOR_MS, by `placeKey` */
  fresh: ReadonlySet<string>;
}

const ABNORMAL: readonly TileState[] = ['blocked', 'failed', 'stale', 'partial', 'silent', 'unknown'];
const NOT_REPORTING: readonly TileState[] = ['silent', 'never', 'unknown'];
const ATTENTION: readonly TileState[] = ['blocked', 'failed', 'stale', 'partial'];

function toTile(id: number | null, name: string, summary: Summary | null, parts: FieldParts): WallTile {
  const { face } = parts;
  const state = tileStateOf(summary, face.at);
  const isAbnormal = ABNORMAL.includes(state);
  return {
    key: id === null ? 'itself' : String(id),
    name,
    state,
    mark: face.isBlank || !isAbnormal ? null : (state as WallMark),
    words: face.isBlank ? NOT_KNOWN : tileWordsOf(state, summary, face),
    age: state === 'silent' && !face.isBlank ? toWallAge(silentFor(summary!, face.at)) : null,
    isNew: parts.fresh.has(placeKey(id, state)),
    isChanged: !face.isWithdrawn && parts.changed.has(id)
  };
}

function tileWordsOf(state: TileState, summary: Summary | null, { at }: WallFace): string {
  switch (state) {
    case 'blocked':
    case 'failed':
    case 'stale':
    case 'partial': {
      const count = summary?.counts[state] ?? 1;
      return count === 1 ? BADGE_WORDS[state] : `${toNumber(count)} ${BADGE_WORDS[state].toLowerCase()}`;
    }
    case 'silent':
      return 'Silent';
    case 'unknown':
      return 'Unknown';
    case 'never':
      return 'no report yet';
    case 'calm':
      if (summary!.counts.active > 0) return `${toNumber(summary!.counts.active)} active`;
      return `${toWallAge(at - summary!.lastReportAt!)} ago`;
  }
}

/** From the worst to the calmest, and by name within a state. Without data: by name alone. */
export function orderTiles(tiles: readonly WallTile[], isBlank: boolean): WallTile[] {
  const rank = ({ state }: WallTile): number => (isBlank ? 0 : TILE_STATES.indexOf(state));
  return [...tiles].sort((a, b) => rank(a) - rank(b) || compareNames(a.name, b.name) || compareNames(a.key, b.key));
}

const names = new Intl.Collator('en', { numeric: true });
function compareNames(a: string, b: string): number {
  return names.compare(a, b);
}

export function fieldOf(parts: FieldParts): WallField {
  const { environments, itself, face, columns, tileRows } = parts;
  const all = environments.map(({ id, name, summary }) => toTile(id, name, summary, parts));
  // The workspace's own operations have a tile only where something needs a person.
  if (ATTENTION.includes(tileStateOf(itself, face.at))) all.push(toTile(null, 'Workspace itself', itself, parts));
  const tiles = orderTiles(all, face.isBlank);
  const across = (count: number, down: number): number => Math.min(columns, Math.max(1, Math.ceil(count / down)));
  const field = { more: null, quiet: null, head: headOf(environments, face), columns: across(tiles.length, tileRows) };
  if (tiles.length === 0) return { ...field, layout: 'none', tiles };
  if (tiles.length === 1) return { ...field, layout: 'one', tiles };
  if (tiles.length <= columns * tileRows) return { ...field, layout: 'tiles', tiles };
  const many = manyOf(tiles, environments, parts);
  const places = many.tiles.length + (many.more === null ? 0 : 1);
  return { ...field, layout: 'many', ...many, columns: across(places, Math.max(1, tileRows - 1)) };
}

/** The last row is kept for what is said of the others. */
function manyOf(
  tiles: readonly WallTile[],
  environments: readonly WallEnvironment[],
  { face, now, columns, tileRows, rotateSeconds }: FieldParts
): Pick<WallField, 'tiles' | 'more' | 'quiet'> {
  const abnormal = face.isBlank ? [] : tiles.filter(({ mark }) => mark !== null);
  const others = tiles.filter((tile) => !abnormal.includes(tile));
  const room = Math.max(1, columns * Math.max(1, tileRows - 1));
  if (abnormal.length <= room) return { tiles: abnormal, more: null, quiet: quietOf(others, environments, face) };
  const shown = room - 1;
  const turns = Math.ceil(abnormal.length / shown);
  const turn = turnAt(now, turns, rotateSeconds);
  const inTurn = abnormal.slice(turn * shown, (turn + 1) * shown);
  const rest = abnormal.filter((tile) => !inTurn.includes(tile));
  const more = { count: rest.length, words: kindsInWords(rest) };
  return { tiles: inTurn, more, quiet: quietOf(others, environments, face) };
}

/** "4 failed, 3 stale", worst first */
function kindsInWords(tiles: readonly WallTile[]): string {
  return TILE_STATES.map((state) => ({ state, n: tiles.filter((tile) => tile.state === state).length }))
    .filter(({ n }) => n > 0)
    .map(({ state, n }) => `${n} ${state === 'unknown' ? 'not known' : state}`)
    .join(', ');
}

function quietOf(
  tiles: readonly WallTile[],
  environments: readonly WallEnvironment[],
  face: WallFace
): WallField['quiet'] {
  if (tiles.length === 0) return null;
  const keys = new Set(tiles.map(({ key }) => key));
  const never = tiles.filter(({ state }) => state === 'never').length;
  const count = tiles.length;
  if (face.isBlank) return { count, words: count === 1 ? 'environment' : 'environments', note: NOT_KNOWN };
  const active = environments.reduce((sum, { id, summary }) => {
    return sum + (keys.has(String(id)) ? (summary?.counts.active ?? 0) : 0);
  }, 0);
  const notes = [
    ...(active > 0 ? [`${toNumber(active)} active`] : []),
    ...(never > 0 ? [`${never} with no report yet`] : [])
  ];
  // The only calm words of the field, and only while it is proven.
  if (face.mayBeCalm && never < count) return { count, words: 'with nothing open', note: notes.join(', ') };
  if (never === count) return { count, words: 'with no report yet', note: '' };
  return { count, words: 'had nothing open', note: [`as of ${face.since}`, ...notes].join(', ') };
}

function headOf(environments: readonly WallEnvironment[], face: WallFace): string {
  if (face.isBlank) return NOT_KNOWN;
  if (face.isWithdrawn) return `as of ${face.since}`;
  const all = environments.length;
  if (all === 0) return '';
  const reporting = environments.filter(({ summary }) => {
    return !NOT_REPORTING.includes(tileStateOf(summary, face.at));
  }).length;
  return all === 1 ? toMany(1, 'environment', '') : `${reporting} of ${all} reporting`;
}
