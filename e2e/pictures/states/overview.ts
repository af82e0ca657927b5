/** Invented overviews for pictures: 1, 12 and 60 environments, none at all, very long names, and a feed without proof. */
import type { OperationRow } from '#lib/operations/operation.ts';
import type { OverviewPage } from '#lib/operations/pages.ts';
import type { AttentionKind } from '#lib/operations/problem.ts';
import type { Summary } from '#lib/operations/summary.ts';
import { parseTileOrder } from '#lib/operations/tile.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 4);
const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const workspace = { id: 3, name: 'Halden & Roy', isDemo: true };
const LONG = 'Northgate Services for municipalities, schools and hospitals of the north';

type Kind = AttentionKind | 'calm' | 'silent' | 'never' | 'flood' | 'long';
const FLEET: [name: string, kind: Kind, active: number][] = [
  ['Aster Dental Group', 'calm', 2],
  ['Brightwater Clinics', 'flood', 7],
  ['Calder Freight', 'failed', 0],
  ['Dunmore Borough Council', 'partial', 1],
  ['Ellery & Finch LLP', 'never', 0],
  ['Fenwick Mills', 'silent', 0],
  ['Greyfriars Academy Trust (sixth form, exams and admissions)', 'calm', 0],
  ['Harbourline Insurance', 'failed', 1],
  ['Isenberg Pharma Deutschland', 'blocked', 3],
  ['Juniper Retail', 'calm', 4],
  ['Kestrel Aviation Services', 'long', 2],
  ['Larkhill Housing Association', 'stale', 2]
];

function row(id: number, change: Partial<OperationRow>): OperationRow {
  return {
    id,
    revision: 1,
    workspaceId: workspace.id,
    environmentId: 1,
    type: 'policy.sync',
    status: 'completed',
    outcome: 'failed',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: { code: 'throttled', message: 'Provider limited the requests' },
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - 20 * MIN,
    startedAt: AT - 20 * MIN,
    completedAt: AT - 6 * MIN,
    lastReportedAt: AT - 6 * MIN,
    staleAt: null,
    search: '',
    resolved: null,
    reviewed: null,
    ...change
  };
}

const FAILURES: Record<Exclude<Kind, 'calm' | 'silent' | 'never'>, Partial<OperationRow>> = {
  failed: {},
  blocked: {
    outcome: 'blocked',
    type: 'promotion.execute',
    failure: { code: null, message: 'Approval CW-2224 is missing' }
  },
  flood: {
    outcome: 'blocked',
    type: 'promotion.execute',
    failure: { code: null, message: 'Approval CW-2219 is missing' }
  },
  partial: { outcome: 'partially_succeeded', failure: null, counts: { total: 412, succeeded: 386, failed: 26 } },
  stale: {
    type: 'tenant.evidence.snapshot.generate',
    status: 'running',
    outcome: 'pending',
    completedAt: null,
    failure: null,
    lastReportedAt: AT - 14 * MIN,
    staleAt: AT - 4 * MIN
  },
  long: {
    type: 'ext.greyfriars.assignments_restore.conditional_access',
    failure: {
      code: null,
      message: 'The provider answered with https://graph.example.test/v1.0/deviceManagement/' + 'x'.repeat(160)
    }
  }
};

function summary(place: Summary['place'], kind: Kind, active: number): Summary {
  const counts = { active, stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: kind === 'never' ? 0 : 240 };
  const groups: Summary['groups'] = [];
  if (kind === 'flood') Object.assign(counts, { blocked: 2, failed: 1_204_338, partial: 3 });
  else if (kind === 'long') counts.failed = 1;
  else if (kind !== 'calm' && kind !== 'silent' && kind !== 'never') counts[kind] = 1;
  if (kind in FAILURES)
    groups.push({ row: row(1, FAILURES[kind as keyof typeof FAILURES]), count: kind === 'flood' ? 2 : 1 });
  return {
    place,
    at: AT,
    counts,
    groups,
    lastReportAt: kind === 'never' ? null : kind === 'silent' ? AT - 3 * H - 10 * MIN : AT - 2 * S - active * 17 * S,
    silentAfterMs: kind === 'never' ? null : H
  };
}

const hours = (kind: Kind, seed: number) =>
  Array.from({ length: 24 }, (_, at) => {
    if (kind === 'never' || (kind === 'silent' && at > 20)) return { completed: 0, bad: 0 };
    const completed = Math.round((8 + seed * 3) * (1 + Math.sin((at + seed) / 3) * 0.5) * (at > 8 ? 1.6 : 1));
    return { completed, bad: kind !== 'calm' && (at + seed) % 11 === 0 ? Math.ceil(completed / 4) : 0 };
  });

/** null where the name is no state of the overview. */
export function overviewState(name: string) {
  if (!name.startsWith('overview')) return null;
  const fleet: typeof FLEET =
    name === 'overview-sixty'
      ? Array.from({ length: 60 }, (_, at) => [`${FLEET[at % 12]![0]} ${at + 1}`, FLEET[(at * 7) % 12]![1], at % 5])
      : name === 'overview-one'
        ? FLEET.slice(0, 1)
        : name === 'overview-nothing' || name === 'overview-own'
          ? []
          : name === 'overview-never'
            ? FLEET.slice(0, 3).map(([title]) => [title, 'never', 0])
            : name === 'overview-long'
              ? FLEET.map(([title, kind, active]) => [`${LONG}, ${title}`, kind, active * 1_204_338])
              : FLEET;
  const environments = fleet.map(([title, kind], at) => ({
    id: at + 1,
    name: title,
    addedAt: AT - 4 * 24 * H,
    hours: hours(kind, at % 12)
  }));
  const summaries = [
    ...fleet.map(([, kind, active], at) => summary(at + 1, kind, active)),
    summary('itself', name === 'overview-nothing' || name === 'overview-never' ? 'never' : 'calm', 1)
  ];
  const overview: OverviewPage = {
    workspace: name === 'overview-long' ? { ...workspace, name: `${LONG}, ${LONG}` } : workspace,
    environments,
    ownHours: hours('calm', 1),
    summaries,
    typeLabels: {
      'policy.sync': 'Policy sync',
      'promotion.execute': 'Promotion',
      'tenant.evidence.snapshot.generate': 'Evidence snapshot',
      'ext.greyfriars.assignments_restore.conditional_access':
        'Assignments restore for conditional access policies, named locations and authentication strengths'
    },
    token: '',
    readAt: AT
  };
  const isStale = name === 'overview-stale';
  const feed = {
    // A summary that has not come yet: not known, and never zero.
    summaries: new Map(
      (name === 'overview-withheld' ? [] : summaries)
        .slice(name === 'overview-unknown' ? 2 : 0)
        .map((part) => [part.place, part])
    ),
    stamp: {
      state: isStale ? ('stale' as const) : ('live' as const),
      ageMs: isStale ? 24 * S : 1_200,
      staleSince: isStale ? AT - 20 * S : null,
      link: isStale ? ('browser' as const) : null,
      catchingUp: false,
      retryInMs: isStale ? 7_400 : null,
      overHttp: false
    },
    withheld: name === 'overview-withheld',
    accessChangedAt: name === 'overview-withheld' ? AT - 1_000 : null,
    now: AT,
    tryNow() {}
  };
  return { overview, feed, order: parseTileOrder(name === 'overview-name' ? 'name' : null)! };
}
