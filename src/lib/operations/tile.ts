/**
 * An environment's tile on the overview: the worst of its states, one reason, its facts, and where it stands among the
 * others. Pure wording and order over a `Summary`; the instant is an argument. Invariants: the worst state wins; what is
 * not known is said as such, never as zero; without proof no word here is calm.
 */
import { BADGE_WORDS } from './badge.ts';
import { toAge, toSpan } from './duration.ts';
import { attentionKindOf, type AttentionKind } from './problem.ts';
import { silentFor, type Summary } from './summary.ts';
import { toClock, toMoment } from './time.ts';
import { labelOf, resultOf, toNumber, type Moment } from './wording.ts';

/** From the worst to the calmest. `unknown`: no numbers are there (yet); it must not look calm. */
export const TILE_STATES = ['blocked', 'failed', 'stale', 'partial', 'silent', 'never', 'unknown', 'calm'] as const;
export type TileState = (typeof TILE_STATES)[number];

const ATTENTION = ['blocked', 'failed', 'stale', 'partial'] as const satisfies readonly AttentionKind[];

export const TILE_ORDERS = ['worst', 'name'] as const;
export type TileOrder = (typeof TILE_ORDERS)[number];

/** `order` of the address; the default is never written there. Undefined for what it cannot be. */
export function parseTileOrder(text: string | null): TileOrder | undefined {
  return text === null ? 'worst' : TILE_ORDERS.find((order) => order === text);
}

export function tileStateOf(summary: Summary | null, at: number): TileState {
  if (summary === null) return 'unknown';
  const worst = ATTENTION.find((kind) => summary.counts[kind] > 0);
  if (worst) return worst;
  if (summary.lastReportAt === null) return 'never';
  return silentFor(summary, at) === null ? 'calm' : 'silent';
}

/** Worst first; within a state as given, which is by name. */
export function sortTiles<T extends { state: TileState }>(tiles: readonly T[], order: TileOrder): T[] {
  if (order === 'name') return [...tiles];
  return [...tiles].sort((a, b) => TILE_STATES.indexOf(a.state) - TILE_STATES.indexOf(b.state));
}

/** The order that stays while someone points at a tile: what is there keeps its place, what is new comes last. */
export function holdOrder<T extends { id: number }>(wanted: readonly T[], held: readonly number[] | null): T[] {
  if (held === null) return [...wanted];
  const places = new Map(held.map((id, place) => [id, place]));
  const placeOf = ({ id }: T): number => places.get(id) ?? held.length;
  return [...wanted].sort((a, b) => placeOf(a) - placeOf(b));
}

export interface TileWords {
  state: TileState;
  /** beside its mark; null where there is nothing to mark */
  word: string | null;
  reason: string;
}

/** `addedAt` is null for the workspace's own operations, which have no beginning. */
export function tileWords(
  summary: Summary | null,
  moment: Moment,
  typeLabels: Readonly<Record<string, string>>,
  addedAt: number | null
): TileWords {
  const state = tileStateOf(summary, moment.at);
  switch (state) {
    case 'blocked':
    case 'failed':
    case 'stale':
    case 'partial':
      return { state, word: BADGE_WORDS[state], reason: attentionReason(summary!, state, moment, typeLabels) };
    case 'silent':
      return { state, word: 'Source silent', reason: silenceReason(summary!, moment) };
    case 'never':
      return { state, word: 'No report yet', reason: addedAt === null ? '' : toAdded(addedAt, moment) };
    case 'unknown':
      return { state, word: null, reason: 'Not known' };
    case 'calm':
      return { state, word: null, reason: moment.isFrozen ? 'Not known' : 'No open follow-up' };
  }
}

/** "Policy sync ×3: Provider limited the requests", of the newest of the first cause. */
function attentionReason(
  { counts, groups }: Summary,
  kind: AttentionKind,
  moment: Moment,
  typeLabels: Readonly<Record<string, string>>
): string {
  const group = groups.find(({ row }) => attentionKindOf(row, moment.at) === kind);
  if (!group) return counts[kind] === 1 ? 'One operation' : `${toNumber(counts[kind])} operations`;
  const label = labelOf(group.row.type, typeLabels);
  const { text } = resultOf(group.row, moment);
  // What was reported stands as it was reported; words of our own go on in the sentence.
  const reason = text === group.row.failure?.message?.trim() ? text : text.charAt(0).toLowerCase() + text.slice(1);
  return `${label}${group.count > 1 ? ` ×${toNumber(group.count)}` : ''}: ${reason}`;
}

