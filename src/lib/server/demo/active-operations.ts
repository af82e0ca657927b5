/**
 * The operations that are still active when the demo is seeded: a fixed handful, so that the first look shows every kind
 * of progress (counted, by phase, without counts, waiting) and some whose reporter stopped: likely stale from the start.
 */
import { DEMO_PEOPLE, DEMO_SOURCE, environmentOf } from './cast.ts';
import { composeContext, drawExternalId, NOTHING_MORE, type DemoOperation } from './ended.ts';
import { kindOf } from './kinds.ts';
import { drawAround, type Random } from './random.ts';

interface ActivePlan {
  workspace: string;
  environment: string | null;
  type: string;
  /** full name of the person who started it; null = System */
  by: string | null;
  /** share that is done; null = still queued */
  done: number | null;
  /** seconds since it was reported first, and since it was reported last */
  since: number;
  silentFor: number;
  /** reported by a system that stopped in the middle: nobody will end it */
  isStopped?: true;
}

const HALDEN = 'Halden & Roy';

/** In the order of `since` it does not matter: the history is sorted. Each (place, type) stands here once. */
const PLANS: readonly ActivePlan[] = [
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
  {
    workspace: HALDEN,
    environment: 'Harbourline Insurance',
    type: 'environment.review.compose',
    by: 'Ingrid Vass',
    done: 0.3,
    since: 41,
    silentFor: 12
  },
  // Beyond every limit of their types: likely stale from the start.
  {
    workspace: HALDEN,
    environment: 'Brightwater Clinics',
    type: 'environment.review_pack.generate',
    by: 'Maren Holt',
    done: 0.4,
    since: 3_475,
    silentFor: 2_840,
    isStopped: true
  },
  {
    workspace: HALDEN,
    environment: 'Brightwater Clinics',
    type: 'backup.schedule.retention',
    by: null,
    done: null,
    since: 5_160,
    silentFor: 5_160,
    isStopped: true
  },
  {
    workspace: HALDEN,
    environment: 'Larkhill Housing Association',
    type: 'tenant.evidence.snapshot.generate',
    by: 'Maren Holt',
    done: 0.7,
    since: 7_560,
    silentFor: 7_300,
    isStopped: true
  },
  {
    workspace: 'Northgate Services',
    environment: 'Juniper Retail',
    type: 'policy.snapshot',
    by: null,
    done: 0.22,
    since: 4_400,
    silentFor: 4_260,
    isStopped: true
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

/** What stopped in the middle came from there; the demo's writer leaves it alone. */
const STOPPED_SOURCE = 'jobqueue-eu-2';

export function composeActive(random: Random, now: number): DemoOperation[] {
  return PLANS.map((plan) => {
    const kind = kindOf(plan.type);
    if (!kind) throw new Error(`The demo has no kind ${plan.type}.`);
    const size = environmentOf(plan.workspace, plan.environment)?.size ?? 1;
    const isRunning = plan.done !== null;
    const total = isRunning && kind.amount > 0 ? Math.round(drawAround(random, kind.amount * size, 0.05)) : null;
    const createdAt = now - plan.since * 1_000;
    const person = DEMO_PEOPLE.find(({ name }) => name === plan.by);
    return {
      ...NOTHING_MORE,
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
      context: composeContext(random, kind, 'pending'),
      source: plan.isStopped ? STOPPED_SOURCE : DEMO_SOURCE,
      externalId: drawExternalId(random, kind),
      createdAt,
      startedAt: isRunning ? createdAt + 1_800 : null,
      completedAt: null,
      lastReportedAt: now - plan.silentFor * 1_000
    };
  });
}
