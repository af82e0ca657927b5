/**
 * The feed of one node: reads what became visible since its last read and tells it, access before rows. It owns the
 * place in the stream, when to read, and whether what it says can be vouched for; it knows neither people nor sockets.
 * Invariants: passes never overlap; a pass that fails moves nothing; whatever wakes it or fails to (lost notifications
 * cost latency up to BACKSTOP_MS, never a change) each change is told once an epoch, in the order of commits it could see.
 */
import { EventEmitter } from 'node:events';
import type { Queryable } from '../database/pool.ts';
import { toErrorFields } from '../log-redaction.ts';
import type { LostLink } from '../../live/protocol.ts';
import { backOff } from './back-off.ts';
import { readChangedPlaces, readFeedDifference, type ChangedPlace, type FeedDifference } from './differences.ts';
import { openCounters, type Counters } from './figures.ts';
import type { Place } from '../stream/place.ts';
import { nextRePoll, seenInProgress, type InProgress } from './re-poll.ts';
import { holdConnection } from './steady.ts';
import type { WakeUp } from './wake-up.ts';

/** Reads at least this often; what only such a read finds was not woken for (a leak metric: near zero). */
const BACKSTOP_MS = 1_000;
/** More entries of operations than this in one pass are not told one by one: whoever watches the places reads anew. */
const MOST_CHANGES = 10_000;
/** And beyond this many nobody looks which places they were: everyone reads anew. */
const MOST_ENTRIES = 1_000_000;
/**
 * A winner of the gate is seen by others a moment before it gives the gate back. Who comes in that moment loses, and
 * nobody wakes for it: one more read, this long after a wake-up, finds it.
 */
const TRAILING_MS = 25;
/** Changes come just now: so long after a wake-up or a change what is in progress is looked after more often. */
const WARM_MS = 100;
/** A last complete pass older than this cannot be vouched for. */
const LAG_LIMIT_MS = 3_000;

export interface ToldDifference extends FeedDifference {
  /** of an overflow: where operations changed that are not told one by one; null = too many to look */
  bulk: ChangedPlace[] | null;
}

export interface FeedEvents {
  /** one complete pass; listeners run before the next pass and must not throw */
  passed: [difference: ToldDifference];
  /** the stream is another one (crash, restore, cut off beyond the floor): every window must be read anew */
  'stream changed': [difference: FeedDifference];
  /** a listener of `passed` threw: a defect; what it was told is read anew by everyone */
  broken: [cause: unknown];
  /** changes found only by the backstop */
  leaked: [changes: number];
  halted: [link: LostLink, cause: string];
  sound: [];
}

export interface Feed {
  events: EventEmitter<FeedEvents>;
  /** where the stream has been told up to; null before the first pass */
  readonly place: Place | null;
  /** ms by the database's clock: everything committed before has been told */
  readonly proofAt: number;
  /** null while everything that is told can be vouched for; else what is lost */
  readonly lostLink: LostLink | null;
  /** Resolves after a pass that began after this call (one for all who ask meanwhile); false when it failed. */
  passSoon(): Promise<boolean>;
  /** an upper bound of the database's present time, in ms (for correcting clients' clocks) */
  databaseNow(): number;
  close(): Promise<void>;
}

/** What the feed waits on and reads with; `difference` is replaced in tests that must fail (the naive cursor). */
export interface FeedOptions {
  db: Queryable;
  wakeUp: WakeUp;
  difference?: typeof readFeedDifference;
  counters?: Counters;
}

