import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import type { Place } from '../stream/place.ts';
import { covers, mergeChange, oldestOf, openRing } from './ring.ts';
import type { OperationChange } from './rooms.ts';

const place = (xmax: number, inProgress: number[] = [], epoch = 'e'): Place => ({
  epoch,
  snapshot: { xmin: BigInt(inProgress[0] ?? xmax), xmax: BigInt(xmax), inProgress: inProgress.map(BigInt) }
});
const change = (id: number, revision: number, isThere = true): OperationChange => ({
  id,
  workspaceId: 1,
  places: [null],
  revision,
  row: isThere ? ({ id, revision } as OperationRow) : null
});
const nothing = { access: [], names: [] };
const ids = (found: { operations: OperationChange[] } | null) => found && found.operations.map(({ id }) => id);

test('a place covers another when everything that had ended there had ended here', () => {
  expect(covers(place(10), place(10))).toBe(true);
  expect(covers(place(11), place(10))).toBe(true);
  expect(covers(place(9), place(10))).toBe(false);
  expect(covers(place(10, [7]), place(10))).toBe(false);
  expect(covers(place(10, [7]), place(10, [7]))).toBe(true);
  expect(covers(place(12, [11]), place(10))).toBe(true);
  expect(covers(place(10, [], 'f'), place(10))).toBe(false);
  expect(covers(place(10, [], ''), place(10, [], ''))).toBe(false);
});

test('what was told after a place is given, and of each operation the newest', () => {
  const ring = openRing();
  ring.passed({ place: place(10), operations: [change(1, 1)], ...nothing });
  ring.passed({ place: place(12), operations: [change(2, 1)], ...nothing });
  ring.passed({ place: place(14), operations: [change(2, 2), change(3, 1)], ...nothing });
  ring.told([change(4, 1)]);
  expect(ids(ring.since(place(10)))).toEqual([2, 3, 4]);
  expect(ring.since(place(10))?.operations[0]?.revision).toBe(2);
  expect(ids(ring.since(place(13)))).toEqual([2, 3, 4]); // more than needed, never less
  expect(ids(ring.since(place(14)))).toEqual([4]);
  expect(ring.since(place(9))).toBeNull();
  expect(ring.since(place(14, [], 'f'))).toBeNull();
});

test('what had not ended by the place, and ended since, is given', () => {
  const ring = openRing();
  ring.passed({ place: place(10, [8]), operations: [], ...nothing });
  ring.passed({ place: place(12, [8]), operations: [change(1, 1)], ...nothing });
  ring.passed({ place: place(13), operations: [change(8, 1)], ...nothing });
  expect(ids(ring.since(place(12, [8])))).toEqual([8]);
  expect(ids(ring.since(place(13)))).toEqual([]);
});

test('of passes that told nothing the oldest place serves, also after very many', () => {
  const ring = openRing();
  for (let xid = 10; xid < 10_000; xid++) ring.passed({ place: place(xid), operations: [], ...nothing });
  expect(ring.batches).toBe(1);
  expect(ids(ring.since(place(10)))).toEqual([]);
});

test('a cut and another stream leave nothing from before', () => {
  const ring = openRing();
  ring.passed({ place: place(10), operations: [], ...nothing });
  ring.cut(place(12));
  expect(ring.since(place(10))).toBeNull();
  expect(ids(ring.since(place(12)))).toEqual([]);
  ring.passed({ place: place(2, [], 'f'), operations: [change(1, 1)], ...nothing });
  expect(ring.since(place(12))).toBeNull();
  expect(ids(ring.since(place(2, [], 'f')))).toEqual([]);
});

test('a deletion wins over a row of before it, in whatever order they are joined', () => {
  const there = change(1, 4);
  const gone = change(1, 5, false);
  for (const merged of [mergeChange(there, gone), mergeChange(gone, there)])
    expect([merged.revision, merged.row]).toEqual([5, null]);
});

