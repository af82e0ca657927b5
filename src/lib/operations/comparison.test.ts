/** An operation beside the last success: differences with a true minus, what is the same, what nobody reported. */
import { expect, it } from 'vitest';
import { compareWithSuccess } from './comparison.ts';
import type { OperationRow } from './operation.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const moment = { at: AT, isFrozen: false, timeZone: 'UTC' };
function operation(took: number | null, counts: OperationRow['counts'], initiator = 'System'): OperationRow {
  return {
    id: 7,
    revision: 1,
    workspaceId: 3,
    environmentId: 4,
    type: 'policy.export',
    status: 'completed',
    outcome: 'failed',
    initiator,
    progress: { processed: null, total: null, phase: null },
    counts,
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt: AT - HOUR,
    startedAt: took === null ? null : AT - took,
    completedAt: AT,
    lastReportedAt: AT,
    staleAt: null,
    search: '',
    resolved: null,
    reviewed: null
  };
}
const compare = (a: OperationRow, b: OperationRow, isFrozen = false) =>
  compareWithSuccess(a, b, { ...moment, isFrozen });
const difference = (a: number, b: number) => compare(operation(a, {}), operation(b, {})).differs[0]?.difference;

it('lists what differs, signed with a true minus, and says in a sentence what is the same', () => {
  const { differs, same } = compare(
    operation(1_024 * SECOND, { total: 412, processed: 37, failed: 37 }),
    operation(252 * SECOND, { total: 412, processed: 409, failed: 0 })
  );
  expect(differs).toEqual([
    { name: 'Duration', this: '17 m 04 s', last: '4 m 12 s', difference: '+12 m 52 s' },
    { name: 'Processed', this: '37', last: '409', difference: '−372' },
    { name: 'Failed', this: '37', last: '0', difference: '+37' }
  ]);
  expect(same).toBe('The same in both: total (412), initiator (System).');
});
it('takes a count that one of them did not report for unknown, not for zero', () => {
  const { differs } = compare(operation(SECOND, { skipped: 3 }), operation(SECOND, { updated: 1_000_000 }));
  expect(differs).toEqual([
    { name: 'Skipped', this: '3', last: '–', difference: '–' },
    { name: 'Updated', this: '–', last: '1,000,000', difference: '–' }
  ]);
});
it('names another initiator', () => {
  expect(compare(operation(SECOND, {}, 'Maren Holt'), operation(SECOND, {})).differs).toEqual([
    { name: 'Initiator', this: 'Maren Holt', last: 'System', difference: 'differs' }
  ]);
});
it('writes differences of lengths that agree with the lengths beside them', () => {
  expect(difference(1_024 * SECOND + 100, 252 * SECOND + 900)).toBe('+12 m 52 s');
  expect(difference(2 * HOUR + 300 * SECOND, HOUR + 3_599 * SECOND)).toBe('+6 m 00 s');
  expect(difference(300, 900)).toBe('−0.6 s');
  expect(difference(38 * SECOND, 40 * SECOND)).toBe('−2 s');
});
it('of work under way compares a length only once it is the longer one, and none without proof', () => {
  const running: OperationRow = { ...operation(60 * SECOND, {}), status: 'running', completedAt: null };
  expect(compare(running, operation(90 * SECOND, {})).differs[0]).toEqual({
    name: 'Duration so far',
    this: '1 m 00 s',
    last: '1 m 30 s',
    difference: '–'
  });
  expect(compare(running, operation(40 * SECOND, {})).differs[0]!.difference).toBe('+20 s');
  expect(compare(running, operation(40 * SECOND, {}), true).differs[0]!.this).toBe('–');
});
