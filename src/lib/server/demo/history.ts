/**
 * The demo's 30 days of operations, composed from a seed and ending at `now`: daily and weekly rhythm, busy half-hours,
 * the episodes, the stories, and a few operations still active. Pure: the same seed and time give the same rows.
 * Invariant: nothing lies in the future, every row is a legal operation, and only the stories leave a follow-up open.
 */
import { drawOutcome } from './endings.ts';
import { composeEnded, drawSeconds, type DemoOperation } from './ended.ts';
import { composeBurst, composeSilentSource, SILENT_FOR_MS, SPOTS } from './episodes.ts';
import { closeFollowUps, isBad, sequenceOf } from './follow-ups.ts';
import { happensIn, KINDS } from './kinds.ts';
import { composeActive } from './active-operations.ts';
import { drawAround, drawOne, drawWeighted, openRandom, type Random } from './random.ts';
import { composeStories } from './stories.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `count` operations, oldest first. */
export function composeHistory({ seed, now, count }: { seed: number; now: number; count: number }): DemoOperation[] {
  const random = openRandom(seed);
  const stories = composeStories(random, now);
  const told = [
    ...stories,
    ...composeActive(random, now),
    ...composeBurst(random, now),
    ...composeSilentSource(random, now)
  ];
  const drawn = drawHistory(random, { now, count: count - told.length, openSince: findOpenings(stories) });
  const history = [...told, ...drawn].sort((a, b) => a.createdAt - b.createdAt);
  closeFollowUps(random, history, { stories: new Set(stories), now });
  return history;
}

/** Since when something is open in a sequence: what is drawn must not end later, because a success would close it. */
function findOpenings(stories: readonly DemoOperation[]): Map<string, number> {
  const openings = new Map<string, number>();
  for (const story of stories.filter(isBad)) {
    const sequence = sequenceOf(story);
    openings.set(sequence, Math.min(openings.get(sequence) ?? Infinity, story.completedAt!));
  }
  return openings;
}

function drawHistory(
  random: Random,
  { now, count, openSince }: { now: number; count: number; openSince: ReadonlyMap<string, number> }
): DemoOperation[] {
  const busy = Array.from({ length: 9 }, () => drawTime(random, now));
  const drawn: DemoOperation[] = [];
  while (drawn.length < count) {
    // Every twelfth belongs to one of a few busy half-hours, as when a customer is taken on.
    const near = drawn.length % 12 === 0 ? drawOne(random, busy) + random() * 30 * MINUTE : drawTime(random, now);
    const operation = composeNear(random, near, now);
    if (operation.completedAt! < (openSince.get(sequenceOf(operation)) ?? Infinity)) drawn.push(operation);
  }
  return drawn;
}

/** Share of the day's work in each hour (UTC): quiet evenings, backups at night, most of it in office hours. */
const HOURS = [5, 9, 8, 5, 4, 4, 6, 9, 12, 13, 12, 10, 9, 11, 12, 11, 9, 7, 5, 4, 3, 3, 3, 4];

function drawTime(random: Random, now: number): number {
  for (;;) {
    const time = now - random() * 30 * DAY;
    const date = new Date(time);
    const isWeekend = date.getUTCDay() === 0 || date.getUTCDay() === 6;
    const weight = (HOURS[date.getUTCHours()] ?? 1) * (isWeekend ? 0.45 : 1);
    if (random() * Math.max(...HOURS) < weight) return time;
  }
}

/** An ended operation that was reported at about `around`, moved back where it would not have ended by now. */
function composeNear(random: Random, around: number, now: number): DemoOperation {
  const hour = new Date(around).getUTCHours();
  const isNight = hour < 5 || hour > 21;
  const spot = drawWeighted(random, SPOTS, ({ environment }) =>
    // Backups take an hour: nothing of the silent source may end after it fell silent.
    environment?.story === 'silent' && now - around < SILENT_FOR_MS + 3 * HOUR ? 0 : (environment?.activity ?? 0.35)
  );
  const kind = drawWeighted(random, KINDS, (candidate) => {
    if (!happensIn(candidate, spot.environment?.name ?? null)) return 0;
    const isItsTime = candidate.when === 'any' || (candidate.when === 'night') === isNight;
    return isItsTime ? candidate.weight * (candidate.when === 'any' ? 1 : 1.6) : candidate.weight * 0.06;
  });
  const outcome = drawOutcome(random, kind);
  const seconds = drawSeconds(random, kind, outcome);
  const waited = drawAround(random, 2_500, 0.7);
  const createdAt = Math.min(around, now - seconds * 1_000 - waited - 5_000);
  return composeEnded(random, { spot, kind, outcome, createdAt, waited, seconds });
}
