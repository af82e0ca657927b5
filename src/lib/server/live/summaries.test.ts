/** When numbers are read: once for all who begin to watch, not for who is gone, again after a change, and late is known. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Summary } from '../../operations/summary.ts';
import type { Queryable } from '../database/pool.ts';
import type { OperationChange } from './rooms.ts';
import { openSummaries, type Summaries } from './summaries.ts';

let reads: number;
let active: number;
let isDown: boolean;
let watched: Set<string>;
let sent: [string, Summary][];
/** what a read waits for */
let holds: Promise<void>[];
let summaries: Summaries;

beforeEach(() => {
  // Each minute's edge is looked at, too: none is near.
  const now = Date.UTC(2026, 10, 28, 12, 0, 5);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now });
  reads = 0;
  active = 1;
  isDown = false;
  watched = new Set(['workspace:3']);
  sent = [];
  holds = [];
  const db = {
    query: async (query: unknown) => {
      const isSummary = typeof query === 'object' && (query as { name: string }).name.startsWith('summary of');
      if (isSummary) reads++;
      if (isSummary) await holds.shift();
      if (isDown) throw new Error('the database is away');
      const zero = { stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: 0, last_report_at: null, entries: null };
      return { rows: isSummary ? [-1, 7].map((place) => ({ place, active, ...zero })) : [] };
    }
  } as unknown as Queryable;
  summaries = openSummaries({
    db,
    now: () => Date.now(),
    isWatched: (unit) => watched.has(unit),
    send: (unit, summary) => sent.push([unit, summary]),
    becameStale: () => {}
  });
});
afterEach(async () => {
  await summaries.close();
  vi.useRealTimers();
});

const change: OperationChange = { id: 1, workspaceId: 3, places: [7], revision: 2, row: null };

test('a hundred who begin to watch at once cost one read', async () => {
  await Promise.all(Array.from({ length: 100 }, () => summaries.watch(3, ['workspace'])));
  expect(reads).toBe(1);
  expect(summaries.known(3, ['workspace'])[0]?.counts.active).toBe(1);
});

test('a burst of changes is one more read, and is told once', async () => {
  await summaries.watch(3, ['workspace']);
  sent.length = 0;
  active = 5;
  for (let n = 0; n < 1_000; n++) summaries.touch([change]);
  await vi.advanceTimersByTimeAsync(500);
  expect(reads).toBe(2);
  expect(sent.map(([unit, { counts }]) => [unit, counts.active])).toEqual([['workspace:3', 5]]);
});

test('changes elsewhere, and numbers that nobody watches any more, are not read', async () => {
  await summaries.watch(3, ['workspace']);
  summaries.touch([{ ...change, workspaceId: 4 }]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toBe(1);
  watched.clear();
  summaries.touch([change]);
  await vi.advanceTimersByTimeAsync(200_000);
  expect(reads).toBe(1);
  expect(summaries.known(3, ['workspace'])).toEqual([]);
});

test('numbers that cannot be read are late after three seconds, and no longer once they were', async () => {
  await summaries.watch(3, ['workspace']);
  isDown = true;
  summaries.touch([change]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([...summaries.lateUnits()]).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([...summaries.lateUnits()]).toEqual(['workspace:3']);
  isDown = false;
  active = 9;
  await vi.advanceTimersByTimeAsync(8_000);
  expect([...summaries.lateUnits()]).toEqual([]);
  expect(sent.at(-1)?.[1].counts.active).toBe(9);
});

test('each minute the last 24 hours are another day: the numbers are read again without any change', async () => {
  await summaries.watch(3, ['workspace']);
  await vi.advanceTimersByTimeAsync(125_000);
  expect(reads).toBeGreaterThanOrEqual(3);
  expect(reads).toBeLessThanOrEqual(4);
});

test('numbers read for who begins to watch, while others are being read, are late no longer than they wait', async () => {
  watched.add('environment:3:7');
  await summaries.watch(3, ['workspace', 7]);
  const ends: (() => void)[] = [];
  holds = [0, 1].map(() => new Promise<void>((end) => ends.push(end)));
  summaries.touchPlaces([{ workspaceId: 3, environmentId: 8 }]);
  await vi.advanceTimersByTimeAsync(1_000); // the workspace is being read
  summaries.touchPlaces([{ workspaceId: 3, environmentId: 7 }]);
  const watching = summaries.watch(3, [7]);
  await vi.advanceTimersByTimeAsync(3_500);
  expect([...summaries.lateUnits()]).toContain('environment:3:7');
  ends[1]!();
  await watching;
  ends[0]!();
  await vi.advanceTimersByTimeAsync(3_000);
  expect([...summaries.lateUnits()]).toEqual([]);
});
