/**
 * What each event does in each state of a connection: the complete table. Pure: a state, an event and a random number
 * give the next state and what is to be done. docs/PROTOCOL.md shows it, and a test compares both cell by cell.
 * Invariants: see `connection.ts`; every state answers every event, if only by staying as it is.
 */
import {
  backOff,
  STEADY_TICKS,
  type Command,
  type Connection,
  type ConnectionEvent,
  type EventName,
  type StateName,
  type Step
} from './connection.ts';
import type { LostLink } from './protocol.ts';

type Handler<E extends EventName> = (
  was: Connection,
  event: Extract<ConnectionEvent, { type: E }>,
  random: number
) => Step;
type Row = { readonly [E in EventName]: Handler<E> };

/** The one way from state to state. `random` is in [0, 1). */
export function step(was: Connection, event: ConnectionEvent, random: number): Step {
  const handler = TABLE[was.name][event.type] as (was: Connection, event: ConnectionEvent, random: number) => Step;
  // An answer is an answer in every state, also where it comes too late to be of use.
  const answered = 'attempt' in event && event.attempt === was.attempt;
  return handler(answered ? { ...was, asking: false } : was, event, random);
}

const stay = (was: Connection): Step => [was, []];

const connect = (was: Connection): Step => [{ ...was, name: 'connecting', ended: null }, [{ do: 'open' }]];
const reopen = (was: Connection): Step => [was, [{ do: 'drop' }, { do: 'open' }]];

function subscribe(was: Connection, name: 'subscribing' | 'rebasing' = 'subscribing'): Step {
  const attempt = was.attempt + 1;
  return [
    { ...was, name, attempt, asking: true, ticks: 0, unsettled: false, resync: null },
    [{ do: 'subscribe', token: was.token, attempt }]
  ];
}

function arrive(was: Connection, _: unknown, random: number): Step {
  const fresh: Connection = { ...was, generation: 0, asking: false, link: null };
  const [next, commands] = was.resync === null ? subscribe(fresh) : readAgain(fresh, was.resync, random);
  return [next, [{ do: 'measure' }, ...commands]];
}

/** Without a socket; what could no longer be settled by ticks is settled by a new page. */
function lost(was: Connection): Pick<Connection, 'name' | 'link' | 'resync' | 'unsettled'> {
  return { name: 'waiting', link: null, resync: was.resync ?? (was.unsettled ? 'unsettled' : null), unsettled: false };
}

function wait(was: Connection, _: unknown, random: number): Step {
  const next: Connection = { ...was, ...lost(was), failures: was.failures + 1 };
  return [next, [{ do: 'wait', ms: backOff(was.failures, random) }]];
}

function dropAndWait(was: Connection, event: unknown, random: number): Step {
  const [next, commands] = wait(was, event, random);
  return [next, [{ do: 'drop' }, ...commands]];
}

/** Announced stops come back soon, but not all at once. */
const stepAside = (was: Connection, _: unknown, random: number): Step => [
  { ...was, ...lost(was) },
  [{ do: 'drop' }, { do: 'wait', ms: 200 + 1_300 * random }]
];

function readAgain(was: Connection, reason: NonNullable<Connection['resync']>, random: number): Step {
  const commands: Command[] = [];
  if (reason === 'access') commands.push({ do: 'purge' });
  // Another epoch may hand out revisions again, and a token that cannot be read may be of one.
  if (reason === 'epoch' || reason === 'token') commands.push({ do: 'lose_stream' });
  // The first time soon: someone waits for it, and of "access" the screen is empty. A floor or epoch hits all clients at once.
  const soon = (reason === 'access' || reason === 'token' ? 200 : 1_500) * random;
  // A change of access is no failure, and never waits for earlier ones: the gap between page loads bounds how often.
  const isFailure = reason !== 'access';
  const afterMs = isFailure && was.failures > 0 ? backOff(was.failures, random) : soon;
  commands.push({ do: 'refresh', afterMs });
  const failures = isFailure ? was.failures + 1 : was.failures;
  return [{ ...was, name: 'resyncing', resync: reason, failures, link: null }, commands];
}

