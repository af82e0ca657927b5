import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import { emitGap, openOutbox, type Outbox } from './outbox.ts';
import type { Delta } from './rooms.ts';

let sent: Delta[];
let listeners: number;
let outbox: Outbox;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  listeners = 1_000; // a gap of 48 ms
  outbox = openOutbox({ send: (_unit, delta) => sent.push(delta), audience: () => listeners });
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

test('a large delta goes out as several messages, complete and in order', () => {
  add(Array.from({ length: 450 }, (_, id) => row(id + 1, 1)));
  expect(sent.map(({ rows }) => rows.length)).toEqual([200, 200, 50]);
});
