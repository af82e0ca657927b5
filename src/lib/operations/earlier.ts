/**
 * An operation among the ones of its kind before it: a strip of bars (duration) with marks (outcome), oldest first, this
 * one last. Pure; the rows were read by server/operations/detail.ts. Invariant: a bar stands only for a duration that is
 * known; an end without one has a mark and no bar.
 */
import { badgeOf, BADGE_WORDS, type BadgeKind } from './badge.ts';
import { toDuration } from './duration.ts';
import type { OperationRow } from './operation.ts';
import { toMoment } from './time.ts';
import type { Moment } from './wording.ts';

/** Bars of the strip, this one with them. */
export const BARS_SHOWN = 30;
export const BAR_HEIGHT = 48;
/** What took no time at all is still seen. */
const LEAST_HEIGHT = 2;

export interface HistoryBar {
  id: number;
  kind: BadgeKind;
  /** pixels; null where the duration is not known */
  height: number | null;
  /** "15 Nov, 08:41: succeeded after 4 m 23 s" */
  name: string;
  isThis: boolean;
}

export interface History {
  bars: HistoryBar[];
  /** "24 succeeded, 2 partial, 2 failed" */
  tally: string;
  /** the longest of them in words; null where none is known */
  longest: string | null;
}

const ORDER: readonly BadgeKind[] = [
  'succeeded',
  'partial',
  'failed',
  'blocked',
  'cancelled',
  'running',
  'queued',
  'stale',
  'unknown'
];

/** `earlier` as read: newest first. */
export function historyOf(row: OperationRow, earlier: readonly OperationRow[], moment: Moment): History {
  const rows = [row, ...earlier.slice(0, BARS_SHOWN - 1)].reverse();
  const entries = rows.map((each) => ({ each, kind: badgeOf(each, moment.at), took: tookOf(each, moment) }));
  const longest = Math.max(0, ...entries.map(({ took }) => took ?? 0));
  const tally = ORDER.flatMap((kind) => {
    const n = entries.filter((entry) => entry.kind === kind).length;
    return n > 0 ? [`${n} ${BADGE_WORDS[kind].toLowerCase()}`] : [];
  });
  return {
    bars: entries.map(({ each, kind, took }) => ({
      id: each.id,
      kind,
      height: took === null ? null : heightOf(took, longest),
      name: nameOf(each, kind, took, moment),
      isThis: each.id === row.id
    })),
    tally: tally.join(', '),
    longest: longest > 0 ? toDuration(longest) : null
  };
}

/** Root scale: the short ones stay readable beside one that took a hundred times as long. */
function heightOf(took: number, longest: number): number {
  const share = longest > 0 ? Math.sqrt(took / longest) : 0;
  return Math.max(LEAST_HEIGHT, Math.round(BAR_HEIGHT * share));
}

/** Milliseconds; of active work only while its feed has proof and it is not silent. */
function tookOf(row: OperationRow, { at, isFrozen }: Moment): number | null {
  const isMoving = badgeOf(row, at) === 'running' && !isFrozen;
  const end = row.status === 'completed' ? row.completedAt : isMoving ? at : null;
  return row.startedAt === null || end === null || end < row.startedAt ? null : end - row.startedAt;
}

function nameOf(row: OperationRow, kind: BadgeKind, took: number | null, { at, timeZone }: Moment): string {
  const word = BADGE_WORDS[kind].toLowerCase();
  const length = toDuration(took);
  const after = length === null ? '' : row.status === 'completed' ? ` after ${length}` : ` for ${length}`;
  return `${toMoment(row.createdAt, at, timeZone)}: ${word}${after}`;
}