const caughtUp: Handler<'caught_up'> = (was, event, random) => {
  if (event.attempt !== was.attempt) return stay(was);
  if (event.generation < was.generation) return askLater(was, null, random);
  const { token, proofAt: caughtUpTo, early: unsettled } = event;
  return [{ ...was, name: 'live', token, caughtUpTo, unsettled, everCaughtUp: true, ticks: 0, link: null }, []];
};

function askLater(was: Connection, link: LostLink | null, random: number): Step {
  const next: Connection = { ...was, name: 'unavailable', link, failures: was.failures + 1 };
  return [next, [{ do: 'wait', ms: backOff(was.failures, random) }]];
}

const ticked: Handler<'ticked'> = (was, event) => {
  const live: Connection = { ...was, name: 'live', token: event.token ?? was.token, link: null };
  if (event.proofAt < was.caughtUpTo) return [live, []]; // the node's feed is still behind what was caught up
  const ticks = was.ticks + 1;
  return [{ ...live, ticks, unsettled: false, failures: ticks >= STEADY_TICKS ? 0 : was.failures }, []];
};

/** Until a sound tick, rows may come from a feed that is behind the page. */
const told: Handler<'told'> = (was) => (was.ticks === 0 ? [{ ...was, unsettled: true }, []] : stay(was));

const accessChanged: Handler<'access_changed'> = (was, event, random) =>
  readAgain({ ...was, generation: Math.max(was.generation, event.generation) }, 'access', random);

const end =
  (ended: 'closed' | 'absent' | 'session') =>
  (was: Connection): Step => [
    { ...was, name: 'closed', ended, link: null },
    ended === 'closed' ? [{ do: 'drop' }] : [{ do: 'drop' }, { do: 'leave' }]
  ];

/**
 * Another version was deployed: the page loads itself when it can. Until then it asks again, since of several nodes some
 * may still be of this version.
 */
function reload(was: Connection, event: unknown, random: number): Step {
  const [next, commands] = wait(was, event, random);
  return [next, [{ do: 'drop' }, { do: 'reload' }, ...commands]];
}

/** Takes an answer only if it answers the last question. */
function ifLast<E extends { attempt: number }>(handler: (was: Connection, event: E, random: number) => Step) {
  return (was: Connection, event: E, random: number): Step =>
    event.attempt === was.attempt ? handler(was, event, random) : stay(was);
}

const keepToken: Handler<'adopted'> = (was, event) => [{ ...was, token: event.token, resync: null }, []];
/**
 * Rows still under way on the old socket could not be told from new ones if the scope has other rooms, or if an open
 * question may have taken us out of them: then the page gets a socket of its own.
 */
const askAnew: Handler<'adopted'> = (was, event) => {
  const [next] = keepToken(was, event, 0);
  if (!event.moved && !was.asking) return subscribe(next);
  return [{ ...next, name: 'connecting', unsettled: false }, [{ do: 'drop' }, { do: 'open' }]];
};
const rebase: Handler<'adopted'> = (was, event) =>
  event.held && !was.asking ? subscribe({ ...was, token: event.token }, 'rebasing') : askAnew(was, event, 0);

const NOTHING: Row = {
  started: stay,
  connected: stay,
  disconnected: stay,
  timed_out: stay,
  silent: stay,
  malformed: stay,
  moved: stay,
  caught_up: stay,
  answered_resync: stay,
  answered_absent: stay,
  answered_reload: stay,
  answered_unavailable: stay,
  ticked: stay,
  told: stay,
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
  answered_reload: ifLast(reload),
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
    told,
    feed_halted: (was, event) => [{ ...was, name: 'halted', link: event.link }, []],
    // What is unsettled could not be told from what is caught up.
    moved: (was, event, random) => (was.unsettled ? dropAndWait(was, event, random) : subscribe(was, 'rebasing')),
    adopted: rebase
  },
  rebasing: { ...ASKING, silent: dropAndWait, adopted: rebase },
  halted: {
    ...ON_SOCKET,
    ticked,
    told,
    feed_halted: (was, event) => [{ ...was, link: event.link }, []],
    moved: (was, event, random) => (was.unsettled ? dropAndWait(was, event, random) : subscribe(was)),
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
    // The page is being read anyway, but of another epoch nothing may be merged.
    resync_required: (was, event) =>
      event.reason === 'epoch' || event.reason === 'token' ? [was, [{ do: 'lose_stream' }]] : stay(was),
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
