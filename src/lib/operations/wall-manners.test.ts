import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { msToNextSecond, shiftAt, SHIFT_EVERY_MS, turnAt } from './wall-manners.ts';

const times = fc.integer({ min: -1e13, max: 1e13 });

describe('the pixel shift', () => {
  it('takes sixteen places, one a minute, and stays on the edge of its margin', () => {
    const places = Array.from({ length: 16 }, (_, n) => shiftAt(n * SHIFT_EVERY_MS));
    expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(16);
    for (const { x, y } of places) expect(Math.max(Math.abs(x), Math.abs(y))).toBe(1);
  });

  it('moves by one step a minute, and never within it', () => {
    fc.assert(
      fc.property(times, (now) => {
        const minute = Math.floor(now / SHIFT_EVERY_MS) * SHIFT_EVERY_MS;
        const [here, late, next] = [minute, minute + SHIFT_EVERY_MS - 1, minute + SHIFT_EVERY_MS].map(shiftAt);
        expect(late).toEqual(here);
        expect(Math.abs(next!.x - here!.x) + Math.abs(next!.y - here!.y)).toBe(0.5);
      })
    );
  });
});

describe('turns', () => {
  it('go round, each as long as it was set, and agree on every screen', () => {
    const turns = Array.from({ length: 7 }, (_, n) => turnAt(n * 20_000, 3, 20));
    expect(turns).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(turnAt(19_999, 3, 20)).toBe(0);
  });

  it('stay at the first without a rotation, and are within what there is', () => {
    expect([turnAt(5e6, 3, null), turnAt(5e6, 1, 20), turnAt(5e6, 0, 20), turnAt(5e6, 3, 0)]).toEqual([0, 0, 0, 0]);
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: -10, max: 1_000, noNaN: true }),
        (now, count, seconds) => {
          const turn = turnAt(now, count, seconds);
          expect(turn).toBeGreaterThanOrEqual(0);
          expect(turn).toBeLessThan(count);
        }
      )
    );
  });
});

describe('the clock', () => {
  it('turns with the second, from wherever it is', () => {
    expect([0, 1, 999, -1].map(msToNextSecond)).toEqual([1_000, 999, 1, 1]);
    fc.assert(
      fc.property(times, (now) => {
        const left = msToNextSecond(now);
        expect(left > 0 && left <= 1_000).toBe(true);
        expect(Math.abs((now + left) % 1_000)).toBe(0);
      })
    );
  });
});
