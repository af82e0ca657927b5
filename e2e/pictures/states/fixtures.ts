/** Invented pages for pictures: every kind of row, long names, 0 and 1,000,000, and each state of the feed. */
import type { OperationRow } from '#lib/operations/operation.ts';
import type { HubPage } from '#lib/operations/pages.ts';
import { CLEAN_FILTER, type ListFilter } from '#lib/operations/filter.ts';
import { attentionKindOf } from '#lib/operations/problem.ts';
import { groupByCause, type Summary } from '#lib/operations/summary.ts';

export const AT = Date.UTC(2026, 10, 23, 8, 14, 4);
const S = 1_000;
const MIN = 60 * S;
export const person = { id: 1, name: 'Maren Holt', email: 'maren.holt@haldenroy.example' };
export const workspaces = [
  { id: 3, name: 'Halden & Roy', isDemo: true, mayReadRefused: true, mayReadDelivery: true, mayManageDisplays: true },
  {
    id: 4,
    name: 'Northgate Services for municipalities, schools and hospitals of the north',
    isDemo: true,
    mayReadRefused: false,
    mayReadDelivery: false,
    mayManageDisplays: false
  }
];
const LONG_NAME = 'Greyfriars Academy Trust (sixth form, exams and admissions)';
const LONG_LABEL =
  'Assignments restore for conditional access policies, named locations and authentication strengths (pilot ring 2)';
export const environments = [
  { id: 1, name: 'Brightwater Clinics' },
  { id: 2, name: LONG_NAME },
  { id: 3, name: 'Kestrel Aviation Services' },
  { id: 4, name: 'Isenberg Pharma Deutschland' }
];

let id = 9_000;
export function row(age: number, change: Partial<OperationRow>): OperationRow {
  id -= 1;
  return {
    id,
    revision: 1,
    workspaceId: 3,
    environmentId: 1,
    type: 'inventory.sync',
    status: 'completed',
    outcome: 'succeeded',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - age,
    startedAt: AT - age,
    completedAt: AT - age + 38 * S,
    lastReportedAt: AT - age + 38 * S,
    staleAt: null,
    search: '',
    resolved: null,
    reviewed: null,
    ...change
  };
}
const active = {
  status: 'running',
  outcome: 'pending',
  completedAt: null,
  lastReportedAt: AT,
  staleAt: AT + 9 * MIN
} as const;
const counted = (processed: number, total: number, phase: string | null = null) => ({
  progress: { processed, total, phase }
});

