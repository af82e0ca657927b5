/**
 * The freshness stamp in words, and the banner that stands by it when the connection is lost. What the feed's state is,
 * the live client decides; this only says it. Invariant: no word here can be read as live unless the state is `live`.
 */
import { toSpan } from './duration.ts';
import { silentFor, type Summary } from './summary.ts';
import { toClock, toZoneName } from './time.ts';

/** As `OperationsFeed` reports it (live/operations-feed.svelte.ts); repeated so that wording needs no client. */
export interface FeedStamp {
  state: 'connecting' | 'live' | 'reconnecting' | 'stale' | 'no_data';
  ageMs: number | null;
  staleSince: number | null;
  link: 'browser' | 'database' | 'listener' | 'lag' | null;
  catchingUp: boolean;
  /** connected without a WebSocket: the hub is asked again and again */
  overHttp?: boolean;
  retryInMs: number | null;
}

export type StampLook = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'paused' | 'silent';

export interface StampWords {
  look: StampLook;
  word: string;
  note: string | null;
  /** how it is connected, where that is not the usual way: short (`least` where there is hardly room), and what it means */
  way?: { least: string; short: string; long: string } | null;
}

export interface StampView {
  stamp: FeedStamp;
  /** when the server read what is shown: all that a page can vouch for before it is live */
  readAt: number;
  /** server time at which a person paused; null when not paused */
  pausedAt: number | null;
  timeZone: string;
}

/** Live all the same: what is shown is proven by each answer. */
const OVER_HTTP = {
  least: 'HTTP',
  short: 'over HTTP, every 2 s',
  long: 'No WebSocket can be opened from here, so the server is asked every 2 seconds. A WebSocket is tried again each minute.'
};

/** Is what is shown without proof? Then it greys and its ages stand still. */
export function isWithoutProof(stamp: FeedStamp): boolean {
  return stamp.state === 'stale' || stamp.state === 'no_data';
}

export function stampWords({ stamp, readAt, pausedAt, timeZone }: StampView): StampWords {
  if (isWithoutProof(stamp)) {
    const since = stamp.staleSince ?? readAt;
    return { look: 'stale', word: `Stale since ${toClock(since, timeZone)}`, note: lost(stamp.link) };
  }
  if (stamp.state === 'reconnecting') {
    const age = toSpan(stamp.ageMs);
    const note = stamp.catchingUp ? 'catching up' : age === null ? null : `last proof ${age} ago`;
    return { look: 'reconnecting', word: 'Reconnecting', note };
  }
  // A stamp that is true with and without scripts: the page is as of then, and nothing has vouched for it since.
  if (stamp.state === 'connecting')
    return { look: 'connecting', word: `As of ${toClock(readAt, timeZone)}`, note: 'not live yet' };
  const way = stamp.overHttp === true ? OVER_HTTP : null;
  if (pausedAt !== null)
    return { look: 'paused', word: 'Paused', note: `at ${toClock(pausedAt, timeZone)}, feed live`, way };
  return { look: 'live', word: 'Live', note: toSpan(stamp.ageMs), way };
}

/** Beside Live: the feed is sound, and what it would bring has been missing for longer than it ever is. */
export function silentWords(
  stamp: FeedStamp,
  summary: Pick<Summary, 'lastReportAt' | 'silentAfterMs'> | null,
  now: number,
  isPaused: boolean
): StampWords | null {
  if (stamp.state !== 'live' || isPaused || summary === null) return null;
  const silence = toSpan(silentFor(summary, now));
  if (silence === null) return null;
  const limit = toSpan(summary.silentAfterMs);
  return { look: 'silent', word: 'Source silent', note: `nothing reported for ${silence}, limit ${limit}` };
}

function lost(link: FeedStamp['link']): string | null {
  switch (link) {
    case 'browser':
      return 'no connection to the server';
    case 'database':
      return 'server lost the database';
    case 'listener':
    case 'lag':
      return 'feed is behind';
    default:
      return null;
  }
}

export interface LostWords {
  fact: string;
  consequence: string;
  /** the rest of that sentence, for where there is room */
  caveat: string;
  retry: string | null;
}

/** The banner of a feed without proof; null while there is proof. */
export function lostWords({ stamp, readAt, timeZone }: StampView): LostWords | null {
  if (!isWithoutProof(stamp)) return null;
  const since = stamp.staleSince ?? readAt;
  const fact =
    stamp.link === 'database'
      ? 'The server has lost the database.'
      : stamp.link === 'listener' || stamp.link === 'lag'
        ? 'The server’s feed is behind.'
        : 'The connection to the server is lost.';
  const consequence = `What is shown is as of ${toClock(since, timeZone)} ${toZoneName(since, timeZone)}`;
  const wait = stamp.retryInMs === null ? null : Math.ceil(stamp.retryInMs / 1_000);
  return {
    fact,
    consequence,
    caveat: 'and may have changed.',
    retry: wait === null ? null : wait > 0 ? `Trying again in ${wait} s.` : 'Trying again now.'
  };
}
