/** Invented detail pages for pictures: every outcome, the follow-up in each of its states, roles, and a feed without proof. */
import type { Failure, DetailPage } from '#lib/operations/pages.ts';
import type { OperationRow, Outcome } from '#lib/operations/operation.ts';
import { AT, environments, live, lost, row, rows, typeLabels, workspaces } from './fixtures.ts';

const S = 1_000;
const MIN = 60 * S;
const DAY = 24 * 60 * MIN;

const failed: OperationRow = row(33 * MIN, {
  id: 18_204,
  outcome: 'failed',
  type: 'policy.export',
  counts: { total: 412, processed: 37, succeeded: 0, failed: 37, skipped: 375 },
  failure: { code: 'permission_denied', message: 'Permission to read device configuration is missing' },
  startedAt: AT - 33 * MIN + 3 * S,
  completedAt: AT - 16 * MIN,
  lastReportedAt: AT - 16 * MIN
});
const failures: Failure[] = [
  { code: 'permission_denied', message: 'Permission to read device configuration is missing', count: 30 },
  { code: 'permission_denied', message: 'Permission to read device configuration is missing in ring 2', count: 1 },
  { code: 'throttled', message: 'Provider limited the requests', count: 5 },
  { code: 'unknown_error', message: 'Unexpected answer from the provider', count: 1 }
];
const odd: Partial<Record<number, Outcome>> = {
  4: 'blocked',
  9: 'failed',
  14: 'partially_succeeded',
  21: 'partially_succeeded',
  26: 'cancelled'
};
const earlier: OperationRow[] = Array.from({ length: 30 }, (_, i) => {
  const outcome = odd[i] ?? 'succeeded';
  const took = outcome === 'blocked' ? 2 * S : (240 + ((i * 37) % 30) - 15) * S;
  const createdAt = AT - 33 * MIN - (i + 1) * DAY;
  return {
    ...failed,
    id: 18_000 - i * 100,
    outcome,
    counts: { total: 409, processed: 409, succeeded: 409, failed: 0 },
    failure: outcome === 'succeeded' ? null : { code: null, message: 'Approval for the change window is missing' },
    cancelledBy: outcome === 'cancelled' ? 'Ingrid Vass' : null,
    createdAt,
    startedAt: createdAt,
    completedAt: createdAt + took,
    lastReportedAt: createdAt + took
  };
});
const reviewed = { at: AT - 3 * MIN, by: 'Devi Raman' };

interface State {
  row: OperationRow;
  page?: Partial<DetailPage>;
  isLost?: boolean;
  refusal?: string;
  diagnostics?: string;
}
const kin = { failures, earlier, lastSuccess: earlier[0]!, source: 'jobqueue-eu-2' };
const STATES: Record<string, State> = {
  'detail-failed': {
    row: failed,
    page: {
      ...kin,
      retryOf: 17_990,
      externalId: 'job 991-2',
      later: { ...failed, id: 18_260, createdAt: AT - 4 * MIN }
    }
  },
  'detail-resolved': { row: { ...failed, resolved: { at: AT - 9 * MIN, by: 18_231 } }, page: kin },
  'detail-reviewed': { row: { ...failed, reviewed }, page: kin },
  'detail-readonly': { row: failed, page: { ...kin, mayReview: false } },
  'detail-busy': {
    row: failed,
    page: kin,
    refusal: 'This operation is being reported right now. Try again in a moment.'
  },
  'detail-manual': {
    row: { ...failed, environmentId: null, type: 'promotion.execute' },
    page: { followUpPolicy: 'manual_review' }
  },
  'detail-diagnostics': {
    row: failed,
    page: { ...kin, mayReview: false, mayOpenDiagnostics: true },
    diagnostics: JSON.stringify(
      { request: { url: 'https://graph.example/v1', attempts: 3 }, devices: Array(40).fill('dev-01') },
      null,
      4
    )
  },
  'detail-partial': {
    row: rows[7]!,
    page: {
      source: 'jobqueue-eu-2',
      failures: [
        { code: 'permission_denied', message: 'Permission to read device configuration is missing', count: 21 },
        { code: 'throttled', message: 'Provider limited the requests', count: 4 },
        { code: null, message: 'Unexpected answer from the provider: ' + 'a very long answer '.repeat(10), count: null }
      ]
    }
  },
  'detail-stale': { row: rows[12]!, page: { later: { ...rows[1]!, id: 9_500 }, earlier: earlier.slice(0, 3) } },
  'detail-running': { row: rows[1]!, page: { earlier: earlier.slice(0, 8), lastSuccess: earlier[0]! } },
  'detail-cancelled': { row: rows[9]! },
  'detail-reconciled': { row: rows[15]!, page: { reconciliationReason: 'nothing was reported for two hours' } },
  'detail-lost': { row: failed, page: { ...kin, mayOpenDiagnostics: true }, isLost: true },
  'detail-long': { row: rows[18]!, page: { retryOf: 9_007_199_254_740_991, externalId: 'z'.repeat(180) } }
};

export function detailState(name: string) {
  const state = STATES[name];
  if (!state) return null;
  const detail: DetailPage = {
    workspace: workspaces[0]!,
    environment: environments.find((e) => e.id === state.row.environmentId) ?? null,
    typeLabel: typeLabels[state.row.type] ?? (state.row.type === 'policy.export' ? 'Policy export' : state.row.type),
    followUpPolicy: 'repeatable',
    silenceLimitSeconds: 600,
    row: state.row,
    failures: [],
    source: null,
    externalId: null,
    reconciliationReason: null,
    retryOf: null,
    earlier: [],
    lastSuccess: null,
    later: null,
    mayReview: true,
    mayOpenDiagnostics: false,
    token: '',
    readAt: AT,
    ...state.page
  };
  const feed = {
    row: state.row,
    stamp: state.isLost ? lost : live,
    now: AT,
    gone: false,
    withheld: false,
    accessChangedAt: null,
    changed: false,
    tryNow() {}
  };
  const forms = {
    reviewRefusal: state.refusal ?? null,
    diagnosticsRefusal: null,
    diagnostics: state.diagnostics === undefined ? null : { text: state.diagnostics, openedAt: AT - 20 * S },
    onsend: null,
    oncopy: async () => {}
  };
  return { detail, feed, forms };
}
