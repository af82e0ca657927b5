/** Where a detail page leads, and that nothing is linked that has no address. */
import { expect, it } from 'vitest';
import type { OperationRow } from './operation.ts';
import { relatedOf } from './related.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const moment = { at: AT, isFrozen: false, timeZone: 'UTC' };
const row: OperationRow = {
  id: 4_700,
  revision: 3,
  workspaceId: 3,
  environmentId: 4,
  type: 'policy.export',
  status: 'completed',
  outcome: 'failed',
  initiator: 'System',
  progress: { processed: null, total: null, phase: null },
  counts: {},
  failure: null,
  cancelledBy: null,
  reconciledAt: null,
  createdAt: AT - 60_000,
  startedAt: AT - 60_000,
  completedAt: AT - 30_000,
  lastReportedAt: AT - 30_000,
  staleAt: null,
  search: '',
  resolved: null,
  reviewed: null
};
const page = {
  workspace: { id: 3, name: 'Halden & Roy', isDemo: false },
  environment: { id: 4, name: 'Brightwater Clinics' },
  typeLabel: 'Policy export',
  retryOf: null,
  later: null,
  source: null,
  externalId: null
};

it('leads to the environment, and to the same type in it', () => {
  expect(relatedOf(row, page, moment)).toEqual([
    {
      words: 'Operations in Brightwater Clinics',
      note: null,
      href: '/admin/workspaces/3/operations?environment_id=4'
    },
    {
      words: 'Policy export in Brightwater Clinics',
      note: null,
      href: '/admin/workspaces/3/operations?environment_id=4&type=policy.export'
    }
  ]);
});
it('of the workspace itself leads to the whole workspace, and says so', () => {
  const list = relatedOf({ ...row, environmentId: null }, { ...page, environment: null }, moment);
  expect(list.map(({ href }) => href)).toEqual([
    '/admin/workspaces/3/operations',
    '/admin/workspaces/3/operations?type=policy.export'
  ]);
  expect(list[1]!.note).toBe('also of its environments');
});
it('names the operations it has to do with, each once, and the outside system without a link', () => {
  const list = relatedOf(
    { ...row, resolved: { at: AT, by: 4_711 } },
    {
      ...page,
      retryOf: 4_600,
      later: { ...row, id: 4_720, createdAt: AT - 10_000 },
      source: 'jobqueue-eu-2',
      externalId: 'job 9'
    },
    moment
  );
  expect(list.slice(2)).toEqual([
    { words: 'Operation 4600', note: 'retried by this one', href: '/admin/workspaces/3/operations/4600' },
    { words: 'Operation 4711', note: 'resolved the follow-up', href: '/admin/workspaces/3/operations/4711' },
    {
      words: 'Operation 4720',
      note: 'the newest of its kind, 08:13:50, failed',
      href: '/admin/workspaces/3/operations/4720'
    },
    { words: 'jobqueue-eu-2', note: 'job 9', href: null }
  ]);
  const resolvedByLater = { ...row, resolved: { at: AT, by: 4_720 } };
  expect(relatedOf(resolvedByLater, { ...page, later: { ...row, id: 4_720 } }, moment)).toHaveLength(3);
});
