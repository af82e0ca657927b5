/**
 * The connection of one feed as states × events. Pure: `step` takes a state, an event and a random number and gives the
 * next state and what to do; the driver (`subscription.ts`) owns the socket, the timers and the page's load.
 * docs/PROTOCOL.md holds the whole table, and a test compares it with this file cell by cell.
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
  /** least generation of access that an answer of this socket must have; it starts anew with each socket */
  readonly generation: number;
  /** consecutive failures, for the back-off; forgotten after STEADY_TICKS */
  readonly failures: number;
  readonly ticks: number;
  /** why the page has to be read again before the next subscription */
  readonly resync: ResyncReason | 'malformed' | null;
  readonly link: LostLink | null;
  readonly everCaughtUp: boolean;
  readonly ended: 'closed' | 'absent' | 'session' | 'reload' | null;
}

export type ConnectionEvent =
  | { type: 'started' | 'connected' | 'disconnected' | 'timed_out' | 'silent' | 'malformed' }
  | { type: 'caught_up'; attempt: number; generation: number; token: string }
  | { type: 'answered_resync'; attempt: number; reason: ResyncReason }
  | { type: 'answered_absent' | 'answered_reload'; attempt: number }
  | { type: 'answered_unavailable'; attempt: number; link: LostLink }
  | { type: 'ticked'; token?: string | undefined }
  | { type: 'feed_halted'; link: LostLink }
  | { type: 'resync_required'; reason: ResyncReason }
  | { type: 'access_changed'; generation: number }
  | { type: 'reference_changed' | 'session_ended' | 'server_closing' }
  | { type: 'adopted'; token: string; held: boolean }
  | { type: 'refresh_failed' | 'retry_due' | 'try_now' | 'left' };
export type EventName = ConnectionEvent['type'];

export type Command =
  | { do: 'open' | 'drop' | 'measure' | 'purge' | 'lose_stream' | 'leave' }
  | { do: 'subscribe'; token: string; attempt: number }
  /** read the page again after so many milliseconds */
  | { do: 'refresh' | 'reload'; afterMs: number }
  /** send `retry_due` after so many milliseconds, unless the state has changed by then */
  | { do: 'wait'; ms: number };

export type Step = readonly [Connection, readonly Command[]];
type Handler<E extends EventName> = (
  was: Connection,
  event: Extract<ConnectionEvent, { type: E }>,
  random: number
) => Step;
type Row = { readonly [E in EventName]: Handler<E> };

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
    generation: 0,
    failures: 0,
    ticks: 0,
    resync: null,
    link: null,
    everCaughtUp: false,
    ended: null
  };
}

/** The one way from state to state. `random` is in [0, 1). */
export function step(was: Connection, event: ConnectionEvent, random: number): Step {
  const handler = TABLE[was.name][event.type] as (was: Connection, event: ConnectionEvent, random: number) => Step;
  return handler(was, event, random);
}

const stay = (was: Connection): Step => [was, []];

const connect = (was: Connection): Step => [{ ...was, name: 'connecting', ended: null }, [{ do: 'open' }]];
const reopen = (was: Connection): Step => [was, [{ do: 'drop' }, { do: 'open' }]];

function subscribe(was: Connection, name: 'subscribing' | 'rebasing' = 'subscribing'): Step {
  const attempt = was.attempt + 1;
  return [{ ...was, name, attempt, ticks: 0, resync: null }, [{ do: 'subscribe', token: was.token, attempt }]];
}

function arrive(was: Connection, _: unknown, random: number): Step {
  const fresh: Connection = { ...was, generation: 0, link: null };
  const [next, commands] = was.resync === null ? subscribe(fresh) : readAgain(fresh, was.resync, random);
  return [next, [{ do: 'measure' }, ...commands]];
}

function wait(was: Connection, _: unknown, random: number): Step {
  const next: Connection = { ...was, name: 'waiting', failures: was.failures + 1, link: null };
  return [next, [{ do: 'wait', ms: backOff(was.failures, random) }]];
}

function dropAndWait(was: Connection, event: unknown, random: number): Step {
  const [next, commands] = wait(was, event, random);
  return [next, [{ do: 'drop' }, ...commands]];
}

/** Announced stops come back soon, but not all at once. */
const stepAside = (was: Connection, _: unknown, random: number): Step => [
  { ...was, name: 'waiting', link: null },
  [{ do: 'drop' }, { do: 'wait', ms: 200 + 1_300 * random }]
];

function readAgain(was: Connection, reason: NonNullable<Connection['resync']>, random: number): Step {
  const commands: Command[] = [];
  if (reason === 'access') commands.push({ do: 'purge' });
  // Another epoch may hand out revisions again, and a token that cannot be read may be of one.
  if (reason === 'epoch' || reason === 'token') commands.push({ do: 'lose_stream' });
  // The first time soon: someone waits for it, and of "access" the screen is empty. A floor or epoch hits all clients at once.
  const soon = (reason === 'access' || reason === 'token' ? 200 : 1_500) * random;
  const afterMs = was.failures === 0 ? soon : backOff(was.failures, random);
  commands.push({ do: 'refresh', afterMs });
  return [{ ...was, name: 'resyncing', resync: reason, failures: was.failures + 1, link: null }, commands];
}

const caughtUp: Handler<'caught_up'> = (was, event, random) => {
  if (event.attempt !== was.attempt) return stay(was);
  if (event.generation < was.generation) return askLater(was, null, random);
  return [{ ...was, name: 'live', token: event.token, everCaughtUp: true, ticks: 0, link: null }, []];
};

