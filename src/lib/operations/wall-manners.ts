/**
 * What a screen does to last for years and to take turns, from the time alone: where the picture stands (so that no edge
 * burns in), and which part of a rotation is shown. Pure, and by the server's time, so that screens beside each other
 * agree and nothing drifts. Invariant: the picture never leaves its margin.
 */

export const SHIFT_EVERY_MS = 60_000;

/** Steps of a quarter unit, four to each side: sixteen places on the edge of a square, one after the other. */
const SIDE: readonly number[] = [-1, -0.5, 0, 0.5, 1];

export interface Shift {
  /** -1 … 1, parts of the margin that is kept for it */
  x: number;
  y: number;
}

/** Where the picture stands in this minute. It jumps; the same place comes again after 16 minutes. */
export function shiftAt(now: number): Shift {
  const place = Math.floor(now / SHIFT_EVERY_MS);
  const step = ((place % 16) + 16) % 16;
  const along = SIDE[step % 4]!;
  if (step < 4) return { x: along, y: -1 };
  if (step < 8) return { x: 1, y: along };
  if (step < 12) return { x: -along, y: 1 };
  return { x: -1, y: -along };
}

export const LEAST_TURN_SECONDS = 5;

/** Which of `count` parts has its turn. Without a rotation, or with one part, always the first. */
export function turnAt(now: number, count: number, seconds: number | null): number {
  if (count <= 1 || seconds === null || !(seconds > 0)) return 0;
  const turn = Math.floor(now / (Math.max(seconds, LEAST_TURN_SECONDS) * 1_000));
  return ((turn % count) + count) % count;
}

/** Until the server's clock turns to its next second. */
export function msToNextSecond(now: number): number {
  return 1_000 - (((now % 1_000) + 1_000) % 1_000);
}
