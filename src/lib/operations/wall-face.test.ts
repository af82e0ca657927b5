import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedStamp } from './stamp-wording.ts';
import { curtainMs, faceOf, recordProof, toldOf, type Proofs } from './wall-face.ts';

const NOW = Date.UTC(2026, 10, 23, 8, 14, 41);
const LIVE: FeedStamp = {
  state: 'live',
  ageMs: 2_000,
  staleSince: null,
  link: null,
  catchingUp: false,
  retryInMs: null
};
const lost = (state: 'stale' | 'no_data', ageMs: number, link: FeedStamp['link'] = 'browser'): FeedStamp => ({
  ...LIVE,
  state,
  ageMs,
  staleSince: NOW - ageMs,
  link
});
const face = (stamp: FeedStamp, silentMs: number | null = null) =>
  faceOf({ stamp, readAt: NOW - 2_000, now: NOW, silentMs, timeZone: 'Europe/Berlin' });

describe('what the wall may show in each state of the stamp', () => {
  it('live: calm may be said, ages grow', () => {
    expect(face(LIVE)).toMatchObject({ state: 'live', word: 'Live', age: '2 s', mayBeCalm: true, at: NOW });
  });

  it('reconnecting and catching up: nothing is calm, colours stay', () => {
    const reconnecting = { ...LIVE, state: 'reconnecting', ageMs: 7_000 } as const;
    expect(face(reconnecting)).toMatchObject({
      word: 'Reconnecting',
      age: '7 s',
      mayBeCalm: false,
      isWithdrawn: false
    });
    expect(face({ ...reconnecting, catchingUp: true }).word).toBe('Catching up');
  });

  it('connecting: as of the page, not calm', () => {
    expect(face({ ...LIVE, state: 'connecting', ageMs: null })).toMatchObject({
      state: 'connecting',
      since: '09:14:39',
      mayBeCalm: false
    });
  });

  it('stale: since the last proof, withdrawn, and ages stand still at it', () => {
    expect(face(lost('stale', 39_000))).toMatchObject({
      word: 'Stale since',
      since: '09:14:02',
      cause: 'Server cannot be reached',
      isWithdrawn: true,
      isBlank: false,
      mayBeCalm: false,
      at: NOW - 39_000
    });
  });

  it('no data: values are blank', () => {
    expect(face(lost('no_data', 324_000, 'database'))).toMatchObject({
      word: 'No data since',
      cause: 'Server lost its database',
      isWithdrawn: true,
      isBlank: true
    });
  });

  it('a loss of another day is dated', () => {
    expect(face(lost('no_data', 9 * 86_400_000)).since).toBe('14 Nov, 09:14');
  });

  it('source silent: live, and nothing is calm', () => {
    expect(face(LIVE, 41 * 60_000)).toMatchObject({
      state: 'silent',
      word: 'Source silent',
      age: '41 m',
      mayBeCalm: false
    });
  });

  it('an age that is missing or of the future proves nothing', () => {
    expect(face({ ...LIVE, ageMs: null })).toMatchObject({ state: 'reconnecting', mayBeCalm: false });
    expect(face({ ...LIVE, ageMs: -60_000 })).toMatchObject({ state: 'reconnecting', mayBeCalm: false });
  });

  it('calm is allowed by Live alone, whatever else is said', () => {
    const stamps = fc.record({
      state: fc.constantFrom('connecting', 'live', 'reconnecting', 'stale', 'no_data' as const),
      ageMs: fc.option(fc.integer({ min: -100_000, max: 1_000_000 })),
      staleSince: fc.option(fc.integer({ min: NOW - 1_000_000, max: NOW })),
      link: fc.constantFrom('browser', 'database', 'listener', 'lag', null),
      catchingUp: fc.boolean(),
      retryInMs: fc.option(fc.integer({ min: -5_000, max: 60_000 }))
    });
    fc.assert(
      fc.property(stamps, fc.option(fc.integer({ min: 0, max: 1e9 })), (stamp, silentMs) => {
        const seen = face(stamp as FeedStamp, silentMs);
        if (seen.mayBeCalm) expect([stamp.state, silentMs, seen.word]).toEqual(['live', null, 'Live']);
        expect(seen.isWithdrawn).toBe(stamp.state === 'stale' || stamp.state === 'no_data');
        expect(seen.isBlank).toBe(stamp.state === 'no_data');
        expect(seen.cause === null).toBe(!seen.isWithdrawn);
        for (const { term, text } of toldOf(seen, stamp as FeedStamp))
          expect(`${term}${text}`).not.toMatch(/null|NaN|-\d/);
      })
    );
  });
});

describe('the last minute of proofs', () => {
  const look = (was: Proofs, secondsLater: number, state: FeedStamp['state'] = 'live') =>
    recordProof(was, NOW + secondsLater * 1_000, { ...LIVE, state });
  const NOTHING: Proofs = { at: 0, came: [] };

  it('begins with what nobody looked at, and fills from the right', () => {
    const first = look(NOTHING, 0);
    expect(first.came).toEqual([...Array<null>(11).fill(null), true]);
    expect(look(first, 5).came.slice(-3)).toEqual([null, true, true]);
  });

  it('marks what was missed, also while nobody looked: a sleep, a frozen tab', () => {
    const slept = look(look(NOTHING, 0), 30);
    expect(slept.came.slice(-7)).toEqual([true, false, false, false, false, false, true]);
    expect(look(slept, 35, 'reconnecting').came.at(-1)).toBe(false);
  });

  it('keeps one proof in five seconds, whatever follows in them', () => {
    expect(look(look(NOTHING, 0), 2, 'reconnecting').came.at(-1)).toBe(true);
  });

  it('knows nothing any more when the clock was set back', () => {
    expect(look(look(look(NOTHING, 0), 5), -60).came).toEqual([...Array<null>(11).fill(null), true]);
  });

  it('has always twelve of them', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -100, max: 10_000 }), { minLength: 1, maxLength: 20 }), (seconds) => {
        expect(seconds.reduce((was, second) => look(was, second), NOTHING).came).toHaveLength(12);
      })
    );
  });
});

describe('the time that a picture may stand without scripts', () => {
  it('ends when its proof turns stale, two late seconds later', () => {
    expect(curtainMs({ ...LIVE, ageMs: 0 })).toBe(12_000);
    expect(curtainMs({ ...LIVE, ageMs: 4_000 })).toBe(8_000);
    expect(curtainMs({ ...LIVE, ageMs: 60_000 })).toBe(2_000);
    expect(curtainMs({ ...LIVE, ageMs: null })).toBe(12_000);
  });
});