function askLater(was: Connection, link: LostLink | null, random: number): Step {
  const next: Connection = { ...was, name: 'unavailable', link, failures: was.failures + 1 };
  return [next, [{ do: 'wait', ms: backOff(was.failures, random) }]];
}

const ticked: Handler<'ticked'> = (was, event) => {
  const ticks = was.ticks + 1;
  const failures = ticks >= STEADY_TICKS ? 0 : was.failures;
  return [{ ...was, name: 'live', token: event.token ?? was.token, ticks, failures, link: null }, []];
};

const accessChanged: Handler<'access_changed'> = (was, event, random) =>
  readAgain({ ...was, generation: Math.max(was.generation, event.generation) }, 'access', random);

const end =
  (ended: 'closed' | 'absent' | 'session') =>
  (was: Connection): Step => [
    { ...was, name: 'closed', ended, link: null },
    ended === 'closed' ? [{ do: 'drop' }] : [{ do: 'drop' }, { do: 'leave' }]
  ];

/** A newer version was deployed: all tabs hear it, so they spread over 4 s. */
const endWithReload = (was: Connection, _: unknown, random: number): Step => [
  { ...was, name: 'closed', ended: 'reload', link: null },
  [{ do: 'drop' }, { do: 'reload', afterMs: 500 + 3_500 * random }]
];

/** Takes an answer only if it answers the last question. */
function ifLast<E extends { attempt: number }>(handler: (was: Connection, event: E, random: number) => Step) {
  return (was: Connection, event: E, random: number): Step =>
    event.attempt === was.attempt ? handler(was, event, random) : stay(was);
}

const keepToken: Handler<'adopted'> = (was, event) => [{ ...was, token: event.token, resync: null }, []];
const askAnew: Handler<'adopted'> = (was, event) => subscribe({ ...was, token: event.token });
const rebase: Handler<'adopted'> = (was, event) =>
  subscribe({ ...was, token: event.token }, event.held ? 'rebasing' : 'subscribing');

const NOTHING: Row = {
  started: stay,
  connected: stay,
  disconnected: stay,
  timed_out: stay,
  silent: stay,
  malformed: stay,
  caught_up: stay,
  answered_resync: stay,
  answered_absent: stay,
  answered_reload: stay,
  answered_unavailable: stay,
  ticked: stay,
  feed_halted: stay,
  resync_required: stay,
  access_changed: stay,
  reference_changed: stay,
  session_ended: stay,
  server_closing: stay,
  adopted: keepToken,
  refresh_failed: stay,
  retry_due: stay,
  try_now: stay,
  left: end('closed')
};

/** With a socket, in whatever state. */
const ON_SOCKET: Row = {
  ...NOTHING,
  disconnected: wait,
  timed_out: dropAndWait,
  silent: dropAndWait,
  malformed: (was, _, random) => readAgain(was, 'malformed', random),
  resync_required: (was, event, random) => readAgain(was, event.reason, random),
  access_changed: accessChanged,
  reference_changed: (was, _, random) => [was, [{ do: 'refresh', afterMs: 500 * random }]],
  session_ended: end('session'),
  server_closing: stepAside
};

/** With an answer to come. */
const ASKING: Row = {
  ...ON_SOCKET,
  silent: stay, // the answer has a time-out of its own
  caught_up: caughtUp,
  answered_resync: ifLast((was, event, random) => readAgain(was, event.reason, random)),
  answered_absent: ifLast(end('absent')),
  answered_reload: ifLast(endWithReload),
  answered_unavailable: ifLast((was, event, random) => askLater(was, event.link, random)),
  adopted: askAnew,
  feed_halted: (was, event) => [{ ...was, name: 'subscribing', link: event.link }, []]
};

const TABLE: { readonly [S in StateName]: Row } = {
  idle: { ...NOTHING, started: connect },
  connecting: { ...NOTHING, connected: arrive, disconnected: wait, session_ended: end('session'), try_now: reopen },
  subscribing: ASKING,
  live: {
    ...ON_SOCKET,
    ticked,
    feed_halted: (was, event) => [{ ...was, name: 'halted', link: event.link }, []],
    adopted: rebase
  },
  rebasing: { ...ASKING, silent: dropAndWait, adopted: rebase },
  halted: {
    ...ON_SOCKET,
    ticked,
    feed_halted: (was, event) => [{ ...was, link: event.link }, []],
    adopted: askAnew
  },
  unavailable: {
    ...ON_SOCKET,
    silent: stay, // not subscribed: nothing is to be heard
    retry_due: (was) => subscribe(was),
    try_now: (was) => subscribe(was)
  },
  resyncing: {
    ...ON_SOCKET,
    silent: stay,
    malformed: stay,
    resync_required: stay,
    adopted: askAnew,
    refresh_failed: (was, _, random) => [
      { ...was, failures: was.failures + 1 },
      [{ do: 'refresh', afterMs: backOff(was.failures, random) }]
    ],
    try_now: (was) => [was, [{ do: 'refresh', afterMs: 0 }]]
  },
  waiting: { ...NOTHING, retry_due: connect, try_now: connect },
  closed: {
    ...NOTHING,
    started: (was) => (was.ended === 'closed' ? connect(was) : stay(was)),
    adopted: keepToken,
    left: stay
  }
};
