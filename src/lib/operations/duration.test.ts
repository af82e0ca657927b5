/** Lengths of time at their edges, and input that is no length. */
import { describe, expect, it } from 'vitest';
import { toAge, toDuration, toSpan } from './duration.ts';

describe('duration in a column', () => {
  it.each([
    [0, '0 s'],
    [40, '0.1 s'],
    [999, '0.9 s'],
    [1_000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 m 00 s'],
    [80_000, '1 m 20 s'],
    [1_024_000, '17 m 04 s'],
    [3_599_999, '59 m 59 s'],
    [15_120_000, '4 h 12 m'],
    [90_000_000, '1 d 01 h']
  ])('writes %i ms as %s', (ms, words) => {
    expect(toDuration(ms)).toBe(words);
  });
  it('does not know what is missing, negative or no number', () => {
    expect([null, -1, Number.NaN, Number.POSITIVE_INFINITY].map(toDuration)).toEqual([null, null, null, null]);
  });
});

describe('span in a sentence', () => {
  it.each([
    [0, '0 s'],
    [8_400, '8 s'],
    [2_820_000, '47 min'],
    [3_600_000, '1 h'],
    [5_160_000, '1 h 26 m'],
    [86_400_000, '1 d'],
    [273_600_000, '3 d 4 h']
  ])('writes %i ms as %s', (ms, words) => {
    expect(toSpan(ms)).toBe(words);
  });
  it('does not know a negative span', () => {
    expect(toSpan(-5)).toBeNull();
  });
});

describe('age', () => {
  it.each([
    [0, 'now'],
    [999, 'now'],
    [4_000, '4 s ago'],
    [119_000, '1 min ago'],
    [46_800_000, '13 h ago'],
    [172_800_000, '2 d ago']
  ])('of %i ms is %s', (ms, words) => {
    expect(toAge(1_000_000, 1_000_000 + ms)).toBe(words);
  });
  it('is now where the clocks disagree: nothing happened in the future', () => {
    expect(toAge(5_000, 1_000)).toBe('now');
  });
});
