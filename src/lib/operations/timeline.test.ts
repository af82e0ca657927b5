/** What happened, from the times of the row alone: in order, with who or what reported it, moving with the row. */
import { describe, expect, it } from 'vitest';
import type { OperationRow } from './operation.ts';
import { happeningsOf } from './timeline.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const MINUTE = 60_000;
const running: OperationRow = {
  id: 7,
  revision: 1,
  workspaceId: 3,
  environmentId: 4,
  type: 'policy.export',
  status: 'running',
  outcome: 'pending',
  initiator: 'Maren Holt',
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
const ended: OperationRow = {
  ...running,
  status: 'completed',
  outcome: 'failed',
  completedAt: AT - MINUTE,
  staleAt: null
};
const workspace = { id: 3, name: 'Halden & Roy', isDemo: false };
function list(row: OperationRow, source: string | null = 'jobqueue-eu-2'): string[] {
  return happeningsOf(row, { workspace, source }, { at: AT, isFrozen: false, timeZone: 'UTC' }).map(
    ({ at, kind, what, by }) =>
      `${(at - AT) / MINUTE} ${kind ?? 'dot'}: ${what.map((piece) => (typeof piece === 'string' ? piece : piece.words)).join('')}${by ? ` (${by})` : ''}`
  );
}

describe('what happened', () => {
  it('begins with who made it and goes to the last report while it is active', () => {
    expect(list(running)).toEqual([
      '-20 queued: Queued (Maren Holt)',
      '-19 running: Started (jobqueue-eu-2)',
      '-1 running: Last report: 36 of 412 processed (jobqueue-eu-2)'
    ]);
  });
  it('shows silence from the moment at which it became too long', () => {
    expect(list({ ...running, lastReportedAt: AT - 15 * MINUTE, staleAt: AT - 5 * MINUTE }).at(-1)).toBe(
      '-5 stale: Likely stale: nothing reported for 10 min (Watchfloor)'
    );
  });
  it('ends with the outcome, by whom it was cancelled, or with the reconciliation', () => {
    expect(list(ended, null).at(-1)).toBe('-1 failed: Failed');
    expect(list({ ...ended, outcome: 'cancelled', cancelledBy: 'Ingrid Vass' }).at(-1)).toBe(
      '-1 cancelled: Cancelled (Ingrid Vass)'
    );
    const closed = { ...ended, lastReportedAt: AT - 15 * MINUTE, reconciledAt: AT - MINUTE };
    expect(list(closed).slice(-2)).toEqual([
      '-15 running: Last report (jobqueue-eu-2)',
      '-1 failed: Ended by reconciliation (Watchfloor)'
    ]);
  });
  it('tells who or what closed the follow-up, in the order of time', () => {
    const closed = {
      ...ended,
      completedAt: AT - 10 * MINUTE,
      resolved: { at: AT - MINUTE, by: 4_711 },
      reviewed: { at: AT - 2 * MINUTE, by: 'Devi Raman' }
    };
    expect(list(closed).slice(-2)).toEqual([
      '-2 dot: Marked reviewed (Devi Raman)',
      '-1 succeeded: Follow-up resolved by operation 4711 (Watchfloor)'
    ]);
  });
  it('of what was never queued says when it was first reported, where that was later', () => {
    expect(list({ ...ended, startedAt: AT - 30 * MINUTE }).slice(0, 2)).toEqual([
      '-30 running: Started (Maren Holt)',
      '-20 dot: First reported (jobqueue-eu-2)'
    ]);
    expect(list({ ...ended, startedAt: ended.createdAt })).toEqual([
      '-20 running: Started (Maren Holt)',
      '-1 failed: Failed (jobqueue-eu-2)'
    ]);
  });
});
