/** When the feed reads, and what it vouches for: with clocks, a listener and a database of the test's own. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Queryable } from '../database/pool.ts';
import type { FeedDifference } from './differences.ts';
import { openFeed, type Feed } from './feed.ts';
import { openCounters } from './figures.ts';
import type { WakeUpEvents } from './wake-up.ts';

let reads: number;
let found: Partial<FeedDifference>;
let answer: () => Promise<void>;
let wakeUp: { events: EventEmitter<WakeUpEvents>; isSound: boolean; close: () => Promise<void> };
let feed: Feed;
let counters = openCounters();

const place = (xmax: bigint, inProgress: bigint[] = [], epoch = 'e') => ({
  epoch,
  snapshot: { xmin: inProgress[0] ?? xmax, xmax, inProgress }
});
const changed = { id: 1, workspaceId: 1, places: [null], revision: 1, row: null };

beforeEach(async () => {
  vi.useFakeTimers();
  reads = 0;
  found = { place: place(10n) };
  answer = async () => {};
  counters = openCounters();
  wakeUp = { events: new EventEmitter<WakeUpEvents>(), isSound: true, close: async () => {} };
  feed = openFeed({
    db: { query: async () => ({ rows: [] }) } as unknown as Queryable,
    wakeUp,
    counters,
    difference: async () => {
      reads++;
      await answer();
      const nothing = { operations: [], access: [], sessions: [], names: [], isOverflow: false, isTruncated: false };
      return { ...nothing, proofAt: reads, readAt: reads, floor: 0n, ahead: [], ...found } as FeedDifference;
    }
  });
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(async () => {
  await feed.close();
  vi.useRealTimers();
});

test('a transaction in progress is asked after at once and ever more rarely, without any wake-up', async () => {
  found = { place: place(10n, [7n]) };
  await feed.passSoon();
  const before = reads;
  await vi.advanceTimersByTimeAsync(100);
  expect(reads - before).toBeGreaterThanOrEqual(3);
  expect(counters.rePolls).toBeGreaterThanOrEqual(3);
  found = { place: place(12n) };
  await vi.advanceTimersByTimeAsync(500);
  const after = reads;
  await vi.advanceTimersByTimeAsync(900);
  expect(reads - after).toBeLessThanOrEqual(1);
});

test('so is one that the snapshot does not list because nothing after it had ended', async () => {
  found = { place: place(10n), ahead: [11n] };
  await feed.passSoon();
  const before = reads;
  await vi.advanceTimersByTimeAsync(100);
  expect(reads - before).toBeGreaterThanOrEqual(3);
});

test('what nobody wakes for is found within a second, and counted', async () => {
  const before = reads;
  found = { place: place(12n), operations: [changed] };
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads - before).toBe(1);
  expect(counters.leaked).toBe(1);
});

test('a wake-up is read at once, and once more a moment later', async () => {
  const before = reads;
  wakeUp.events.emit('woken');
  await vi.advanceTimersByTimeAsync(0);
  expect(reads - before).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(reads - before).toBe(2);
});

test('nothing is vouched for while the listener is down, reads fail or none has come to an end for three seconds', async () => {
  expect(feed.lostLink).toBeNull();
  wakeUp.isSound = false;
  expect(feed.lostLink).toBe('listener');
  wakeUp.isSound = true;
  const { proofAt } = feed;
  answer = () => Promise.reject(new Error('the database went away'));
  expect(await feed.passSoon()).toBe(false);
  expect([feed.lostLink, feed.proofAt]).toEqual(['database', proofAt]);
  answer = async () => {};
  await vi.advanceTimersByTimeAsync(1_000);
  expect(feed.lostLink).toBeNull();
  let comesToAnEnd = (): void => {};
  answer = () => new Promise((resolve) => (comesToAnEnd = resolve));
  await vi.advanceTimersByTimeAsync(4_100);
  expect(feed.lostLink).toBe('lag');
  comesToAnEnd();
});

test('another epoch, or a floor above the place, is another stream and never told as changes', async () => {
  const told: string[] = [];
  feed.events.on('passed', () => void told.push('passed'));
  feed.events.on('stream changed', () => void told.push('stream changed'));
  found = { place: place(10n, [], 'another'), operations: [changed] };
  await feed.passSoon();
  expect(told).toEqual(['stream changed']);
  found = { place: place(20n, [], 'another'), floor: 15n, operations: [changed] };
  await feed.passSoon();
  expect(told).toEqual(['stream changed', 'stream changed']);
  found = { place: place(20n, [], 'another'), floor: 15n };
  await feed.passSoon();
  expect(told.at(-1)).toBe('passed');
});

test('a pass that a listener of it fails on is told as another stream, and moves on', async () => {
  feed.events.once('passed', () => {
    throw new Error('a bug in a listener');
  });
  const told: string[] = [];
  feed.events.on('stream changed', () => void told.push('stream changed'));
  found = { place: place(12n), operations: [changed] };
  expect(await feed.passSoon()).toBe(true);
  expect([told, feed.place?.snapshot.xmax]).toEqual([['stream changed'], 12n]);
});
