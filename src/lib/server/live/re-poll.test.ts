import { expect, test } from 'vitest';
import { backOff } from './back-off.ts';
import { nextRePoll, seenInProgress, type InProgress } from './re-poll.ts';

const none: InProgress = { since: new Map() };

test('nothing in progress asks for no read', () => {
  expect(nextRePoll(seenInProgress(none, [], 0), 0, true)).toBeNull();
});

test('a transaction open for an hour costs at most two reads a second', () => {
  const state = seenInProgress(none, [7n], 0);
  expect(nextRePoll(state, 3_600_000, true)).toBe(500);
});

test('a new transaction behind an old one is asked after within 10 ms, and within 1 ms while changes come', () => {
  const old = seenInProgress(none, [7n], 0);
  const both = seenInProgress(old, [7n, 9n], 60_000);
  expect([nextRePoll(both, 60_000, false), nextRePoll(both, 60_000, true)]).toEqual([10, 1]);
});

test.each([
  [false, 30],
  [true, 40]
])('the reads for one transaction grow with the logarithm of its age until they are 500 ms apart', (isWarm, most) => {
  let now = 0;
  let reads = 0;
  let state = none;
  for (; now < 2_000; reads++) {
    state = seenInProgress(state, [7n], now);
    now += nextRePoll(state, now, isWarm)!;
  }
  expect(reads).toBeLessThan(most);
});

test('what ended is forgotten', () => {
  const state = seenInProgress(seenInProgress(none, [7n, 8n], 0), [8n], 5);
  expect([...state.since.keys()]).toEqual([8n]);
});

test('waiting before another attempt doubles to five seconds and never leaves its bounds', () => {
  expect(backOff(0, 0)).toBe(50);
  expect(backOff(0, 0.999)).toBeLessThanOrEqual(100);
  expect(backOff(50, 0.999)).toBeLessThanOrEqual(5_000);
  expect(backOff(50, 0)).toBe(2_500);
});
