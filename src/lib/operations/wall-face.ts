/**
 * What may be on the wall in each state of the freshness stamp (PRODUCT 4.1). The feed decides the state; this says what
 * follows for everything else on the screen, in one place, so that no part of it can look sound by itself. Pure.
 * Invariants: only Live may say anything calm; from Stale on nothing keeps its colour and the loss is the largest thing;
 * without data no present value is shown at all. What is not known is never read as sound.
 */
import type { FeedStamp } from './stamp-wording.ts';
import { toMoment } from './time.ts';
import { toWallAge } from './wall-words.ts';

export type WallState = 'connecting' | 'live' | 'silent' | 'reconnecting' | 'stale' | 'no_data';

export interface WallFace {
  state: WallState;
  /** the word of the stamp */
  word: string;
  /** beside it: the age of the proof, or for how long nothing was reported */
  age: string | null;
  /** "09:14:02", dated when that was another day: since when it is lost, or as of when it is known */
  since: string;
  /** which link is lost; null while there is proof */
  cause: string | null;
  /** only here may calm be said */
  mayBeCalm: boolean;
  /** nothing on the screen keeps its colour, and headings say as of when */
  isWithdrawn: boolean;
  /** values of the present are em dashes */
  isBlank: boolean;
  /** the instant that ages and freshness are judged by: now while proven, the last proof from Stale on */
  at: number;
}

export interface Seen {
  stamp: FeedStamp;
  /** when the server read what is shown */
  readAt: number;
  /** the server's time */
  now: number;
  /** how long nothing was reported, where that is longer than it ever is; null = not silent, or not known */
  silentMs: number | null;
  timeZone: string;
}

/** A clock that runs ahead of the server makes times of the future; no proof is younger than this. */
const AHEAD_MS = 2_000;

export function faceOf({ stamp, readAt, now, silentMs, timeZone }: Seen): WallFace {
  const provenAt = stamp.staleSince ?? (stamp.ageMs === null ? readAt : now - stamp.ageMs);
  const since = toMoment(provenAt, now, timeZone);
  const proven = { cause: null, isWithdrawn: false, isBlank: false, at: now, since };
  const age = stamp.ageMs === null ? null : toWallAge(stamp.ageMs);
  switch (stamp.state) {
    case 'stale':
    case 'no_data': {
      const isBlank = stamp.state === 'no_data';
      const lost = { cause: causeOf(stamp.link), mayBeCalm: false, isWithdrawn: true, isBlank, at: provenAt, since };
      return { state: stamp.state, word: isBlank ? 'No data since' : 'Stale since', age, ...lost };
    }
    case 'live':
      // An age that is missing or of the future proves nothing, whatever the state says.
      if (stamp.ageMs === null || stamp.ageMs < -AHEAD_MS) break;
      if (silentMs !== null)
        return { ...proven, state: 'silent', word: 'Source silent', age: toWallAge(silentMs), mayBeCalm: false };
      return { ...proven, state: 'live', word: 'Live', age, mayBeCalm: true };
    case 'connecting':
      return { ...proven, state: 'connecting', word: 'Connecting', age: null, mayBeCalm: false };
    case 'reconnecting':
      break;
  }
  const word = stamp.catchingUp ? 'Catching up' : 'Reconnecting';
  return { ...proven, state: 'reconnecting', word, age, mayBeCalm: false };
}

function causeOf(link: FeedStamp['link']): string {
  switch (link) {
    case 'browser':
      return 'Server cannot be reached';
    case 'database':
      return 'Server lost its database';
    case 'listener':
    case 'lag':
      return 'The feed is behind';
    case null:
      return 'No proof arrives';
  }
}

/** From this age of the proof on nothing may look current (PRODUCT 4.1). */
const STALE_AFTER_MS = 10_000;
/** Two seconds of the ticker may be late before its silence means anything. */
const LATE_MS = 2_000;

/** How long the picture may stand from now on if no script runs any more: until its proof is stale. */
export function curtainMs(stamp: FeedStamp): number {
  return Math.max(0, STALE_AFTER_MS - Math.max(0, stamp.ageMs ?? 0)) + LATE_MS;
}

/** Did a proof come in each twelfth of the last minute? Oldest first; the last one is the present one. */
export interface Proofs {
  /** which five seconds the last one is */
  at: number;
  /** null: nobody looked */
  came: readonly (boolean | null)[];
}

const PULSE_MS = 5_000;
const PULSES = 12;

/** Takes note of whether there is proof now. What was not looked at (a sleep, a frozen tab) had none. */
export function recordProof(was: Proofs, now: number, stamp: FeedStamp): Proofs {
  const at = Math.floor(now / PULSE_MS);
  const hasProof = stamp.state === 'live';
  // The first look, or a clock that was set: nothing is known of before.
  const isFirst = was.came.length === 0 || at < was.at;
  const passed = isFirst ? PULSES : Math.min(at - was.at, PULSES);
  const moved = [...was.came, ...Array<boolean | null>(passed).fill(isFirst ? null : false)].slice(-PULSES);
  moved[PULSES - 1] = moved[PULSES - 1] === true || hasProof;
  return { at, came: moved };
}

/** What a person standing before a lost wall is told: what failed, what still holds, what to do. */
export interface Told {
  term: string;
  text: string;
}

export function toldOf(face: WallFace, stamp: FeedStamp): Told[] {
  const retry = stamp.retryInMs === null ? null : Math.max(0, Math.ceil(stamp.retryInMs / 1_000));
  const told: Told[] = [
    { term: 'Failed', text: face.age === null ? 'No proof arrived' : `No proof for ${face.age}` },
    { term: 'Still holds', text: 'Operations run without it' },
    { term: 'To do', text: stamp.link === 'browser' ? 'Check network and server' : 'Look at /readyz' }
  ];
  if (retry !== null) told.push({ term: 'Next', text: retry === 0 ? 'Trying again now' : `Next try in ${retry} s` });
  return told;
}
