/** The stamp's words: nothing reads as live unless it is, and a lost link is named. */
import { describe, expect, it } from 'vitest';
import { lostWords, stampWords, type FeedStamp } from './stamp-wording.ts';

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
    expect(stampWords(view({}))).toEqual({ look: 'live', word: 'Live', note: '1 s' });
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
    expect(stampWords(view({}, readAt))).toEqual({ look: 'paused', word: 'Paused', note: 'at 09:14:04, feed live' });
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
