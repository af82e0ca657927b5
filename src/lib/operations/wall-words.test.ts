import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOT_KNOWN, toMany, toWallAge, toWallCount, toWallProgress } from './wall-words.ts';

describe('ages on the wall', () => {
  it.each([
    [0, '0 s'],
    [-400, '0 s'],
    [38_999, '38 s'],
    [42 * 60_000, '42 m'],
    [3_600_000 * 3.9, '3 h'],
    [86_400_000 * 26, '26 d'],
    [86_400_000 * 106, '15 w'],
    [null, NOT_KNOWN],
    [NaN, NOT_KNOWN],
    [Infinity, NOT_KNOWN]
  ])('%s ms is %s', (ms, words) => expect(toWallAge(ms)).toBe(words));

  it('have one unit and at most three digits, and never say more than has passed', () => {
    const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 * 365 * 86_400_000 }), (ms) => {
        const [, n, unit] = /^(\d{1,4}) ([smhdw])$/.exec(toWallAge(ms)) ?? [];
        expect(Number(n) * units[unit as keyof typeof units]).toBeLessThanOrEqual(ms);
      })
    );
  });
});

describe('counts on the wall', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1.0 k'],
    [1_290, '1.2 k'],
    [12_400, '12 k'],
    [999_999, '999 k'],
    [1_000_000, '1.0 M'],
    [null, NOT_KNOWN]
  ])('%s is %s', (n, words) => expect(toWallCount(n)).toBe(words));

  it('are at most five characters up to a billion, and never more than the count', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (n) => {
        const words = toWallCount(n);
        expect(words.length).toBeLessThanOrEqual(5);
        const factor = words.endsWith('k') ? 1_000 : words.endsWith('M') ? 1_000_000 : 1;
        expect(parseFloat(words) * factor).toBeLessThanOrEqual(n);
      })
    );
  });

  it('of progress stay exact until they are too wide', () => {
    expect(toWallProgress(3_180, 12_400)).toBe('3,180 of 12,400');
    expect(toWallProgress(120_400, 990_000)).toBe('120 k of 990 k');
  });

  it('have the plural of their noun', () => {
    expect([toMany(1, 'environment', 'environments'), toMany(7, 'environment', 'environments')]).toEqual([
      '1 environment',
      '7 environments'
    ]);
  });
});
