/**
 * What a connection's measurements mean, in words: one sentence that judges, what it rests on, and what to do. Pure: it is
 * told what was measured (live/live-connection.ts) and measures nothing. What a network has to allow stands in
 * network-wording.ts. Invariant: nothing here can be read as live unless the stamp's state is `live`.
 */
import { toSpan } from './duration.ts';
import { isWithoutProof, type FeedStamp } from './stamp-wording.ts';
import { toClock } from './time.ts';

export interface ConnectionTrip {
  at: number;
  ms: number;
}
export interface ConnectionAttempt {
  at: number;
  tookMs: number;
  outcome: 'opened' | 'refused' | 'unanswered';
}
export interface ConnectionLoss {
  at: number;
  how: 'stopped' | 'closed' | 'silent' | 'database' | 'listener' | 'lag';
  lastedMs: number;
  backAfterMs: number | null;
}

/** As `ConnectionFeed` reports it (live/connection-feed.svelte.ts); repeated so that wording needs no client. */
export interface ConnectionFacts {
  stamp: FeedStamp;
  ended: 'session' | 'reload' | 'absent' | null;
  way: 'websocket' | 'http' | null;
  trips: readonly ConnectionTrip[];
  clock: { aheadMs: number; withinMs: number } | null;
  node: string | null;
  serverProtocol: number | null;
  answersHttp: boolean | null;
  record: {
    since: number;
    attempts: readonly ConnectionAttempt[];
    losses: readonly ConnectionLoss[];
    lossCount: number;
  };
}

export interface ConnectionContext {
  /** when the server read the page */
  readAt: number;
  pageProtocol: number;
  /** what the browser itself says of its network */
  isOnline: boolean;
  /** name of the workspace that is watched */
  workspace: string;
  timeZone: string;
}

export type VerdictLook = 'good' | 'slow' | 'trouble' | 'waiting' | 'ended';

export interface ConnectionVerdict {
  look: VerdictLook;
  sentence: string;
  /** what follows from it for who looks at pages */
  meaning: string;
  /** what to do; null = nothing */
  next: string | null;
  /** is it for the network to change? Then network-wording.ts has the text. */
  askNetwork: boolean;
  /** the one action */
  action: 'sign in' | 'reload' | 'try now' | null;
}

/** A click is felt to wait from here on; live changes come as much later. */
export const SLOW_TRIP_MS = 400;
/** Losses of this page's life that are no accident any more. */
const MANY_LOSSES = 3;
/** A clock that differs by more confuses who compares times, though pages correct for it. */
export const CLOCK_OFF_MS = 60_000;

export function connectionVerdict(facts: ConnectionFacts, context: ConnectionContext): ConnectionVerdict {
  const { stamp, ended } = facts;
  if (ended === 'session')
    return {
      look: 'ended',
      sentence: 'You are signed out.',
      meaning: 'The server answers, and no longer knows your session, so nothing is sent to this tab.',
      next: 'Sign in again; you come back to this page.',
      askNetwork: false,
      action: 'sign in'
    };
  if (ended === 'reload')
    return {
      look: 'ended',
      sentence: 'Another version of Watchfloor is deployed.',
      meaning: 'This page is of the version before it, and the server no longer speaks to it.',
      next: 'Load the page again. Other pages do so by themselves, when nobody writes in them.',
      askNetwork: false,
      action: 'reload'
    };
  if (stamp.state === 'live') return liveVerdict(facts);
  if (stamp.state === 'connecting')
    return {
      look: 'waiting',
      sentence: 'The connection is being opened.',
      meaning: 'Nothing is proven yet. What pages show is as of the time at which they were loaded.',
      next: null,
      askNetwork: false,
      action: null
    };
  if (isWithoutProof(stamp)) return staleVerdict(facts, context);
  return {
    look: 'waiting',
    sentence: stamp.catchingUp ? 'What was missed is being caught up with.' : 'The connection is being opened again.',
    meaning: `The last proof is ${toSpan(stamp.ageMs) ?? 'some time'} old. Pages keep what they show, and say so.`,
    next: stamp.retryInMs === null ? null : `It is tried again in ${Math.ceil(stamp.retryInMs / 1_000)} s.`,
    askNetwork: false,
    action: 'try now'
  };
}

function liveVerdict(facts: ConnectionFacts): ConnectionVerdict {
  const usual = usualTrip(facts.trips);
  const network = networkLosses(facts.record.losses);
  const regular = regularCut(facts.record.losses);
  if (facts.way === 'http')
    return {
      look: 'slow',
      sentence: 'It is live, but without a WebSocket.',
      meaning: `${attemptWords(facts.record.attempts)} So the server is asked every 2 seconds: nothing is lost, and a change is shown up to 2 seconds later.`,
      next: 'Ask your network team to let the WebSocket through. It is tried again each minute; no page has to be loaded again.',
      askNetwork: true,
      action: null
    };
  if (network.length >= MANY_LOSSES)
    return {
      look: 'slow',
      sentence: regular
        ? `It is live, but cut off every ${regular}.`
        : `It is live, but was lost ${network.length} times.`,
      meaning: regular
        ? 'Something between this computer and the server ends connections after a fixed time. What was missed is caught up with, so nothing is lost.'
        : 'Each time what was missed was caught up with, so nothing is lost; meanwhile pages were not live.',
      next: regular
        ? 'Ask your network team for a longer time-out on this path.'
        : 'If it goes on, ask your network team what ends these connections.',
      askNetwork: true,
      action: null
    };
  if (usual !== null && usual >= SLOW_TRIP_MS)
    return {
      look: 'slow',
      sentence: 'It is live, but slow.',
      meaning: `A round trip to the server takes ${toMs(usual)}. Changes are shown as much later; nothing is lost.`,
      next: 'A VPN, a distant proxy or a weak radio link is the usual reason. Compare with another network.',
      askNetwork: false,
      action: null
    };
  return {
    look: 'good',
    sentence: 'Changes arrive here as they happen.',
    meaning: 'A WebSocket is open, and each proof that it brings is younger than 5 seconds.',
    next: null,
    askNetwork: false,
    action: null
  };
}

