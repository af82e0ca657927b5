/** When a wall loads itself again, and when it must not. */
import { beforeEach, describe, expect, it } from 'vitest';
import { JITTER_MS, LEAST_AGE_MS, openRenewal, renewalDelay, type Renewal } from './renewal.ts';

const MINUTE = 60_000;
const old = { pageAgeMs: 3_600_000, now: 1_000_000_000, loads: [] as number[] };

describe('the delay', () => {
  it('spreads walls over a minute for a version, and makes none for a person', () => {
    expect(renewalDelay('version', old, 0)).toBe(0);
    expect(renewalDelay('version', old, 0.999)).toBeGreaterThan(0.99 * JITTER_MS);
    expect(renewalDelay('version', old, 0.999)).toBeLessThan(JITTER_MS);
    expect(renewalDelay('asked', old, 0.999)).toBe(0);
  });

  it('waits until the page is a minute old, whoever asks and whatever the clock says', () => {
    for (const now of [0, old.now, 9e12])
      for (const reason of ['version', 'asked'] as const)
        expect(renewalDelay(reason, { ...old, now, pageAgeMs: 10_000 }, 0)).toBe(LEAST_AGE_MS - 10_000);
  });

  it('grows with loads that did not help, up to a quarter of an hour, and forgets those of another day', () => {
    const after = (...agoMinutes: number[]): number =>
      renewalDelay('version', { ...old, loads: agoMinutes.map((ago) => old.now - ago * MINUTE) }, 0) / MINUTE;
    expect(after(1)).toBe(0);
    expect(after(3, 1)).toBe(1);
    expect(after(7, 3, 1)).toBe(3);
    expect(after(50, 40, 30, 20, 10, 5, 1)).toBe(14);
    expect(after(70, 65, 1)).toBe(0);
  });

  it('is not kept by a clock that was set back', () => {
    expect(renewalDelay('version', { ...old, loads: [old.now + 5 * MINUTE] }, 0)).toBe(0);
  });
});

describe('a renewal', () => {
  let timers: { ms: number; run: () => void }[] = [];
  let [isReady, isAnother, loads, kept] = [true, true, 0, 0];
  let state = old;
  let renewal: Renewal;
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) await Promise.resolve();
  };
  const fire = async (): Promise<number> => {
    const timer = timers.shift();
    timer?.run();
    await settle();
    return timer?.ms ?? -1;
  };
  beforeEach(() => {
    timers = [];
    [isReady, isAnother, loads, kept, state] = [true, true, 0, 0, old];
    renewal = openRenewal({
      after: (ms, run) => {
        const timer = { ms, run };
        timers.push(timer);
        return () => (timers = timers.filter((one) => one !== timer));
      },
      random: () => 0.5,
      state: () => state,
      isReady: () => (isReady ? Promise.resolve(true) : Promise.reject(new Error('away'))),
      isAnother: () => Promise.resolve(isAnother),
      keepLoad: () => (kept += 1),
      load: () => (loads += 1)
    });
  });

  it('loads once, after its jitter, however often it is told', async () => {
    for (let n = 0; n < 5; n++) renewal.due('version');
    expect(timers.map(({ ms }) => ms)).toEqual([30_000]);
    await fire();
    expect([loads, kept]).toEqual([1, 1]);
  });

  it('never loads while the server is not ready, and goes on looking', async () => {
    isReady = false;
    renewal.due('version');
    for (let n = 0; n < 50; n++) await fire();
    expect([loads, timers.length]).toEqual([0, 1]);
    isReady = true;
    await fire();
    expect(loads).toBe(1);
  });

  it('does not load for a version that the server does not give', async () => {
    isAnother = false;
    renewal.due('version');
    await fire();
    expect([loads, timers.length]).toEqual([0, 0]);
  });

  it('loads for a person although the version is the same, and before a version’s jitter is over', async () => {
    isAnother = false;
    renewal.due('version');
    renewal.due('asked');
    renewal.due('version');
    expect(await fire()).toBe(0);
    expect([loads, kept, timers.length]).toEqual([1, 0, 0]);
  });

  it('does nothing once it is closed', async () => {
    renewal.due('version');
    renewal.close();
    renewal.due('asked');
    expect(await fire()).toBe(-1);
    expect(loads).toBe(0);
  });
});
