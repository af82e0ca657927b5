/** The stamp's words: nothing reads as live unless it is, and a lost link is named. */
import { describe, expect, it } from 'vitest';
import { lostWords, silentWords, stampWords, type FeedStamp } from './stamp-wording.ts';

const readAt = Date.UTC(2026, 10, 23, 8, 14, 4);
const live: FeedStamp = {
  state: 'live',
  ageMs: 1_400,
  staleSince: null,
  link: null,
  catchingUp: false,
  retryInMs: null
};
const view = (stamp: Partial<FeedStamp>, pausedAt: number | null = null) => ({
  stamp: { ...live, ...stamp },
  readAt,
  pausedAt,
  timeZone: 'Europe/Berlin'
});

describe('freshness stamp', () => {
  it('is live with the age of its proof', () => {
    expect(stampWords(view({}))).toEqual({ look: 'live', word: 'Live', note: '1 s', way: null });
  });
  it('says how it is connected where no WebSocket opens, live or paused, and what that means', () => {
    const overHttp = { overHttp: true };
    for (const words of [stampWords(view(overHttp)), stampWords(view(overHttp, readAt))]) {
      expect(words.way?.short).toBe('over HTTP, every 2 s');
      expect(words.way?.long).toContain('the server is asked every 2 seconds');
    }
    expect(stampWords(view({ ...overHttp, state: 'stale', staleSince: readAt })).way).toBeUndefined();
  });
  it('before it is live is true with and without scripts', () => {
    expect(stampWords(view({ state: 'connecting', ageMs: null }))).toEqual({
      look: 'connecting',
      word: 'As of 09:14:04',
      note: 'not live yet'
    });
  });
  it('says what is being done while it reconnects', () => {
    expect(stampWords(view({ state: 'reconnecting', ageMs: 7_000 })).note).toBe('last proof 7 s ago');
    expect(stampWords(view({ state: 'reconnecting', catchingUp: true })).note).toBe('catching up');
  });
  it('is paused by a person, but never over a feed without proof', () => {
    expect(stampWords(view({}, readAt))).toMatchObject({
      look: 'paused',
      word: 'Paused',
      note: 'at 09:14:04, feed live'
    });
    const stale = view({ state: 'stale', staleSince: readAt, link: 'database' }, readAt);
    expect(stampWords(stale)).toEqual({
      look: 'stale',
      word: 'Stale since 09:14:04',
      note: 'server lost the database'
    });
  });
  it('falls back to when the page was read where there never was a proof', () => {
    expect(stampWords(view({ state: 'no_data', staleSince: null })).word).toBe('Stale since 09:14:04');
  });
});

describe('a silent source', () => {
  const MINUTE = 60_000;
  const quiet = { lastReportAt: readAt - 190 * MINUTE, silentAfterMs: 20 * MINUTE };
  it('is said beside Live, with how long and what is usual at most', () => {
    expect(silentWords(live, quiet, readAt, false)).toEqual({
      look: 'silent',
      word: 'Source silent',
      note: 'nothing reported for 3 h 10 m, limit 20 min'
    });
  });
  it('is not said while reports come, where too little is known to tell, or of what never reported', () => {
    const talking = { ...quiet, lastReportAt: readAt - 20 * MINUTE };
    for (const summary of [talking, { ...quiet, silentAfterMs: null }, { ...quiet, lastReportAt: null }, null])
      expect(silentWords(live, summary, readAt, false)).toBeNull();
  });
  it('is not said without proof or while paused: then nobody knows', () => {
    for (const state of ['connecting', 'reconnecting', 'stale', 'no_data'] as const)
      expect(silentWords({ ...live, state }, quiet, readAt, false)).toBeNull();
    expect(silentWords(live, quiet, readAt, true)).toBeNull();
  });
});

describe('banner of a lost feed', () => {
  it('is absent while there is proof', () => {
    expect(lostWords(view({}))).toBeNull();
    expect(lostWords(view({ state: 'reconnecting' }))).toBeNull();
  });
  it('names the link, the time with its zone, and the next try', () => {
    const words = lostWords(view({ state: 'stale', staleSince: readAt, link: 'browser', retryInMs: 7_200 }));
    expect(words).toEqual({
      fact: 'The connection to the server is lost.',
      consequence: 'What is shown is as of 09:14:04 CET',
      caveat: 'and may have changed.',
      retry: 'Trying again in 8 s.'
    });
    expect(lostWords(view({ state: 'stale', link: 'database' }))?.fact).toBe('The server has lost the database.');
    expect(lostWords(view({ state: 'stale', link: 'lag' }))?.fact).toContain('behind');
  });
});
