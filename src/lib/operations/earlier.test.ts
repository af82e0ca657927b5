/** The strip of earlier operations: order, heights on a root scale, names, and no bar without a duration. */
import { expect, it } from 'vitest';
import { BAR_HEIGHT, BARS_SHOWN, historyOf } from './earlier.ts';
import type { OperationRow } from './operation.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 0);
const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const moment = { at: AT, isFrozen: false, timeZone: 'UTC' };
function operation(id: number, took: number | null, change: Partial<OperationRow> = {}): OperationRow {
  const createdAt = AT - (100 - id) * DAY;
  return {
    id,
    revision: 1,
    workspaceId: 3,
    environmentId: 4,
    type: 'policy.export',
    status: 'completed',
    outcome: 'succeeded',
    initiator: 'System',
    progress: { processed: null, total: null, phase: null },
    counts: {},
    failure: null,
    cancelledBy: null,
    reconciledAt: null,
    createdAt,
    startedAt: took === null ? null : createdAt,
    completedAt: createdAt + (took ?? 0),
    lastReportedAt: createdAt,
    staleAt: null,
    search: '',
    resolved: null,
    reviewed: null,
    ...change
  };
}

it('stands oldest first with this one last, and the longest is as high as the strip', () => {
  const { bars, longest, tally } = historyOf(
    operation(99, 400 * SECOND, { outcome: 'failed' }),
    [operation(98, 100 * SECOND), operation(97, null, { outcome: 'blocked' }), operation(96, 4)],
    moment
  );
  expect(bars.map(({ id, height, isThis }) => [id, height, isThis])).toEqual([
    [96, 2, false],
    [97, null, false],
    [98, BAR_HEIGHT / 2, false],
    [99, BAR_HEIGHT, true]
  ]);
  expect(bars.map(({ name }) => name)).toEqual([
    '19 Nov, 08:14: succeeded after 0.1 s',
    '20 Nov, 08:14: blocked',
    '21 Nov, 08:14: succeeded after 1 m 40 s',
    '22 Nov, 08:14: failed after 6 m 40 s'
  ]);
  expect(longest).toBe('6 m 40 s');
  expect(tally).toBe('2 succeeded, 1 failed, 1 blocked');
});
it('shows thirty with this one among them', () => {
  const earlier = Array.from({ length: 30 }, (_, i) => operation(98 - i, SECOND));
  const { bars } = historyOf(operation(99, SECOND), earlier, moment);
  expect(bars).toHaveLength(BARS_SHOWN);
  expect(bars[0]!.id).toBe(70);
});
it('draws work under way as far as it has come, and not at all while the feed has no proof', () => {
  const running = operation(99, 0, {
    status: 'running',
    outcome: 'pending',
    startedAt: AT - 60 * SECOND,
    completedAt: null,
    staleAt: AT + 1
  });
  expect(historyOf(running, [], moment).bars[0]).toMatchObject({ height: BAR_HEIGHT, kind: 'running' });
  expect(historyOf(running, [], moment).bars[0]!.name).toMatch(/: running for 1 m 00 s$/);
  expect(historyOf(running, [], { ...moment, isFrozen: true }).bars[0]!.height).toBeNull();
});
