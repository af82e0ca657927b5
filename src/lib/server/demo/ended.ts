/**
 * One ended operation of the demo's history: who, how long, how many, how it ended, and what a supporter finds in its
 * diagnostics. Pure. It knows nothing of other operations; what closes follow-ups is follow-ups.ts.
 */
import { DEMO_SOURCE, readersOf, type DemoEnvironment } from './cast.ts';
import { composeEnding, type Ending } from './endings.ts';
import type { Kind } from './kinds.ts';
import { drawAround, drawOne, drawWhole, type Random } from './random.ts';

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
  externalId: string | null;
  cancelledBy: string | null;
  reconciliation: string | null;
  retryOf: DemoOperation | null;
  /** the first later success of its kind, where that closed its follow-up */
  resolvedBy: DemoOperation | null;
  reviewed: { at: number; email: string } | null;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
  lastReportedAt: number;
}

/** What every operation of the demo has until something else is said of it. */
export const NOTHING_MORE = {
  externalId: null,
  cancelledBy: null,
  reconciliation: null,
  retryOf: null,
  resolvedBy: null,
  reviewed: null
} as const satisfies Partial<DemoOperation>;

/** A place where operations happen. */
export interface Spot {
  workspace: string;
  /** null = the workspace itself */
  environment: DemoEnvironment | null;
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

/** A schedule that some environments name as the initiator instead of "System": nobody keeps such names short. */
const LONG_INITIATOR = 'Nightly maintenance schedule of the operations team (EMEA, weekdays and month ends)';

export function composeEnded(
  random: Random,
  { spot, kind, outcome, createdAt, waited, seconds }: Parts
): DemoOperation {
  const environment = spot.environment?.name ?? null;
  const people = readersOf(spot.workspace, environment);
  const person = random() < kind.byPeople ? drawOne(random, people) : null;
  const total = drawTotal(random, kind, spot.environment?.size ?? 1);
  const processed = Math.floor(total * (0.1 + random() * 0.8));
  const ending = composeEnding(random, kind, outcome, { total, processed, cancelledBy: drawOne(random, people).name });
  const completedAt = Math.round(createdAt + waited + seconds * 1_000);
  const isScheduled = kind.when === 'night' && random() < 0.06;
  // Every field by name, without a spread: 50,000 of these are made while a first start waits (each takes several times as long with one).
  return {
    workspace: spot.workspace,
    environment,
    person: person?.email ?? null,
    initiator: person?.name ?? (isScheduled ? LONG_INITIATOR : 'System'),
    type: kind.type,
    status: 'completed',
    outcome,
    hash: kind.type,
    processed: ending.counts['processed'] ?? null,
    total: total > 0 ? total : null,
    phase: null,
    counts: ending.counts,
    failures: ending.failures,
    context: composeContext(random, kind, outcome),
    source: kind.reporter?.source ?? DEMO_SOURCE,
    externalId: drawExternalId(random, kind),
    cancelledBy: ending.cancelledBy,
    reconciliation: null,
    retryOf: null,
    resolvedBy: null,
    reviewed: null,
    createdAt: Math.round(createdAt),
    // What is blocked never started.
    startedAt: outcome === 'blocked' ? null : Math.round(createdAt + waited),
    completedAt,
    lastReportedAt: completedAt
  };
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

/** Its own id in the system that reports it, where that is not ours. */
export function drawExternalId(random: Random, kind: Kind): string | null {
  return kind.reporter ? `${kind.reporter.prefix}${drawWhole(random, 10_000, 9_999_999)}` : null;
}

/** What only support may open. Nothing in it is real; a bad end leaves more behind than a good one. */
export function composeContext(random: Random, kind: Kind, outcome: DemoOperation['outcome']): Record<string, unknown> {
  const worker = { worker: `jobs-eu-${drawWhole(random, 1, 4)}`, attempt: random() < 0.04 ? 2 : 1 };
  if (outcome === 'succeeded' || outcome === 'pending') return worker;
  return {
    ...worker,
    correlation_id: Math.floor(random() * 2 ** 52).toString(36),
    request: { endpoint: `https://provider.example/v2/${kind.type.replaceAll('.', '/')}`, page_size: 500 },
    last_response:
      outcome === 'cancelled' ? null : { status: drawOne(random, [403, 409, 429, 503]), retry_after_seconds: 30 },
    calls: drawWhole(random, 3, 4_000)
  };
}
