/** Facts of a detail page: what is not known is left out, the zone is named once, no duration runs on without proof. */
import { expect, it } from 'vitest';
import { factsOf } from './facts.ts';
import type { DetailPage } from './pages.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const detail: DetailPage = {
  workspace: { id: 3, name: 'Halden & Roy', isDemo: true },
  environment: { id: 4, name: 'Brightwater Clinics' },
  typeLabel: 'Policy export',
  followUpPolicy: 'artifact',
  silenceLimitSeconds: 600,
  row: {
    id: 7,
    revision: 1,
    workspaceId: 3,
    environmentId: 4,
    type: 'policy.export',
    status: 'running',
    outcome: 'pending',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - 65_000,
    startedAt: AT - 60_000,
    completedAt: null,
    lastReportedAt: AT - 5_000,
    staleAt: AT + 600_000,
    search: '',
    resolved: null,
    reviewed: null
  },
  failures: [],
  source: null,
  externalId: null,
  reconciliationReason: null,
  retryOf: null,
  earlier: [],
  lastSuccess: null,
  later: null,
  mayReview: false,
  mayOpenDiagnostics: false,
  token: 't',
  readAt: AT
};
const facts = (isFrozen: boolean, page = detail) =>
  Object.fromEntries(
    factsOf(page, page.row, { at: AT, isFrozen, timeZone: 'Europe/Berlin' }).map(({ name, value }) => [name, value])
  );

it('running work shows its last report with zone and age, and a duration that ticks', () => {
  expect(facts(false)).toEqual({
    Environment: 'Brightwater Clinics',
    Initiator: 'System',
    Queued: '09:12:55',
    Started: '09:13:00',
    'Last report': '09:13:55 CET, 5 s ago',
    Duration: '1 m 00 s',
    Id: '7'
  });
});
it('without proof neither age nor duration is shown', () => {
  expect(facts(true)['Last report']).toBe('09:13:55 CET');
  expect(facts(true)['Duration']).toBeUndefined();
});
it('an operation of the workspace says so, and what reported it is named', () => {
  const row = { ...detail.row, environmentId: null };
  const page = { ...detail, row, environment: null, source: 'jobqueue-eu-2', externalId: 'job 9' };
  expect(facts(false, page)).toMatchObject({
    Environment: 'None, of the workspace',
    'Reported by': 'jobqueue-eu-2, job 9'
  });
});