export const rows: OperationRow[] = [
  row(4 * S, { ...active, status: 'queued', startedAt: null, type: 'alerts.evaluate', environmentId: null }),
  row(16 * S, { ...active, ...counted(412_906, 1_204_338, 'items'), environmentId: 3 }),
  row(40 * S, { ...active, ...counted(0, 1_000_000) }),
  row(73 * S, { ...active, ...counted(3_120, 8_400, 'devices') }),
  row(80 * S, { counts: { total: 0, succeeded: 0 }, type: 'provider.connection.check' }),
  row(2 * MIN, {
    outcome: 'failed',
    type: 'policy.sync',
    failure: { code: 'throttled', message: 'Provider limited the requests' }
  }),
  row(3 * MIN, {
    ...active,
    type: 'tenant.evidence.snapshot.generate',
    initiator: 'Maren Holt',
    progress: { processed: null, total: null, phase: 'Collecting evidence' }
  }),
  row(4 * MIN, {
    outcome: 'partially_succeeded',
    type: 'policy.sync',
    counts: { total: 412, succeeded: 386, failed: 26 }
  }),
  row(6 * MIN, {
    outcome: 'blocked',
    type: 'promotion.execute',
    initiator: 'Samuel Achterberg-Weissenfels',
    failure: {
      code: null,
      message:
        'Approval CW-2224 for the change window is missing, and the approver who could give it is away until Thursday'
    }
  }),
  row(9 * MIN, { outcome: 'cancelled', type: 'baseline.capture', cancelledBy: 'Ingrid Vass', ...counted(90, 400) }),
  row(13 * MIN, {
    type: 'ext.greyfriars.assignments_restore.conditional_access',
    environmentId: 2,
    initiator: 'Devi Raman',
    counts: { succeeded: 64 }
  }),
  row(17 * MIN, { ...active, type: 'backup.schedule.execute' }),
  row(57 * MIN, {
    ...active,
    type: 'environment.review_pack.generate',
    lastReportedAt: AT - 47 * MIN,
    staleAt: AT - 37 * MIN,
    initiator: 'Maren Holt'
  }),
  row(86 * MIN, {
    ...active,
    status: 'queued',
    startedAt: null,
    type: 'backup.schedule.retention',
    lastReportedAt: AT - 86 * MIN,
    staleAt: AT - 71 * MIN
  }),
  row(90 * MIN, {
    ...active,
    staleAt: null,
    type: 'ext.pacs.image_archive.nightly_rollup',
    initiator: 'reporter@pacs-gateway-02.brightwater'
  }),
  row(92 * MIN, { outcome: 'failed', reconciledAt: AT - 20 * MIN, type: 'restore.execute' }),
  row(8 * 60 * MIN, {
    type: 'backup.schedule.execute',
    counts: { processed: 1_000_000, updated: 812_406 },
    completedAt: AT - 4 * 60 * MIN
  }),
  row(13 * 60 * MIN, { counts: { processed: 1_310, updated: 4 }, type: 'baseline.compare', environmentId: 2 }),
  row(13 * 60 * MIN, { type: 'x'.repeat(90), initiator: 'y'.repeat(90), environmentId: 99, counts: { succeeded: 1 } })
];

export const typeLabels: Record<string, string> = {
  'inventory.sync': 'Inventory sync',
  'alerts.evaluate': 'Alert evaluation',
  'provider.connection.check': 'Connection check',
  'policy.sync': 'Policy sync',
  'tenant.evidence.snapshot.generate': 'Evidence snapshot',
  'promotion.execute': 'Promotion',
  'baseline.capture': 'Baseline capture',
  'ext.greyfriars.assignments_restore.conditional_access': LONG_LABEL,
  'environment.review_pack.generate': 'Review pack'
};

export const live = {
  state: 'live',
  ageMs: 1_200,
  staleSince: null,
  link: null,
  catchingUp: false,
  retryInMs: null,
  overHttp: false
} as const;
export const lost = {
  state: 'stale',
  ageMs: 24_000,
  staleSince: AT - 20 * S,
  link: 'browser',
  catchingUp: false,
  retryInMs: 7_400,
  overHttp: false
} as const;

const quiet = rows.filter((it) => attentionKindOf(it, AT) === null);
const isCalm = (name: string) =>
  ['calm', 'silent', 'paused-calm', 'stale-calm', 'connecting-calm', 'empty'].includes(name);

function summaryOf(name: string): Summary | null {
  if (name === 'reading') return null;
  const listed = name === 'empty' ? [] : isCalm(name) ? quiet : rows;
  const groups = groupByCause(
    listed.map((it) => ({ row: it, count: it.type === 'policy.sync' && it.outcome === 'failed' ? 6 : 1 })),
    AT
  );
  const many = name === 'large' ? 1_204_338 : 1;
  const of = (kind: string) => groups.filter(({ row: it }) => attentionKindOf(it, AT) === kind).length * many;
  return {
    place: 'workspace',
    at: AT,
    counts: {
      active: listed.filter((it) => it.status !== 'completed').length * many,
      stale: of('stale'),
      blocked: of('blocked'),
      failed: of('failed'),
      partial: of('partial'),
      succeeded: name === 'empty' ? 0 : 1_187 * many
    },
    groups: name === 'one' ? groups.slice(0, 1) : groups.slice(0, 8),
    lastReportAt: AT - (name === 'silent' ? 190 * MIN : 4 * S),
    silentAfterMs: 20 * MIN
  };
}

