/** The statement and answers of a detail page, for work that is active, silent, over, or ended by reconciliation. */
import { describe, expect, it } from 'vitest';
import type { OperationRow } from './operation.ts';
import { verdictOf } from './statement.ts';
import { answersOf } from './verdict.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const MINUTE = 60_000;
const moment = { at: AT, isFrozen: false, timeZone: 'UTC' };
const running: OperationRow = {
  id: 7,
  revision: 1,
  workspaceId: 3,
  environmentId: 4,
  type: 'policy.export',
  status: 'running',
  outcome: 'pending',
  initiator: 'System',
  progress: { processed: 36, total: 412, phase: null },
  counts: {},
  failure: null,
  cancelledBy: null,
  reconciledAt: null,
  createdAt: AT - 20 * MINUTE,
  startedAt: AT - 19 * MINUTE,
  completedAt: null,
  lastReportedAt: AT - MINUTE,
  staleAt: AT + 9 * MINUTE,
  search: '',
  resolved: null,
  reviewed: null
};
const failed: OperationRow = {
  ...running,
  status: 'completed',
  outcome: 'failed',
  failure: { code: 'denied', message: 'Permission is missing' },
  completedAt: AT - MINUTE,
  staleAt: null
};
const answers = (row: OperationRow) => Object.fromEntries(answersOf(row, moment).map(({ name, text }) => [name, text]));

describe('verdict', () => {
  it('is the reason of what failed, as a sentence', () => {
    expect(verdictOf(failed, moment)).toBe('Permission is missing.');
    expect(verdictOf({ ...failed, failure: { code: null, message: 'Why?' } }, moment)).toBe('Why?');
  });
  it('is how far running work has come, or that it waits', () => {
    expect(verdictOf(running, moment)).toBe('36 of 412 processed.');
    expect(verdictOf({ ...running, status: 'queued', startedAt: null }, moment)).toBe('Waiting to start.');
  });
  it('is the silence of stale work, as a time while there is no proof', () => {
    const silent = { ...running, lastReportedAt: AT - 47 * MINUTE, staleAt: AT - 37 * MINUTE };
    expect(verdictOf(silent, moment)).toBe('Nothing reported for 47 min; the limit is 10 min.');
    expect(verdictOf(silent, { ...moment, isFrozen: true })).toBe(
      'Nothing reported since 07:27:00; the limit is 10 min.'
    );
  });
  it('does not guess without times', () => {
    expect(verdictOf({ ...running, staleAt: null }, moment)).toContain('not known');
  });
});

describe('answers', () => {
  it('of running work name its last report and the edge of its silence', () => {
    expect(answers(running)).toEqual({
      Impact: 'None reported so far.',
      Active: 'Yes, by its last report at 08:13:00. Running since 07:55:00.',
      Stale: 'No. It would be at 08:23:00 if nothing is reported before.',
      Reconciled: 'No.'
    });
  });
  it('of stale work name the report that was due, and leave what to do to the next step', () => {
    expect(answers({ ...running, staleAt: AT - MINUTE })['Stale']).toBe('Likely. A report was due by 08:13:00.');
  });
  it('of an end tell its own report from reconciliation', () => {
    expect(answers(failed)['Reconciled']).toBe('No. Its last report ended it.');
    const closed = answers({ ...failed, reconciledAt: AT });
    expect(closed['Active']).toBe('No. Completed at 08:13:00.');
    expect(closed['Reconciled']).toContain('Watchfloor ended it');
  });
});
