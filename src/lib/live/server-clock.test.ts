/** The database's present is never under-estimated: with random delays, sleeps, drifting and set clocks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  heardProof,
  isMeasureDue,
  latestNow,
  likelyNow,
  measured,
  observe,
  openClock,
  type Moment
} from './server-clock.ts';

const at = (ms: number, wallAhead = 0): Moment => ({ mono: ms, wall: ms + wallAhead });

describe('the server’s clock', () => {
  it('knows nothing before the first answer, and guesses for words only', () => {
    const clock = openClock(50_000, at(1_000));
    expect(latestNow(clock, at(2_000))).toBeNull();
    expect(likelyNow(clock, at(2_000))).toBe(51_000);
  });

  it('keeps the tightest of its bounds', () => {
    const loose = measured(openClock(0, at(0)), 100_000, at(0), at(3_000));
    const tight = measured(loose, 103_010, at(3_010), at(3_020));
    const after = measured(tight, 104_000, at(3_030), at(5_000));
    expect(latestNow(after, at(5_000))).toBeCloseTo(105_000, -1);
  });

  it('has no bound after a local clock jumped by more than 2 s, until it is measured again', () => {
    const clock = measured(openClock(0, at(0)), 100_000, at(0), at(10));
    const slept = observe(clock, at(1_000, 2_500));
    expect(latestNow(slept, at(1_000, 2_500))).toBeNull();
    expect(isMeasureDue(slept, 0, at(1_000, 2_500))).toBe(true);
  });

  it('drops a bound that a proof from the future contradicts: the database’s clock was set forward', () => {
    const clock = measured(openClock(0, at(0)), 100_000, at(0), at(10));
    expect(latestNow(heardProof(clock, 100_005, at(10)), at(10))).not.toBeNull();
    expect(latestNow(heardProof(clock, 160_000, at(10)), at(10))).toBeNull();
  });

  it('counts a short sleep also when the wall clock is set back by as much afterwards', () => {
    // Found by the property below (seed -304449606).
    const clock = measured(openClock(0, at(0)), 100_000, at(0), at(0));
    const slept = observe(clock, { mono: 0, wall: 900 });
    const setBack = observe(slept, { mono: 0, wall: 0 });
    expect(latestNow(setBack, { mono: 0, wall: 0 })).toBeGreaterThanOrEqual(100_900);
  });

  it('is never behind the database, whatever delays, sleeps, drifts and set clocks do', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({ do: fc.constant('sleep' as const), ms: fc.integer({ min: 1, max: 100_000 }) }),
      fc.record({ do: fc.constant('set' as const), ms: fc.integer({ min: -100_000, max: 100_000 }) }),
      fc.record({ do: fc.constant('measure' as const), ms: fc.integer({ min: 0, max: 9_000 }) })
    );
    const drift = fc.double({ min: -0.0005, max: 0.0005, noNaN: true });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), drift, (steps, slow) => {
        let [now, slept, set] = [1_000_000, 0, 0];
        const moment = (): Moment => ({ mono: (now - slept) * (1 - slow), wall: now + set });
        let clock = openClock(now, moment());
        const look = (): void => {
          clock = observe(clock, moment());
          const latest = latestNow(clock, moment());
          if (latest !== null) expect(latest - now).toBeGreaterThanOrEqual(-0.001);
        };
        for (const { do: what, ms } of steps) {
          if (what === 'wait') now += ms;
          if (what === 'sleep') [now, slept] = [now + ms, slept + ms];
          if (what === 'set') set += ms;
          if (what === 'measure') {
            const asked = moment();
            now += ms;
            const answer = now; // read anywhere between asking and hearing
            now += ms / 3;
            clock = measured(clock, answer, asked, moment());
          }
          look(); // the ticker looks each second, so a set clock is seen before the next sleep
        }
      }),
      { numRuns: 3_000 }
    );
  }, 60_000);
});
