/**
 * What a page says when access moved under it: that what a person may see changed, that what was open is not theirs to see
 * any more, that they were signed out. Pure. Invariant: nothing here says what is there; of something that was removed and
 * of something that was taken from them the words are the same, and they speak of the person alone.
 */
import { toClock, toZoneName } from './time.ts';

export interface NoticeWords {
  fact: string;
  consequence: string;
  /** when it happened, where two happenings may have the same words: within a second they have, and are two all the same */
  at?: number;
}

/** What a person puts away is a happening, not its words: the next one is said also where it reads alike. */
export function isSameNotice(one: NoticeWords | null, other: NoticeWords): boolean {
  return one !== null && one.fact === other.fact && one.at === other.at;
}

const clock = (at: number, zone: string): string => `${toClock(at, zone)} ${toZoneName(at, zone)}`;

/** The page is still here. `isReading`: it is being read again, with the access of now. */
export function accessWords(at: number | null, isReading: boolean, timeZone: string): NoticeWords | null {
  if (at === null) return null;
  return {
    at,
    fact: `Your access changed at ${clock(at, timeZone)}.`,
    consequence: isReading ? 'What you may see is being read.' : 'This is what you may see now.'
  };
}

/** A page went away under a person; what stands below it is the page of everything that is absent. */
export function leftWords(at: number, timeZone: string): NoticeWords {
  return { fact: `You no longer see what was open here, since ${clock(at, timeZone)}.`, consequence: '' };
}

/** On the page for signing in. `at`: when the open page heard of it; null where that is not known. */
export function endedWords(at: number | null, timeZone: string): NoticeWords {
  return {
    fact: at === null ? 'Your session ended.' : `Your session ended at ${clock(at, timeZone)}.`,
    consequence: 'Sign in to go on where you were.'
  };
}

export const SIGNED_OUT_WORDS: NoticeWords = { fact: 'You are signed out.', consequence: '' };
