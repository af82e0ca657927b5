import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AT, ended, H, MIN, S, stale, TYPE_LABELS } from '../../../e2e/pictures/wall/rows.ts';
import type { OperationRow } from './operation.ts';
import { FLOOD_ABOVE, FLOOD_ENDS_BELOW } from './wall-data.ts';
import { floodOf, isFlood } from './wall-flood.ts';

const MOMENT = { at: AT, isFrozen: false, timeZone: 'UTC' };
const flood = (rows: readonly OperationRow[], counts: Partial<Record<'failed', number>> = {}) =>
  floodOf(
    rows,
    rows,
    { active: 0, stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: 0, ...counts },
    MOMENT,
    TYPE_LABELS
  );

describe('flood mode', () => {
  it('begins above ten new problems and ends below five', () => {
    expect([10, 11].map((n) => isFlood(false, n))).toEqual([false, true]);
    expect([5, 4].map((n) => isFlood(true, n))).toEqual([true, false]);
  });

  it('stays as it was while the number is not known', () => {
    expect([isFlood(true, null), isFlood(false, null)]).toEqual([true, false]);
  });

  it('does not flicker: between two changes the number has crossed from one limit to the other', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (numbers) => {
        let [is, changedAt] = [false, 0];
        for (const n of numbers) {
          const next = isFlood(is, n);
          if (next !== is) {
            if (changedAt !== 0) expect(Math.abs(n - changedAt)).toBeGreaterThan(FLOOD_ABOVE - FLOOD_ENDS_BELOW);
            changedAt = n;
          }
          is = next;
        }
      })
    );
  });
});

describe('what a flood consists of', () => {
  const ROWS = [
    ...Array.from({ length: 7 }, (_, at) =>
      ended((at % 3) + 1, 'failed', at * 10 * S, 'inventory.sync', 'Connection refused')
    ),
    ended(1, 'blocked', 8 * MIN, 'policy.sync', 'Consent missing'),
    stale(null, MIN, 'policy.snapshot'),
    { ...ended(4, 'failed', MIN, 'policy.sync', ''), failure: null }
  ];

  it('is summed up by cause, most first, with where and since when', () => {
    expect(flood(ROWS)).toMatchObject({
      count: 10,
      kind: 'failed',
      environments: 5,
      since: AT - 8 * MIN,
      causes: [
        { label: 'Connection refused', count: 7, environments: 3, since: AT - MIN },
        { label: 'Consent missing', count: 1 },
        { label: 'Policy snapshot silent', count: 1 },
        { label: 'Policy sync failed', count: 1 }
      ]
    });
  });

  it('says that there may be more where all rows of a list are new and the numbers know of others', () => {
    expect(flood(ROWS, { failed: 8 })).toMatchObject({ isMore: false });
    expect(flood(ROWS, { failed: 500 })).toMatchObject({ isMore: true });
    const [old, ...fresh] = [ended(9, 'failed', 3 * H, 'policy.sync', 'Old'), ...ROWS];
    expect(
      floodOf(
        fresh,
        [old, ...fresh],
        { active: 0, stale: 1, blocked: 1, failed: 500, partial: 0, succeeded: 0 },
        MOMENT,
        {}
      )
    ).toMatchObject({
      isMore: false
    });
  });

  it('is nothing where nothing is new or still open', () => {
    expect(flood([])).toBeNull();
    expect(flood([{ ...ROWS[0]!, reviewed: { at: AT, by: 'Brandt' } }])).toBeNull();
  });

  it('has causes that add up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.string(), fc.nat(600_000)), { minLength: 1 }),
        (all) => {
          const seen = flood(all.map(([id, message, age]) => ended(id, 'failed', age, 'inventory.sync', message)))!;
          expect(seen.causes.reduce((sum, { count }) => sum + count, 0)).toBe(seen.count);
          expect(Math.min(...seen.causes.map(({ since }) => since))).toBe(seen.since);
          expect(seen.causes.map(({ count }) => count)).toEqual(
            seen.causes.map(({ count }) => count).sort((a, b) => b - a)
          );
        }
      )
    );
  });
});
