import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import { emitGap, openOutbox, type Outbox } from './outbox.ts';
import type { Delta } from './rooms.ts';

let sent: Delta[];
let bursts: number[];
let listeners: number;
let arriving: number;
let outbox: Outbox;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  bursts = [];
  listeners = 1_000; // a gap of 48 ms
  arriving = 0;
  outbox = openOutbox({
    send: (_unit, delta) => void sent.push(delta),
    bulk: (_unit, { rows, removed }) => void bursts.push(rows.length + removed.length),
    audience: () => listeners,
    arriving: () => arriving
  });
});
afterEach(() => {
  outbox.clear();
  vi.useRealTimers();
});

const row = (id: number, revision: number) => ({ id, revision }) as OperationRow;
const add = (rows: OperationRow[], removed: Delta['removed'] = []) => outbox.add('u', { rows, removed });

test('the gap is none for nobody, 24 ms for 500, and 250 ms at most', () => {
  expect([emitGap(0), emitGap(500), emitGap(1_000_000)]).toEqual([0, 24, 250]);
});

test('the first change leaves at once, and of what follows within the gap only the newest of each row', () => {
  add([row(1, 1)]);
  expect(sent).toEqual([{ rows: [row(1, 1)], removed: [] }]);
  add([row(1, 3)]);
  add([row(1, 2)]);
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(60);
  expect(sent[1]).toEqual({ rows: [row(1, 3)], removed: [] });
});

test('while a crowd waits to be let in the gap is as if it listened already, and the first change leaves at once all the same', () => {
  arriving = 4_000; // with the listeners a gap of 240 ms
  add([row(1, 1)]);
  expect(sent).toHaveLength(1);
  add([row(1, 2)]);
  vi.advanceTimersByTime(230);
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(20);
  expect(sent).toHaveLength(2);
});

test('nobody is told anything because somebody is arriving', () => {
  [listeners, arriving] = [0, 4_000];
  add([row(1, 1)]);
  outbox.flush();
  expect(sent).toEqual([]);
});

test('a removal takes an older row away, and yields to a row of its own revision or a newer one', () => {
  add([row(9, 1)]);
  add([row(1, 4), row(2, 4)], [[3, 5]]);
  add(
    [row(3, 5)],
    [
      [1, 5],
      [2, 4]
    ]
  );
  outbox.flush();
  expect(sent[1]).toEqual({ rows: [row(2, 4), row(3, 5)], removed: [[1, 5]] });
});

test('what is held for listeners that left is forgotten, since who comes next catches up', () => {
  add([row(9, 1)]);
  add([row(1, 1)]);
  listeners = 0;
  add([], [[1, 2]]);
  listeners = 1;
  vi.advanceTimersByTime(1_000);
  outbox.flush();
  expect(sent).toHaveLength(1);
});

const many = (count: number, from = 1) => Array.from({ length: count }, (_, i) => row(from + i, 1));

test('up to 200 distinct operations are told one by one, more are one burst and no row', () => {
  add(many(200));
  expect([sent.length, bursts]).toEqual([1, []]);
  vi.advanceTimersByTime(1_000);
  add(many(150), [...many(60, 1_000).map(({ id }): [number, number] => [id, 1])]);
  expect([sent.length, bursts]).toEqual([1, [210]]);
});

test('bursts of a unit are a second apart, gathered meanwhile, while a few rows still go at once', () => {
  add(many(300));
  vi.advanceTimersByTime(100);
  add(many(1, 5_000));
  expect([sent.length, bursts]).toEqual([1, [300]]);
  for (let i = 0; i < 8; i++) {
    vi.advanceTimersByTime(100);
    add(many(300, 10_000 + i * 300));
  }
  expect(bursts).toEqual([300]);
  vi.advanceTimersByTime(150);
  expect(bursts).toEqual([300, 2_400]);
});

test('what is gathered for the next burst is bounded', () => {
  add(many(300));
  for (let i = 0; i < 40; i++) add(many(300, 10_000 + i * 300));
  expect(bursts.length).toBeGreaterThan(1);
});

test('flushing tells what waits, bursts too', () => {
  add(many(300));
  add(many(300, 1_000));
  outbox.flush();
  expect(bursts).toEqual([300, 300]);
});
