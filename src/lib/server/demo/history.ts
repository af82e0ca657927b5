/**
 * The demo's 30 days of operations, composed from a seed and ending at `now`: daily and weekly rhythm, busy half-hours,
 * a silent environment, one evening in which the provider limited everybody, and a few operations still open. Pure: the
 * same seed and time give the same rows. Invariant: nothing lies in the future, and every row is a legal operation.
 */
import { DEMO_SOURCE, DEMO_WORKSPACES, readersOf, type DemoEnvironment } from './cast.ts';
import { composeEnding, drawOutcome, type Ending } from './endings.ts';
import { KINDS, kindOf, THROTTLED, type Kind } from './kinds.ts';
import { composeOpen } from './open-operations.ts';
import { drawAround, drawOne, drawWeighted, drawWhole, openRandom, type Random } from './random.ts';

/** One row of operation_runs, with names where the table has ids. Times are milliseconds since 1970. */
export interface DemoOperation {
  workspace: string;
  environment: string | null;
  /** e-mail address of the person who started it; null = System */
  person: string | null;
  initiator: string;
  type: string;
  status: 'queued' | 'running' | 'completed';
  outcome: 'pending' | Ending['outcome'];
  hash: string;
  processed: number | null;
  total: number | null;
  phase: string | null;
  counts: Ending['counts'];
  failures: Ending['failures'];
  context: Record<string, unknown>;
  source: string;
  cancelledBy: string | null;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
  lastReportedAt: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How long the silent environment has been silent. */
export const SILENT_FOR_MS = 4 * DAY;
/** The provider's bad quarter of an hour: how long ago, and in which environments. */
const BURST_AGO_MS = 3 * HOUR + 40 * MINUTE;
const BURST_IN = [
  'Harbourline Insurance',
  'Isenberg Pharma Deutschland',
  'Larkhill Housing Association',
  'Calder Freight',
  'Juniper Retail',
  'Kestrel Aviation Services'
];

/** A place where operations happen, with how often. */
interface Spot {
  workspace: string;
  environment: DemoEnvironment | null;
}

const SPOTS: readonly Spot[] = DEMO_WORKSPACES.flatMap(({ name, environments }) => [
  { workspace: name, environment: null },
  ...environments.map((environment) => ({ workspace: name, environment }))
]);

/** All operations, oldest first. `count` of them, of which at most 12 are open. */
export function composeHistory({ seed, now, count }: { seed: number; now: number; count: number }): DemoOperation[] {
  const random = openRandom(seed);
  const open = composeOpen(random, now);
  const burst = composeBurst(random, now);
  const busy = Array.from({ length: 9 }, () => drawTime(random, now));
  const rest = Array.from({ length: count - open.length - burst.length }, (_, index) => {
    // Every twelfth belongs to one of a few busy half-hours, as when a customer is taken on.
    const near = index % 12 === 0 ? drawOne(random, busy) + random() * 30 * MINUTE : drawTime(random, now);
    return composeCompleted(random, near, now);
  });
  return [...rest, ...burst, ...open].sort((a, b) => a.createdAt - b.createdAt);
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
function composeCompleted(random: Random, around: number, now: number): DemoOperation {
  const hour = new Date(around).getUTCHours();
  const isNight = hour < 5 || hour > 21;
  const spot = drawWeighted(random, SPOTS, ({ environment }) =>
    environment?.isSilent && now - around < SILENT_FOR_MS + 2 * HOUR ? 0 : (environment?.activity ?? 0.35)
  );
  const kind = drawWeighted(random, KINDS, ({ weight, when, ofWorkspace }) => {
    if ((ofWorkspace === true) !== (spot.environment === null)) return 0;
    const isItsTime = when === 'any' || (when === 'night') === isNight;
    return isItsTime ? weight * (when === 'any' ? 1 : 1.6) : weight * 0.06;
  });
  const outcome = drawOutcome(random, kind);
  const seconds = drawSeconds(random, kind, outcome);
  const waited = drawAround(random, 2_500, 0.7);
  const createdAt = Math.min(around, now - seconds * 1_000 - waited - 5_000);
  return composeAt(random, { spot, kind, outcome, createdAt, waited, seconds });
}

/** What is blocked ends at once; what fails or is cancelled ends early. */
export function drawSeconds(random: Random, kind: Kind, outcome: Ending['outcome']): number {
  const full = Math.max(1, drawAround(random, kind.seconds, 0.45));
  if (outcome === 'blocked') return 1 + random() * 2;
  return outcome === 'failed' || outcome === 'cancelled' ? Math.max(1, full * (0.1 + random() * 0.7)) : full;
}

/** How many items an operation of this kind has in an environment of `size`; 0 = it reports no counts. */
export function drawTotal(random: Random, kind: Kind, size: number): number {
  if (kind.amount === 0) return 0;
  return kind.amount === 1 ? 1 : Math.max(5, Math.round(drawAround(random, kind.amount * size, 0.08)));
}

interface Parts {
  spot: Spot;
  kind: Kind;
  outcome: Ending['outcome'];
  createdAt: number;
  /** milliseconds in the queue */
  waited: number;
  seconds: number;
}

function composeAt(random: Random, { spot, kind, outcome, createdAt, waited, seconds }: Parts): DemoOperation {
  const environment = spot.environment?.name ?? null;
  const people = readersOf(spot.workspace, environment);
  const person = random() < kind.byPeople ? drawOne(random, people) : null;
  const total = drawTotal(random, kind, spot.environment?.size ?? 1);
  const processed = Math.floor(total * (0.1 + random() * 0.8));
  const ending = composeEnding(random, kind, outcome, { total, processed, cancelledBy: drawOne(random, people).name });
  const startedAt = outcome === 'blocked' ? null : Math.round(createdAt + waited);
  const completedAt = Math.round(createdAt + waited + seconds * 1_000);
  return {
    workspace: spot.workspace,
    environment,
    person: person?.email ?? null,
    initiator: person?.name ?? 'System',
    type: kind.type,
    status: 'completed',
    outcome,
    hash: kind.type,
    processed: ending.counts['processed'] ?? null,
    total: total > 0 ? total : null,
    phase: null,
    counts: ending.counts,
    failures: ending.failures,
    context: { worker: `jobs-eu-${drawWhole(random, 1, 4)}`, attempt: random() < 0.04 ? 2 : 1 },
    source: DEMO_SOURCE,
    cancelledBy: ending.cancelledBy,
    createdAt: Math.round(createdAt),
    startedAt,
    completedAt,
    lastReportedAt: completedAt
  };
}

/** Within eight minutes the provider limits the requests of six environments, again and again. */
function composeBurst(random: Random, now: number): DemoOperation[] {
  const kinds = ['policy.sync', 'inventory.sync'].flatMap((type) => kindOf(type) ?? []);
  const spots = SPOTS.filter(({ environment }) => environment && BURST_IN.includes(environment.name));
  return spots.flatMap((spot) =>
    Array.from({ length: 4 }, (_, round) => {
      const composed = composeAt(random, {
        spot,
        kind: drawOne(random, kinds),
        outcome: 'failed',
        createdAt: now - BURST_AGO_MS + (round * 2 + random() * 1.5) * MINUTE,
        waited: 1_500 + random() * 2_000,
        seconds: 28 + random() * 5
      });
      const count = composed.counts['failed'] ?? 0;
      return { ...composed, failures: [{ ...THROTTLED, ...(count > 1 ? { count } : {}) }] };
    })
  );
}
