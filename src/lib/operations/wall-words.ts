/**
 * Numbers and ages as the wall writes them: short, in one unit, of a width that hardly changes, because they are read
 * from across a room. Pure. Invariants: what is not known is an em dash, never zero; an age is rounded down, so it never
 * says more than has passed.
 */
import { toNumber } from './wording.ts';

/** Of a value that nobody knows. */
export const NOT_KNOWN = '—';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** From here on weeks: two digits say enough. */
const DAYS_UNTIL_WEEKS = 100;

/** "38 s", "42 m", "3 h", "26 d", "15 w". A clock that disagrees by a little reads as now: "0 s". */
export function toWallAge(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return NOT_KNOWN;
  const age = Math.max(ms, 0);
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} m`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h`;
  if (age < DAYS_UNTIL_WEEKS * DAY) return `${Math.floor(age / DAY)} d`;
  return `${Math.floor(age / WEEK)} w`;
}

/** "7", "412", "1.2 k", "12 k", "990 k", "1.2 M": at most three digits. Rounded down. */
export function toWallCount(n: number | null): string {
  if (n === null || !Number.isFinite(n)) return NOT_KNOWN;
  if (n < 1_000) return String(Math.floor(n));
  const [unit, word] = n < 1_000_000 ? [1_000, 'k'] : n < 1_000_000_000 ? [1_000_000, 'M'] : [1_000_000_000, 'G'];
  const scaled = n / unit;
  if (scaled >= 1_000) return `${toNumber(Math.floor(scaled))} ${word}`;
  return `${scaled < 10 ? (Math.floor(scaled * 10) / 10).toFixed(1) : Math.floor(scaled)} ${word}`;
}

/** From here on exact counts are wider than a cell. */
const EXACT_BELOW = 100_000;

/** "3,180 of 12,400", "120 k of 990 k" */
export function toWallProgress(processed: number, total: number): string {
  return total < EXACT_BELOW
    ? `${toNumber(processed)} of ${toNumber(total)}`
    : `${toWallCount(processed)} of ${toWallCount(total)}`;
}

/** "one environment", "7 environments" */
export function toMany(n: number, one: string, several: string): string {
  return n === 1 ? `1 ${one}` : `${toNumber(n)} ${several}`;
}