export function openFeed({
  db: pool,
  wakeUp,
  difference = readFeedDifference,
  counters = openCounters()
}: FeedOptions): Feed {
  const events = new EventEmitter<FeedEvents>();
  const connection = holdConnection(pool);
  const { db } = connection;
  let place: Place | null = null;
  let proofAt = 0;
  let passedAt = -Infinity;
  let databaseAhead = -Infinity;
  let inProgress: InProgress = { since: new Map() };
  let failures = 0;
  let isRunning = false;
  let isClosed = false;
  let wasWoken = false;
  /** when one more read is due after it was woken, monotonic ms: see TRAILING_MS; null = none */
  let trailingAt: number | null = null;
  let warmUntil = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let toldLink: LostLink | null | undefined;
  let waiting: ((isDone: boolean) => void)[] = [];

  const lostLink = (): LostLink | null =>
    failures > 0 || place === null
      ? 'database'
      : !wakeUp.isSound
        ? 'listener'
        : performance.now() - passedAt > LAG_LIMIT_MS
          ? 'lag'
          : null;
  const tellLink = (cause: string): void => {
    const link = lostLink();
    if (link === toldLink) return;
    toldLink = link;
    if (link === null) events.emit('sound');
    else events.emit('halted', link, cause);
  };

  /** `isExpected`: something called for this read, so what it finds was not left to the backstop */
  const read = async (isExpected: boolean): Promise<void> => {
    const from = performance.now();
    let found = await difference(db, place, MOST_CHANGES);
    // An upper bound: the database's clock was read after `from`. The latest reading counts, so a clock set back is followed.
    databaseAhead = found.readAt - from;
    if (found.place.epoch === '') {
      await db.query('select watchfloor.renew_epoch()');
      found = await difference(db, null, MOST_CHANGES);
    }
    const isNewEpoch =
      place !== null &&
      (found.place.epoch !== place.epoch ||
        // Cut off for so long that what it missed is trimmed: to this node the stream is a new one.
        place.snapshot.xmin < found.floor);
    const wasLeaked = !isExpected && place !== null && !isNewEpoch;
    const bulk = found.isOverflow && place !== null ? await readChangedPlaces(db, place, MOST_ENTRIES) : [];
    // Told before the place moves. Should a listener throw, windows are read anew instead of telling a change that
    // may make it throw for ever; should it throw again, nothing moves and the feed is not vouched for.
    try {
      if (isNewEpoch) events.emit('stream changed', found);
      else events.emit('passed', { ...found, bulk });
    } catch (cause) {
      events.emit('broken', cause);
      events.emit('stream changed', found);
    }
    place = found.place;
    proofAt = found.proofAt;
    passedAt = performance.now();
    failures = 0;
    inProgress = seenInProgress(inProgress, [...place.snapshot.inProgress, ...found.ahead], passedAt);
    counters.passes++;
    if (found.operations.length > 0) warmUntil = passedAt + WARM_MS;
    if (wasLeaked && found.operations.length > 0) {
      counters.leaked += found.operations.length;
      events.emit('leaked', found.operations.length);
    }
  };

  /** ms until somebody must look without being woken; `from` is when the last pass began */
  const untilNext = (from: number): number => {
    const now = performance.now();
    const rePoll = nextRePoll(inProgress, now, now < warmUntil);
    return Math.max(
      0,
      Math.min(
        BACKSTOP_MS,
        trailingAt === null ? Infinity : trailingAt - now,
        // Where a pass takes long, no more than half of the time goes into looking again.
        rePoll === null ? Infinity : Math.max(rePoll, now - from)
      )
    );
  };

  const run = (woken: boolean): void => {
    if (isClosed) return;
    wasWoken ||= woken;
    if (isRunning) return;
    isRunning = true;
    clearTimeout(timer);
    const isWoken = wasWoken;
    wasWoken = false;
    const from = performance.now();
    const isRePoll = !isWoken && (inProgress.since.size > 0 || trailingAt !== null);
    if (isRePoll) counters.rePolls++;
    if (trailingAt !== null && trailingAt <= from) trailingAt = null;
    const asked = waiting;
    waiting = [];
    running = read(isWoken || isRePoll)
      .then(
        () => {
          tellLink('sound again');
          for (const answer of asked) answer(true);
        },
        (error: Error) => {
          failures++;
          tellLink(toErrorFields(error).message);
          for (const answer of asked) answer(false);
        }
      )
      .finally(() => {
        isRunning = false;
        if (isClosed) return;
        // Woken while reading: that read may have been too early. At once, for a timer is a millisecond at least.
        if (wasWoken && failures === 0) return run(false);
        timer = setTimeout(() => run(false), failures > 0 ? backOff(failures - 1, Math.random()) : untilNext(from));
      });
  };

  const wake = (): void => {
    const now = performance.now();
    trailingAt = now + TRAILING_MS;
    warmUntil = now + WARM_MS;
    run(true);
  };
  wakeUp.events.on('woken', wake);
  wakeUp.events.on('regained', wake);
  wakeUp.events.on('lost', (cause) => tellLink(cause));
  run(true);

  return {
    events,
    get place() {
      return place;
    },
    get proofAt() {
      return proofAt;
    },
    get lostLink() {
      return lostLink();
    },
    passSoon() {
      if (isClosed) return Promise.resolve(false);
      const done = new Promise<boolean>((resolve) => waiting.push(resolve));
      run(true);
      return done;
    },
    databaseNow: () => performance.now() + databaseAhead,
    async close() {
      isClosed = true;
      clearTimeout(timer);
      wakeUp.events.off('woken', wake);
      wakeUp.events.off('regained', wake);
      await running.catch(() => {});
      connection.close();
      for (const answer of waiting) answer(false);
      events.removeAllListeners();
    }
  };
}