function staleVerdict(facts: ConnectionFacts, { readAt, isOnline, timeZone }: ConnectionContext): ConnectionVerdict {
  const { stamp, answersHttp } = facts;
  const since = toClock(stamp.staleSince ?? readAt, timeZone);
  const meaning = `Pages are as of ${since}, and say so.`;
  const trouble = { look: 'trouble', askNetwork: false, action: 'try now' } as const;
  switch (stamp.link) {
    case 'database':
      return {
        ...trouble,
        sentence: 'The server is reached, but has lost its database.',
        meaning: `It is not your network. ${meaning}`,
        next: 'Tell whoever runs Watchfloor: Postgres does not answer the server. It goes on by itself when Postgres is back.'
      };
    case 'listener':
      return {
        ...trouble,
        sentence: 'The server is reached, but does not hear from its database.',
        meaning: `It is not your network. Changes are still found once a second, but not vouched for. ${meaning}`,
        next: 'Tell whoever runs Watchfloor: notifications do not come back. Mostly DATABASE_URL leads through a transaction-pooling proxy; it must reach Postgres directly.'
      };
    case 'lag':
      return {
        ...trouble,
        sentence: 'The server is reached, but is behind.',
        meaning: `It is not your network: the server reads changes more slowly than they come. ${meaning}`,
        next: 'Tell whoever runs Watchfloor: the database answers slowly. It goes on by itself when it has caught up.'
      };
    default:
      if (!isOnline)
        return {
          ...trouble,
          sentence: 'This computer is offline.',
          meaning: `The browser has no network at all. ${meaning}`,
          next: 'Connect it to a network. The rest follows by itself.'
        };
      if (answersHttp)
        return {
          ...trouble,
          sentence: 'The server answers, but no live connection comes about.',
          meaning: `${attemptWords(facts.record.attempts)} Asking over HTTP did not work either. ${meaning}`,
          next: 'Ask your network team to let both ways through. If other people see the same, tell whoever runs Watchfloor.',
          askNetwork: true
        };
      return {
        ...trouble,
        sentence: 'The server cannot be reached from here.',
        meaning: `Nothing answers this computer, by any way. ${meaning}`,
        next: 'Ask somebody in another network to open Watchfloor. If they can, it is the network here (VPN, proxy, firewall); if not, the server is down.',
        askNetwork: true
      };
  }
}

/** Why there is no WebSocket, by the last ones that were tried. */
export function attemptWords(attempts: readonly ConnectionAttempt[]): string {
  const failed = attempts.filter(({ outcome }) => outcome !== 'opened');
  const last = failed.at(-1);
  if (last === undefined) return 'No WebSocket could be opened.';
  const refused = failed.filter(({ outcome }) => outcome === 'refused').length;
  const silent = failed.length - refused;
  const tried = failed.length === 1 ? 'The WebSocket that was tried' : `Of the last ${failed.length} WebSockets`;
  if (silent === 0)
    return failed.length === 1
      ? `${tried} was refused after ${toMs(last.tookMs)}: something between here and the server answered instead of it.`
      : `The last ${failed.length} WebSockets were refused, the newest after ${toMs(last.tookMs)}: something between here and the server answered instead of it.`;
  if (refused === 0)
    return failed.length === 1
      ? `${tried} got no answer within ${toSpan(last.tookMs)}: something between here and the server swallows it.`
      : `The last ${failed.length} WebSockets got no answer: something between here and the server swallows them.`;
  return `${tried} ${refused} ${refused === 1 ? 'was' : 'were'} refused, and ${silent} got no answer.`;
}

/** Losses that a network can be the reason of. */
export function networkLosses(losses: readonly ConnectionLoss[]): ConnectionLoss[] {
  return losses.filter(({ how }) => how === 'closed' || how === 'silent');
}

/** "60 s" where connections end after one fixed time, as proxies end them; else null. */
export function regularCut(losses: readonly ConnectionLoss[]): string | null {
  const lasted = networkLosses(losses)
    .filter(({ how }) => how === 'closed')
    .map(({ lastedMs }) => lastedMs)
    .slice(-4);
  const [shortest, longest] = [Math.min(...lasted), Math.max(...lasted)];
  if (lasted.length < MANY_LOSSES || shortest < 5_000 || longest - shortest > Math.max(2_000, longest * 0.05))
    return null;
  const seconds = Math.round(shortest / 1_000);
  return seconds < 120 ? `${seconds} s` : (toSpan(shortest) ?? null);
}

export function usualTrip(trips: readonly ConnectionTrip[]): number | null {
  if (trips.length === 0) return null;
  const sorted = trips.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** "0.4 ms", "12 ms", "1.3 s": of two digits, since more would say more than was measured. */
export function toMs(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`;
  return ms < 1 ? `${Math.max(0.1, ms).toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
