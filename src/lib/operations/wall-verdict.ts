/**
 * The verdict: the first thing read on the wall. How many follow-ups of which kind, and since when; or, only while the feed
 * is live and the sources speak, that there is none, with the basis of saying so. Pure. Invariants: no calm word without
 * proof; missing numbers are said to be missing, never shown as none.
 */
import { BADGE_WORDS } from './badge.ts';
import type { OperationRow } from './operation.ts';
import { attentionKindOf, attentionSince, type AttentionKind } from './problem.ts';
import type { Summary } from './summary.ts';
import type { WallHour } from './wall-data.ts';
import type { WallFace } from './wall-face.ts';
import { toWallAge, toWallCount } from './wall-words.ts';
import { toNumber } from './wording.ts';

export interface VerdictCount {
  kind: AttentionKind;
  count: string;
  digits: number;
  word: string;
  /** of the oldest; null unless all of them are in sight */
  age: string | null;
}

export type Verdict =
  | { kind: 'counts'; counts: VerdictCount[]; digits: 1 | 2 | 3 }
  /** a sentence and its basis; `isCalm` only where nothing is open and that is proven */
  | { kind: 'sentence'; text: string; basis: string; isCalm: boolean };

const KINDS = ['blocked', 'failed', 'stale', 'partial'] as const satisfies readonly AttentionKind[];

export interface VerdictParts {
  total: Summary | null;
  /** all follow-ups in sight */
  rows: readonly OperationRow[];
  hours: readonly WallHour[];
  face: WallFace;
  withheld: boolean;
}

export function verdictOfWall({ total, rows, hours, face, withheld }: VerdictParts): Verdict {
  const say = (text: string, basis: string, isCalm = false): Verdict => ({ kind: 'sentence', text, basis, isCalm });
  if (withheld) return say('Access changed', 'reading what this display may see');
  if (total === null) return say('Not known yet', 'the numbers are being read');
  const present = KINDS.filter((kind) => total.counts[kind] > 0);
  if (present.length > 0) {
    const counts = present.map((kind) => toCount(kind, total.counts[kind], rows, face));
    return { kind: 'counts', counts, digits: Math.max(...counts.map(({ digits }) => digits)) as 1 | 2 | 3 };
  }
  if (!face.mayBeCalm) {
    const asOf = face.state === 'silent' ? `Silent for ${face.age}` : `As of ${face.since}`;
    return say(asOf, total.lastReportAt === null ? 'nothing had been reported' : 'no open follow-up was known');
  }
  if (total.lastReportAt === null) return say('Nothing reported', 'yet; the feed itself is live');
  return say('No open follow-up', basisOf(total, hours), true);
}

/** "5 active, 1,204 finished in 24 h": what the calm sentence rests on. */
function basisOf({ counts }: Summary, hours: readonly WallHour[]): string {
  const finished = hours.reduce((sum, { completed }) => sum + completed, 0);
  return `${toNumber(counts.active)} active, ${toNumber(finished)} finished in 24 h`;
}

function toCount(kind: AttentionKind, count: number, rows: readonly OperationRow[], { at }: WallFace): VerdictCount {
  const known = rows.filter((row) => attentionKindOf(row, at) === kind);
  const oldest = Math.min(...known.map((row) => attentionSince(row, at)));
  const text = toWallCount(count);
  return {
    kind,
    count: text,
    digits: text.length > 2 ? 3 : text.length,
    word: BADGE_WORDS[kind],
    age: known.length >= count ? toWallAge(at - oldest) : null
  };
}