test('memory is bounded, and what is given since any place is complete or refused', () => {
  const pass = fc.record({
    advance: fc.integer({ min: 0, max: 3 }),
    told: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 })
  });
  fc.assert(
    fc.property(fc.array(pass, { maxLength: 40 }), fc.integer({ min: 0, max: 39 }), (passes, from) => {
      const ring = openRing({ mostChanges: 20, mostBatches: 8 });
      let xmax = 10;
      let revision = 0;
      const newest = new Map<number, number>();
      let wanted: Place | null = null;
      ring.passed({ place: place(xmax), operations: [], ...nothing });
      for (const [index, { advance, told }] of passes.entries()) {
        if (index === from) {
          wanted = place(xmax);
          newest.clear();
        }
        // Whatever is told needs a transaction.
        xmax += told.length > 0 ? Math.max(1, advance) : advance;
        const operations = [...new Set(told)].map((id) => change(id, ++revision));
        for (const { id, revision: at } of operations) newest.set(id, at);
        ring.passed({ place: place(xmax), operations, ...nothing });
        expect(ring.changes).toBeLessThanOrEqual(24);
        expect(ring.batches).toBeLessThanOrEqual(8);
      }
      const found = wanted && ring.since(wanted);
      if (!found) return;
      for (const [id, at] of newest) expect(found.operations.find((one) => one.id === id)?.revision).toBe(at);
    })
  );
});

test('what the log knows of before serves those who stand before the ring, joined with what was told since', () => {
  const ring = openRing({ mostChanges: 4 });
  ring.passed({ place: place(20), operations: [], ...nothing });
  ring.passed({ place: place(22), operations: [change(2, 5)], ...nothing });
  expect(ring.reaches(place(12))).toBe(false);
  // Read before the ring began: what happened between the two nobody knows.
  expect(ring.reachBack(place(12), { place: place(19), operations: [change(1, 1)], ...nothing })).toBe(false);
  const before = ring.version;
  const found = { place: place(21), operations: [change(1, 1), change(2, 4)], ...nothing };
  expect(ring.reachBack(place(12), found)).toBe(true);
  expect(ring.version).not.toBe(before);
  expect(ids(ring.since(place(12)))).toEqual([1, 2]);
  expect(ring.since(place(12))?.operations[1]?.revision).toBe(5);
  expect(ids(ring.since(place(20)))).toEqual([2]);
  expect(ring.since(place(11))).toBeNull();
  // More than may be kept is not taken, and what was taken goes first.
  expect(ring.reachBack(place(5), { place: place(23), operations: [change(6, 1), change(7, 1)], ...nothing })).toBe(
    false
  );
  ring.passed({ place: place(24), operations: [change(8, 1), change(9, 1)], ...nothing });
  expect(ring.since(place(12))).toBeNull();
  expect(ids(ring.since(place(20)))).toEqual([2, 8, 9]);
});

test('a place that all of some places cover has seen exactly what each of them had seen', () => {
  const places = fc.array(
    fc.record({ xmax: fc.integer({ min: 3, max: 30 }), open: fc.uniqueArray(fc.integer({ min: 3, max: 29 })) }),
    { minLength: 1, maxLength: 5 }
  );
  fc.assert(
    fc.property(places, (some) => {
      const all = some.map(({ xmax, open }) =>
        place(
          xmax,
          open.filter((xid) => xid < xmax).sort((a, b) => a - b)
        )
      );
      const oldest = oldestOf(all);
      const seen = ({ snapshot }: Place, xid: bigint): boolean =>
        xid < snapshot.xmax && !snapshot.inProgress.includes(xid);
      for (let xid = 1n; xid < 31n; xid++) expect(seen(oldest, xid)).toBe(all.every((one) => seen(one, xid)));
      expect(oldest.snapshot.xmin <= (oldest.snapshot.inProgress[0] ?? oldest.snapshot.xmax)).toBe(true);
      for (const one of all) expect(covers(one, oldest)).toBe(true);
    })
  );
});
