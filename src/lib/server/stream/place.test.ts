import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatSnapshot, packSnapshot, parseSnapshot, shorten, unpackSnapshot, type Snapshot } from './place.ts';

const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    xmin: fc.bigInt({ min: 3n, max: 1n << 62n }),
    gaps: fc.array(fc.bigInt({ min: 1n, max: 5_000n }), { maxLength: 300 }),
    beyond: fc.bigInt({ min: 1n, max: 1_000n })
  })
  .map(({ xmin, gaps, beyond }) => {
    // Postgres lists the oldest transaction in progress as xmin itself.
    const inProgress = gaps.map((_, i) => xmin + gaps.slice(1, i + 1).reduce((sum, gap) => sum + gap, 0n));
    return { xmin, xmax: (inProgress.at(-1) ?? xmin) + (inProgress.length ? beyond : 0n), inProgress };
  });

/** The definition: has this transaction's end been seen at the place? */
const seen = (place: Snapshot, xid: bigint): boolean => xid < place.xmax && !place.inProgress.includes(xid);

test('a place survives its text and its compact form', () => {
  fc.assert(
    fc.property(snapshots, (snapshot) => {
      expect(parseSnapshot(formatSnapshot(snapshot))).toEqual(snapshot);
      expect(unpackSnapshot(packSnapshot(snapshot))).toEqual(snapshot);
    })
  );
});

test('a shortened place never counts as seen what the full one had not seen', () => {
  fc.assert(
    fc.property(snapshots, fc.nat({ max: 50 }), (snapshot, most) => {
      const shorter = shorten(snapshot, most);
      expect(shorter.inProgress.length).toBeLessThanOrEqual(most);
      for (const xid of [...snapshot.inProgress, snapshot.xmax, snapshot.xmax + 1n])
        expect(seen(shorter, xid)).toBe(false);
    })
  );
});

test('what Postgres would not print is refused', () => {
  for (const text of ['', '1:2', '1:2:a', '1:2:,', '-1:2:']) expect(() => parseSnapshot(text)).toThrow(SyntaxError);
  expect(() => unpackSnapshot(Uint8Array.of(0x80))).toThrow(SyntaxError);
});
