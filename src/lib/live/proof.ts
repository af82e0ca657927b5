/**
 * The freshness stamp: how old the proof is that what is shown is complete, and what may be said about it. Pure.
 * Invariant: `live` is said only while caught up and while an upper bound of the proof's age is below 5 s; a missing
 * measurement is never read as a young proof.
 */
import type { LostLink } from './protocol.ts';

/** PRODUCT 4.1: ages of the proof, in milliseconds, from which on the feed is Reconnecting, Stale, without data. */
export const RECONNECTING_AFTER_MS = 5_000;
export const STALE_AFTER_MS = 10_000;
export const NO_DATA_AFTER_MS = 60_000;

export type StampState = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'no_data';

export interface Stamp {
  state: StampState;
  /** milliseconds since the last proof, never under-estimated while live; null: nothing was ever proven */
  ageMs: number | null;
  /** server time of the last proof, once that is 10 s ago */
  staleSince: number | null;
  /** which link is lost; `browser` is the one between browser and server */
  link: 'browser' | LostLink | null;
  catchingUp: boolean;
  /** connected without a WebSocket: the hub is asked again and again */
  overHttp: boolean;
  /** milliseconds until the next try; null unless one is waited for */
  retryInMs: number | null;
}

export interface Evidence {
  /** database time up to which what is shown is complete; null: nothing yet */
  proofAt: number | null;
  /** upper bound of the database's present time; null while it is not known */
  latestNow: number | null;
  /** best guess of the database's present time, for words only */
  likelyNow: number;
  /** the stream was joined without a gap after the last proof */
  caughtUp: boolean;
  everCaughtUp: boolean;
  catchingUp: boolean;
  overHttp: boolean;
  link: Stamp['link'];
  retryInMs: number | null;
}

export function toStamp(evidence: Evidence): Stamp {
  const { proofAt, latestNow, likelyNow } = evidence;
  const ageMs = proofAt === null ? null : Math.max(0, (latestNow ?? likelyNow) - proofAt);
  const proven = evidence.caughtUp && latestNow !== null && ageMs !== null && ageMs < RECONNECTING_AFTER_MS;
  const state = proven ? 'live' : stateOfAge(ageMs, evidence.everCaughtUp);
  const silent = evidence.caughtUp && !proven && latestNow !== null; // joined, and yet no tick comes through
  return {
    state,
    ageMs,
    staleSince: state === 'stale' || state === 'no_data' ? proofAt : null,
    link: state === 'live' ? null : (evidence.link ?? (silent ? 'browser' : null)),
    catchingUp: evidence.catchingUp,
    overHttp: evidence.overHttp,
    retryInMs: evidence.retryInMs
  };
}

function stateOfAge(ageMs: number | null, everCaughtUp: boolean): Exclude<StampState, 'live'> {
  if (ageMs !== null && ageMs >= NO_DATA_AFTER_MS) return 'no_data';
  if (ageMs !== null && ageMs >= STALE_AFTER_MS) return 'stale';
  return everCaughtUp ? 'reconnecting' : 'connecting';
}
