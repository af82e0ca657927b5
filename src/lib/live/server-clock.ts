/**
 * What time it is at the database, from a browser whose own clocks may be wrong. Pure: a `Moment` of both local clocks
 * is an argument. An answer's `now` is not before the time at which it was asked for, so `now + time since asking` is an
 * upper bound of the present, and an age computed with it is never too young.
 * Invariants: only answers set the clock (a tick held up in a buffer would look fresh); a bound that a sleep, a jump of
 * the local clock or a younger proof contradicts is dropped, and until the next answer there is none.
 */

/** Both clocks of the browser, in milliseconds: `performance.now()`, which may stand still in sleep, and `Date.now()`. */
export interface Moment {
  mono: number;
  wall: number;
}

/** One answer of the server. */
interface Bound {
  /** the answer's `now` */
  now: number;
  asked: Moment;
  /** how long the answer took, i.e. how loose the bound may be */
  tookMs: number;
  /** difference wall − mono when it was last looked at */
  lastOffset: number;
  /** all that the wall gained since asking, which may have been sleep; what it lost again takes nothing off */
  slept: number;
}

export interface ServerClock {
  readonly bounds: readonly Bound[];
  /** the last answer or the page's own time, for words only: kept even where the bounds had to be dropped */
  readonly guess: { now: number; at: Moment };
}

/** A wall clock that gained or lost more than this against the monotonic one slept or was set. */
export const JUMP_MS = 2_000;
export const MEASURE_EVERY_MS = 60_000;
/** A loose bound (slow answer) makes proofs look old, so it is measured again soon. */
const LOOSE_MS = 1_000;
const MEASURE_LOOSE_EVERY_MS = 5_000;
/** Quartz is specified to 100 ppm or better and slewed by at most 500: what a bound may lose while it ages. */
const DRIFT = 0.0006;
const KEEP_MS = 300_000;
const KEEP_BOUNDS = 6;

/** Starts without any bound: `readAt` is when the page was read, which says nothing about how long it travelled. */
export function openClock(readAt: number, at: Moment): ServerClock {
  return { bounds: [], guess: { now: readAt, at } };
}

/** To be called each second and before each use: drops the bounds if a local clock jumped. */
export function observe(clock: ServerClock, at: Moment): ServerClock {
  const offset = at.wall - at.mono;
  if (clock.bounds.some((bound) => Math.abs(offset - (bound.asked.wall - bound.asked.mono)) > JUMP_MS)) {
    return { ...clock, bounds: [] };
  }
  const bounds = clock.bounds
    .filter((bound) => at.mono - bound.asked.mono <= KEEP_MS)
    .map((bound) =>
      offset === bound.lastOffset ? bound : { ...bound, lastOffset: offset, slept: bound.slept + gained(bound, offset) }
    );
  return { ...clock, bounds };
}

/** Adds an answer. A local clock that jumped while it was under way makes it worthless. */
export function measured(clock: ServerClock, now: number, asked: Moment, at: Moment): ServerClock {
  const seen = observe(clock, at);
  const offset = at.wall - at.mono;
  const askedOffset = asked.wall - asked.mono;
  if (Math.abs(offset - askedOffset) > JUMP_MS) return seen;
  const tookMs = at.mono - asked.mono;
  const bound: Bound = { now, asked, tookMs, lastOffset: offset, slept: Math.max(0, offset - askedOffset) };
  // The answer cannot be older than its journey: an earlier bound below that was overtaken (a database clock set forward).
  const sound = seen.bounds.filter((older) => present(older, at) >= now);
  return { bounds: [bound, ...sound].slice(0, KEEP_BOUNDS), guess: { now, at } };
}

/** A proof cannot come from the future: a bound below it is wrong (the database's clock was set forward). */
export function heardProof(clock: ServerClock, proofAt: number, at: Moment): ServerClock {
  const bounds = clock.bounds.filter((bound) => present(bound, at) >= proofAt);
  return bounds.length === clock.bounds.length ? clock : { ...clock, bounds };
}

/** An upper bound of the database's present time, the tightest known; null: measure first. */
export function latestNow(clock: ServerClock, at: Moment): number | null {
  if (clock.bounds.length === 0) return null;
  return Math.min(...clock.bounds.map((bound) => present(bound, at)));
}

/** The best guess for relative times. Counts sleep by the wall clock, and never goes back for a clock set back. */
export function likelyNow(clock: ServerClock, at: Moment): number {
  const { now, at: since } = clock.guess;
  return latestNow(clock, at) ?? now + Math.max(at.mono - since.mono, at.wall - since.wall);
}

/** Is it time to ask again? `lastAsked` is the monotonic time of the last question, null before the first. */
export function isMeasureDue(clock: ServerClock, lastAsked: number | null, at: Moment): boolean {
  if (lastAsked === null) return true;
  const tightest = Math.min(...clock.bounds.map((bound) => bound.tookMs)); // Infinity without bounds
  if (tightest === Infinity) return at.mono - lastAsked >= LOOSE_MS;
  return at.mono - lastAsked >= (tightest > LOOSE_MS ? MEASURE_LOOSE_EVERY_MS : MEASURE_EVERY_MS);
}

/** The present by one answer: time since asking, sleep included, and what the monotonic clock may have lost. */
function present(bound: Bound, at: Moment): number {
  const elapsed = at.mono - bound.asked.mono;
  return bound.now + elapsed * (1 + DRIFT) + bound.slept + gained(bound, at.wall - at.mono);
}

/** What the wall clock gained over the monotonic one since it was last looked at. */
function gained(bound: Bound, offset: number): number {
  return Math.max(0, offset - bound.lastOffset);
}
