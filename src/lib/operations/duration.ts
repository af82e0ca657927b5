/**
 * Lengths of time as words, in two roles: exact for columns that are compared ("1 m 20 s", "17 m 04 s"), rounded down for
 * sentences and ages ("47 min", "1 h 26 m"). Input in milliseconds; what is missing, negative or not a number is null,
 * and a caller shows it as unknown ("–"), never as zero.
 */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function isLength(ms: number | null): ms is number {
  return ms !== null && Number.isFinite(ms) && ms >= 0;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** For a column: tenths below ten seconds only where they are all there is, then two units, the smaller on two places. */
export function toDuration(ms: number | null): string | null {
  if (!isLength(ms)) return null;
  if (ms > 0 && ms < SECOND) return `0.${Math.max(1, Math.floor(ms / 100))} s`;
  const seconds = Math.floor(ms / SECOND);
  if (ms < MINUTE) return `${seconds} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m ${two(seconds % 60)} s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor(ms / MINUTE) % 60)} m`;
  return `${Math.floor(ms / DAY)} d ${two(Math.floor(ms / HOUR) % 24)} h`;
}

/** For a sentence: "8 s", "47 min", "1 h 26 m", "3 d 4 h"; a whole number of the larger unit stands alone. */
export function toSpan(ms: number | null): string | null {
  if (!isLength(ms)) return null;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  const minutes = Math.floor(ms / MINUTE) % 60;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h${minutes ? ` ${minutes} m` : ''}`;
  const hours = Math.floor(ms / HOUR) % 24;
  return `${Math.floor(ms / DAY)} d${hours ? ` ${hours} h` : ''}`;
}

/** The age of an instant in one unit ("4 s ago", "13 h ago"); "now" for less than a second and for clocks that disagree. */
export function toAge(instant: number, at: number): string {
  const ms = at - instant;
  if (!Number.isFinite(ms) || ms < SECOND) return 'now';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}
