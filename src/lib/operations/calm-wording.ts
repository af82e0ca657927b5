/**
 * What the hub says where no operation needs attention. Calm is a claim, and only a live feed can make it; anything less
 * is said to be not known, with what is missing. Invariant: the word of calm appears in the state `calm` alone.
 */
import { toSpan } from './duration.ts';
import type { FeedStamp } from './stamp-wording.ts';
import { silentFor, type Summary } from './summary.ts';
import { toClock, toMinute } from './time.ts';
import { toNumber } from './wording.ts';

export interface CalmView {
  /** null = not known */
  summary: Pick<Summary, 'counts' | 'lastReportAt' | 'silentAfterMs'> | null;
  stamp: Pick<FeedStamp, 'state' | 'staleSince'>;
  /** the instant of what is shown: now, the pause, or the last proof */
  at: number;
  liveSince: number | null;
  isPaused: boolean;
  timeZone: string;
}

export interface CalmWords {
  state: 'calm' | 'unknown';
  word: string;
  basis: string;
}

export function calmWords({ summary, stamp, at, liveSince, isPaused, timeZone }: CalmView): CalmWords {
  const when = toClock(at, timeZone);
  if (stamp.state === 'stale' || stamp.state === 'no_data' || summary === null)
    return unknown('Whether an operation needs attention is not known.', `Nothing is proven since ${when}.`);
  if (stamp.state === 'reconnecting')
    return unknown('Whether an operation needs attention is not known now.', 'The feed is reconnecting.');
  if (isPaused)
    return unknown('While paused, no operation is said to need attention.', `What is shown is as of ${when}.`);
  if (stamp.state === 'connecting')
    return unknown(
      'No operation needed attention when this page was read.',
      `That was at ${when}; it is not followed live yet.`
    );
  const { active } = summary.counts;
  const activity = active === 0 ? 'No operation' : active === 1 ? 'One operation' : `${toNumber(active)} operations`;
  const since = liveSince === null ? '' : `; live since ${toMinute(liveSince, at, timeZone)}`;
  const silence = toSpan(silentFor(summary, at));
  const caveat = silence === null ? '' : ` Nothing was reported for ${silence}.`;
  return {
    state: 'calm',
    word: 'Nothing needs attention.',
    basis: `No open follow-up. ${activity} active${since}.${caveat}`
  };
}

function unknown(word: string, basis: string): CalmWords {
  return { state: 'unknown', word, basis };
}
