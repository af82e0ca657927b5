/**
 * How long to wait before trying again: doubling from 100 ms to 5 s, with full jitter in the upper half, so that nodes
 * that lost the same database do not return together. Pure: the random number is an argument.
 */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** Milliseconds before attempt `attempt` (from 0); `random` in [0, 1). */
export function backOff(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (ceiling / 2) * random;
}
