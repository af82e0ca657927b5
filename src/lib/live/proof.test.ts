/** The stamp says no more than the evidence proves. */
import { describe, expect, it } from 'vitest';
import { toStamp, type Evidence } from './proof.ts';

const SOUND: Evidence = {
  proofAt: 100_000,
  latestNow: 100_400,
  likelyNow: 100_300,
  caughtUp: true,
  everCaughtUp: true,
  catchingUp: false,
  overHttp: false,
  link: null,
  retryInMs: null
};
const aged = (ageMs: number): Evidence => ({ ...SOUND, latestNow: 100_000 + ageMs, likelyNow: 100_000 + ageMs });

describe('the freshness stamp', () => {
  it.each([
    [0, 'live'],
    [4_999, 'live'],
    [5_000, 'reconnecting'],
    [9_999, 'reconnecting'],
    [10_000, 'stale'],
    [59_999, 'stale'],
    [60_000, 'no_data']
  ] as const)('reads a caught-up proof of %d ms as %s', (ageMs, state) => {
    expect(toStamp(aged(ageMs)).state).toBe(state);
  });

  it('is never live while catching up, and never without a measured clock', () => {
    expect(toStamp({ ...SOUND, caughtUp: false, catchingUp: true }).state).toBe('reconnecting');
    expect(toStamp({ ...SOUND, latestNow: null }).state).toBe('reconnecting');
  });

  it('is connecting before the first catch-up, and stale even then once the page is 10 s old', () => {
    const first = { caughtUp: false, everCaughtUp: false };
    expect(toStamp({ ...SOUND, ...first }).state).toBe('connecting');
    expect(toStamp({ ...aged(12_000), ...first })).toMatchObject({ state: 'stale', staleSince: 100_000 });
  });

  it('blames the browser’s link when ticks stay out, and the link that the server named otherwise', () => {
    expect(toStamp(aged(6_000)).link).toBe('browser');
    expect(toStamp({ ...aged(6_000), caughtUp: false, link: 'listener' }).link).toBe('listener');
    expect(toStamp(SOUND).link).toBeNull();
  });
});
