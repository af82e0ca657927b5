/**
 * The connection of one feed as states × events: the words of it. `connection-table.ts` says what each event does in each
 * state, the driver (`subscription.ts`) does it. Pure; docs/PROTOCOL.md holds the whole table, compared by a test.
 * Invariants: the token is always one at which the window is complete (the page's, the catch-up's, a tick's of the live
 * stream); an answer to an older question or of an older generation of access changes nothing.
 */
import type { LostLink, ResyncReason } from './protocol.ts';

export const STATES = [
  'idle',
  'connecting',
  'subscribing', // joined, catching up
  'live',
  'rebasing', // live, and subscribing again from an adopted page; what is shown stays proven until its age says otherwise
  'halted', // subscribed, but the server cannot vouch for its data; a tick ends it
  'unavailable', // the server could not subscribe us; asked again after a while
  'resyncing', // the place in the stream is lost; the page is being read again
  'waiting', // no socket; the next try is due after a while
  'closed'
] as const;
export type StateName = (typeof STATES)[number];

export interface Connection {
  readonly name: StateName;
  /** sealed place in the stream at which the window is complete */
  readonly token: string;
  /** number of the last question to subscribe; answers to older ones are dropped */
  readonly attempt: number;
  /** the last question is unanswered: what the server does with it will be known only then */
  readonly asking: boolean;
  /** least generation of access that an answer of this socket must have; it starts anew with each socket */
  readonly generation: number;
  /** consecutive failures, for the back-off; forgotten after STEADY_TICKS */
  readonly failures: number;
  /** ticks since caught up that prove at least as much as the catch-up did */
  readonly ticks: number;
  /** what the catch-up proved, in server ms */
  readonly caughtUpTo: number;
  /**
   * Rows came while the node's feed was still behind the catch-up: it may have told of a row whose end the page already
   * knew. The next sound tick settles it; if the socket is lost before, catching up cannot, and the page is read again.
   */
  readonly unsettled: boolean;
  /** why the page has to be read again before the next subscription */
  readonly resync: ResyncReason | 'malformed' | 'unsettled' | null;
  readonly link: LostLink | null;
  readonly everCaughtUp: boolean;
  readonly ended: 'closed' | 'absent' | 'session' | null;
}

export type ConnectionEvent =
  /** `moved`: the same connection goes on over another transport */
  | { type: 'started' | 'connected' | 'disconnected' | 'timed_out' | 'silent' | 'malformed' | 'moved' }
  /** `early`: rows came before this answer */
  | { type: 'caught_up'; attempt: number; generation: number; token: string; proofAt: number; early: boolean }
  | { type: 'answered_resync'; attempt: number; reason: ResyncReason }
  | { type: 'answered_absent' | 'answered_reload'; attempt: number }
  | { type: 'answered_unavailable'; attempt: number; link: LostLink }
  | { type: 'ticked'; proofAt: number; token?: string | undefined }
  | { type: 'told' }
  | { type: 'feed_halted'; link: LostLink }
  | { type: 'resync_required'; reason: ResyncReason }
  | { type: 'access_changed'; generation: number }
  | { type: 'reference_changed' | 'session_ended' | 'server_closing' }
  /** `held`: the window on screen stays until the page is caught up with; `moved`: the page has another scope */
  | { type: 'adopted'; token: string; held: boolean; moved: boolean }
  | { type: 'refresh_failed' | 'retry_due' | 'try_now' | 'left' };
export type EventName = ConnectionEvent['type'];

export type Command =
  | { do: 'open' | 'drop' | 'measure' | 'purge' | 'lose_stream' | 'leave' | 'reload' }
  | { do: 'subscribe'; token: string; attempt: number }
  /** read the page again after so many milliseconds */
  | { do: 'refresh'; afterMs: number }
  /** send `retry_due` after so many milliseconds, unless the state has changed by then */
  | { do: 'wait'; ms: number };

export type Step = readonly [Connection, readonly Command[]];
/** Sound ticks in a row (10 s) after which earlier failures no longer slow the next try down. */
export const STEADY_TICKS = 5;
const FIRST_RETRY_MS = 800;
const LONGEST_RETRY_MS = 15_000;

/** Milliseconds before try number `failures + 1`: doubling from 0.2–0.8 s to 4–15 s, spread so that clients do not return as one. */
export function backOff(failures: number, random: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10)) * (0.25 + 0.75 * random);
}

export function openConnection(token: string): Connection {
  return {
    name: 'idle',
    token,
    attempt: 0,
    asking: false,
    generation: 0,
    failures: 0,
    ticks: 0,
    caughtUpTo: 0,
    unsettled: false,
    resync: null,
    link: null,
    everCaughtUp: false,
    ended: null
  };
}