const MINUTE = 60_000;
/** A source is silent after three times its longest gap (PRODUCT 4.1), so a third of the limit is what is usual. */
const GAPS_UNTIL_SILENT = 3;

/** "Nothing for 3 h 10 m, usually within 20 min"; without proof "Nothing since 06:04:02, …". */
function silenceReason({ lastReportAt, silentAfterMs }: Summary, { at, isFrozen, timeZone }: Moment): string {
  const span = toSpan(at - lastReportAt!);
  const length = isFrozen || span === null ? `since ${toMoment(lastReportAt!, at, timeZone)}` : `for ${span}`;
  // Rounded up: "usually within" must be true of every gap.
  const usual = toSpan(Math.ceil(silentAfterMs! / GAPS_UNTIL_SILENT / MINUTE) * MINUTE);
  return `Nothing ${length}, usually within ${usual}`;
}

function toAdded(addedAt: number, { at, timeZone }: Moment): string {
  const moment = toMoment(addedAt, at, timeZone);
  return moment === toClock(addedAt, timeZone) ? `Added at ${moment}` : `Added on ${moment}`;
}

export interface TileFacts {
  /** null = not known */
  active: number | null;
  /** open follow-ups: what the strip counts as blocked, failed and partial */
  open: number | null;
  last: string;
}

export function tileFacts(summary: Summary | null, { at, isFrozen, timeZone }: Moment): TileFacts {
  if (summary === null) return { active: null, open: null, last: 'last report –' };
  const { counts, lastReportAt } = summary;
  if (lastReportAt === null) return { active: null, open: null, last: 'no report' };
  const open = counts.blocked + counts.failed + counts.partial;
  if (!isFrozen) return { active: counts.active, open, last: `last report ${toAge(lastReportAt, at)}` };
  // A zero is a calm word, too: without proof there may be some by now.
  const last = `last report ${toMoment(lastReportAt, at, timeZone)}`;
  return { active: counts.active || null, open: open || null, last };
}

/** "12 environments" */
export function fleetTitle(count: number): string {
  if (count === 0) return 'No environments';
  return count === 1 ? '1 environment' : `${toNumber(count)} environments`;
}

/** How the environments stand, in one sentence; null without any. Without proof in the past, and without a calm word. */
export function fleetSentence(states: readonly TileState[], { at, isFrozen, timeZone }: Moment): string | null {
  const all = states.length;
  if (all === 0) return null;
  const count = (...of: TileState[]): number => states.filter((state) => of.includes(state)).length;
  const [attention, silent, never, calm] = [count(...ATTENTION), count('silent'), count('never'), count('calm')];
  if (isFrozen)
    return `As of ${toClock(at, timeZone)}: ${toList([
      [attention, 'needed attention', 'needed attention'],
      [silent, 'was silent', 'were silent'],
      [never, 'had not reported yet', 'had not reported yet'],
      [calm + count('unknown'), 'is not known now', 'are not known now']
    ])}.`;
  if (calm === all) return all === 1 ? 'It has nothing open.' : 'None has anything open.';
  if (never === all) return all === 1 ? 'It has not reported yet.' : 'None has reported yet.';
  return `${toList([
    [attention, 'needs attention', 'need attention'],
    [silent, 'is silent', 'are silent'],
    [never, 'has not reported yet', 'have not reported yet'],
    [count('unknown'), 'is not known', 'are not known'],
    [calm, 'has nothing open', 'have nothing open']
  ])}.`;
}

function toList(phrases: [count: number, one: string, several: string][]): string {
  return phrases
    .filter(([n]) => n > 0)
    .map(([n, one, several]) => `${toNumber(n)} ${n === 1 ? one : several}`)
    .join(', ');
}
