/**
 * An operation beside the last success of its kind: what differs, in the order in which it is read, and what is the same
 * as one sentence. Pure. Invariants: what either did not report is unknown ("–"), never zero, and has no difference; a
 * difference agrees with the two values that are shown beside it.
 */
import { toDuration } from './duration.ts';
import { SUMMARY_KEYS, type OperationRow } from './operation.ts';
import { toNumber, type Moment } from './wording.ts';

export interface ComparedValue {
  name: string;
  this: string;
  last: string;
  /** signed; "–" where there is none */
  difference: string;
}

export interface Comparison {
  differs: ComparedValue[];
  /** "The same in both: total (412), initiator (System)."; null where nothing is */
  same: string | null;
}

const UNKNOWN = '–';
const MINUS = '−';
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

export function compareWithSuccess(row: OperationRow, last: OperationRow, moment: Moment): Comparison {
  const differs: ComparedValue[] = [];
  const same: string[] = [];
  const add = (name: string, here: string | null, there: string | null, difference: string | null): void => {
    if (here === null && there === null) return;
    if (here !== null && here === there) same.push(`${name.toLowerCase()} (${here})`);
    else differs.push({ name, this: here ?? UNKNOWN, last: there ?? UNKNOWN, difference: difference ?? UNKNOWN });
  };

  const took = tookOf(row, moment);
  const lastTook = tookOf(last, moment);
  const isOver = row.status === 'completed';
  // What still runs has no duration to compare yet, unless it already takes longer.
  const isComparable = took !== null && lastTook !== null && (isOver || took > lastTook);
  add(
    isOver ? 'Duration' : 'Duration so far',
    toDuration(took),
    toDuration(lastTook),
    isComparable ? spanDifference(took, lastTook) : null
  );
  for (const key of SUMMARY_KEYS) {
    const [here, there] = [row.counts[key], last.counts[key]];
    add(
      key.charAt(0).toUpperCase() + key.slice(1),
      here === undefined ? null : toNumber(here),
      there === undefined ? null : toNumber(there),
      here === undefined || there === undefined ? null : signed(here - there, toNumber)
    );
  }
  add('Initiator', row.initiator, last.initiator, 'differs');
  return { differs, same: same.length > 0 ? `The same in both: ${same.join(', ')}.` : null };
}

/** Milliseconds from start to end, or so far; null while that has no proof. */
function tookOf(row: OperationRow, { at, isFrozen }: Moment): number | null {
  const end = row.status === 'completed' ? row.completedAt : isFrozen ? null : at;
  if (row.startedAt === null || end === null || end < row.startedAt) return null;
  return end - row.startedAt;
}

/** Cut to what the longer of the two shows, so that the three lengths add up as they stand. */
function spanDifference(a: number, b: number): string {
  const longest = Math.max(a, b);
  const unit = longest >= 24 * HOUR ? HOUR : longest >= HOUR ? 60 * SECOND : longest >= SECOND ? SECOND : 1;
  const cut = (ms: number): number => Math.floor(ms / unit) * unit;
  return signed(cut(a) - cut(b), (ms) => toDuration(ms) ?? UNKNOWN);
}

function signed(n: number, write: (n: number) => string): string {
  return n === 0 ? write(0) : `${n > 0 ? '+' : MINUS}${write(Math.abs(n))}`;
}
