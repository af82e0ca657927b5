/**
 * The operations that are still open when the demo is seeded: a fixed handful, so that the first look shows every kind of
 * progress (counted, by phase, without counts, waiting, and one that stopped reporting).
 */
import { DEMO_PEOPLE, DEMO_SOURCE, DEMO_WORKSPACES } from './cast.ts';
import type { DemoOperation } from './history.ts';
import { kindOf } from './kinds.ts';
import { drawAround, drawWhole, type Random } from './random.ts';

interface OpenPlan {
  environment: string | null;
  type: string;
  /** full name of the person who started it; null = System */
  by: string | null;
  /** share that is done; null = still queued */
  done: number | null;
  /** seconds since it was reported first, and since it was reported last */
  since: number;
  silentFor: number;
}

const HALDEN = 'Halden & Roy';

/** In the order of `since` it does not matter: the history is sorted. Each (place, type) stands here once. */
const PLANS: readonly (OpenPlan & { workspace: string })[] = [
  {
    workspace: HALDEN,
    environment: 'Brightwater Clinics',
    type: 'inventory.sync',
    by: null,
    done: 0.37,
    since: 76,
    silentFor: 3
  },
  {
    workspace: HALDEN,
    environment: 'Brightwater Clinics',
    type: 'policy.snapshot',
    by: 'Devi Raman',
    done: 0.92,
    since: 410,
    silentFor: 6
  },
  {
    workspace: HALDEN,
    environment: 'Brightwater Clinics',
    type: 'compliance.snapshot',
    by: null,
    done: null,
    since: 21,
    silentFor: 21
  },
  {
    workspace: HALDEN,
    environment: 'Isenberg Pharma Deutschland',
    type: 'tenant.evidence.snapshot.generate',
    by: 'Ingrid Vass',
    done: 0.5,
    since: 183,
    silentFor: 11
  },
  {
    workspace: HALDEN,
    environment: 'Harbourline Insurance',
    type: 'backup.schedule.execute',
    by: null,
    done: 0.44,
    since: 1_037,
    silentFor: 4
  },
  {
    workspace: HALDEN,
    environment: 'Dunmore Borough Council',
    type: 'policy.sync',
    by: null,
    done: 0.71,
    since: 58,
    silentFor: 2
  },
  // Stopped reporting two hours ago, and no limit is that long: likely stale from the start, and nobody will end it.
  {
    workspace: HALDEN,
    environment: 'Larkhill Housing Association',
    type: 'environment.review_pack.generate',
    by: 'Maren Holt',
    done: 0.4,
    since: 7_560,
    silentFor: 7_300
  },
  { workspace: HALDEN, environment: null, type: 'alerts.evaluate', by: null, done: null, since: 4, silentFor: 4 },
  {
    workspace: 'Northgate Services',
    environment: 'Kestrel Aviation Services',
    type: 'inventory.sync',
    by: null,
    done: 0.34,
    since: 96,
    silentFor: 1
  },
  {
    workspace: 'Northgate Services',
    environment: 'Juniper Retail',
    type: 'baseline.compare',
    by: 'Maren Holt',
    done: 0.18,
    since: 33,
    silentFor: 5
  },
  {
    workspace: 'Northgate Services',
    environment: 'Calder Freight',
    type: 'directory.groups.sync',
    by: null,
    done: 0.6,
    since: 14,
    silentFor: 3
  }
];

/** Reported by a system that stopped in the middle; the demo's writer leaves it alone. */
export const STOPPED_SOURCE = 'jobqueue-eu-2';

export function composeOpen(random: Random, now: number): DemoOperation[] {
  return PLANS.map((plan) => {
    const kind = kindOf(plan.type);
    if (!kind) throw new Error(`The demo has no kind ${plan.type}.`);
    const size =
      DEMO_WORKSPACES.flatMap(({ environments }) => environments).find(({ name }) => name === plan.environment)?.size ??
      1;
    const isRunning = plan.done !== null;
    const total = isRunning && kind.amount > 0 ? Math.round(drawAround(random, kind.amount * size, 0.05)) : null;
    const createdAt = now - plan.since * 1_000;
    const person = DEMO_PEOPLE.find(({ name }) => name === plan.by);
    return {
      workspace: plan.workspace,
      environment: plan.environment,
      person: person?.email ?? null,
      initiator: person?.name ?? 'System',
      type: plan.type,
      status: isRunning ? 'running' : 'queued',
      outcome: 'pending',
      hash: plan.type,
      processed: total === null ? null : Math.floor(total * (plan.done ?? 0)),
      total,
      phase: isRunning ? (kind.phases[Math.floor((plan.done ?? 0) * kind.phases.length)] ?? null) : null,
      counts: {},
      failures: [],
      context: { worker: `jobs-eu-${drawWhole(random, 1, 4)}`, attempt: 1 },
      source: plan.silentFor > 3_600 ? STOPPED_SOURCE : DEMO_SOURCE,
      cancelledBy: null,
      createdAt,
      startedAt: isRunning ? createdAt + 1_800 : null,
      completedAt: null,
      lastReportedAt: now - plan.silentFor * 1_000
    };
  });
}