const LONG_FILTER: ListFilter = {
  ...CLEAN_FILTER,
  tab: 'failed',
  text: 'restore',
  textNormal: 'restore',
  types: ['inventory.sync', 'policy.sync', 'promotion.execute'],
  outcomes: ['failed'],
  statuses: ['completed'],
  initiators: ['reporter@pacs-gateway-02.brightwater-clinics-of-the-north.example'],
  from: { at: AT - 3 * 24 * 60 * MIN },
  to: { at: AT - 24 * 60 * MIN },
  problemClass: 'terminal_follow_up'
};
const FILTERS: Record<string, ListFilter> = {
  filtered: LONG_FILTER,
  long: LONG_FILTER,
  'tab-empty': { ...CLEAN_FILTER, tab: 'needs_follow_up' },
  'tab-failed': { ...CLEAN_FILTER, tab: 'failed' },
  'strip-failed': { ...CLEAN_FILTER, tab: 'needs_follow_up', outcomes: ['failed'] }
};

export function hubState(name: string) {
  const isStale = name.startsWith('stale');
  const filter = FILTERS[name] ?? CLEAN_FILTER;
  const summary = summaryOf(name);
  const hub: HubPage = {
    workspace: workspaces[0]!,
    environment:
      name === 'environment' ? environments[0]! : name === 'long' || name === 'filtered' ? environments[1]! : null,
    environments: name === 'empty' ? environments.slice(0, 1) : environments,
    typeLabels,
    filter,
    query: '',
    summaries: summary ? [summary] : [],
    listCounts: {
      list: name === 'large' ? { count: 999, isMore: true } : { count: 1_204, isMore: false },
      tabs:
        filter === CLEAN_FILTER || name.startsWith('tab')
          ? {
              all: { count: 999, isMore: true },
              failed: { count: 61, isMore: false },
              blocked: { count: 4, isMore: false },
              partial: { count: 18, isMore: false },
              succeeded: { count: 999, isMore: true }
            }
          : null,
      at: AT - 4 * S
    },
    options: {
      types: Object.keys(typeLabels),
      initiators: ['System', 'Maren Holt', 'Devi Raman', 'Ingrid Vass', 'reporter@pacs-gateway-02.brightwater']
    },
    mayReview: true,
    rows: ['empty', 'filtered', 'over', 'tab-empty'].includes(name) ? [] : rows,
    pageSize: 25,
    position: { isFirst: name !== 'over', newer: null, older: 'abc' },
    hasAny: name !== 'empty',
    token: '',
    readAt: AT
  };
  const feed = {
    rows:
      name === 'reading' || name === 'short-empty'
        ? []
        : name === 'short'
          ? hub.rows.slice(0, 5)
          : isCalm(name) && name !== 'empty'
            ? quiet
            : hub.rows,
    summary,
    listCounts: hub.listCounts,
    liveSince: AT - 190 * MIN,
    changed: new Set(name === 'live' ? [rows[1]!.id] : []),
    gone: new Set<number>(),
    waitingIsMore: false,
    short: name.startsWith('short'),
    waiting: name.startsWith('paused') ? 3 : name === 'flood' ? 240 : 0,
    paused: name.startsWith('paused'),
    pausedAt: name.startsWith('paused') ? AT : null,
    withheld: name === 'reading',
    accessChangedAt: name === 'reading' ? AT : null,
    stamp: isStale
      ? { ...lost, link: name === 'stale-database' ? ('database' as const) : ('browser' as const) }
      : name === 'reading' || name === 'reconnecting'
        ? { ...live, state: 'reconnecting' as const, ageMs: 7_000, catchingUp: name === 'reading' }
        : name.startsWith('connecting')
          ? { ...live, state: 'connecting' as const, ageMs: null }
          : live,
    now: AT,
    announcement: '',
    engage() {},
    atTop() {},
    showWaiting() {},
    pause() {},
    resume() {},
    tryNow() {}
  };
  return { hub, feed };
}
