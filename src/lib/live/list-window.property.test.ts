/**
 * The window's own laws, without network or time: cut, order and repetition of batches do not matter, nothing goes back,
 * memory is bounded. Mutants of the reducer and of the gathering show that the law has teeth.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationRow } from '../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../operations/pages.ts';
import { emptyBatch, gather, toChanges } from './batch.ts';
import * as windows from './list-window.ts';
import type { RowsChanged } from './protocol.ts';
import { OracleServer, WORKSPACE } from './simulation/oracle-server.ts';

interface Client {
  apply: (window: windows.ListWindow, changes: RowsChanged) => windows.ListWindow;
  join: (messages: RowsChanged[]) => RowsChanged;
}
const REAL: Client = {
  apply: windows.applyChanges,
  join: (messages) => {
    const batch = emptyBatch();
    for (const message of messages) gather(batch, message);
    return toChanges(batch);
  }
};
const MUTANTS: Record<string, Client> = {
  'no check of revisions': {
    ...REAL,
    apply(window, changes) {
      const told = new Set(changes.rows.map((row) => row.id));
      const known = new Map([...window.known].filter(([id]) => !told.has(id)));
      return windows.applyChanges({ ...window, known }, changes);
    }
  },
  'no tombstones': {
    ...REAL,
    apply: (window, changes) => windows.applyChanges({ ...window, tombstones: new Map() }, changes)
  },
  'a removal beats the row of its revision': {
    ...REAL,
    apply: (window, { rows, removed }) =>
      windows.applyChanges(window, { rows, removed: removed.map(([id, revision]) => [id, revision + 1]) })
  },
  'gathering keeps the oldest': {
    ...REAL,
    join(messages) {
      const rows = new Map<number, OperationRow>();
      for (const row of messages.flatMap((message) => message.rows)) if (!rows.has(row.id)) rows.set(row.id, row);
      return { rows: [...rows.values()], removed: messages.flatMap((message) => message.removed) };
    }
  },
  'removals are lost in gathering': {
    ...REAL,
    join: (messages) => ({ ...REAL.join(messages), removed: [] })
  }
};

const act = fc.record({
  what: fc.constantFrom('insert', 'update', 'update', 'move', 'move', 'remove'),
  which: fc.nat(9),
  where: fc.constantFrom(null, 1, 2, 3)
});
const history = fc.record({
  acts: fc.array(act, { minLength: 1, maxLength: 60 }),
  scoped: fc.boolean(),
  /** where each message is put, how often, and how many are gathered into one */
  order: fc.array(fc.nat(1_000), { minLength: 60, maxLength: 60 }),
  twice: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
  cuts: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 60, maxLength: 60 })
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** Every change as it was told at its time, then shuffled, repeated and gathered; the window against a fresh query. */
function expectLaw(client: Client, { acts, scoped, order, twice, cuts }: History): void {
  const server = new OracleServer();
  for (let n = 0; n < 12; n++) server.insert([null, 1, 2][n % 3] ?? null, n);
  const scope = { workspaceId: WORKSPACE, environmentId: scoped ? 1 : null };
  let window = windows.openWindow(server.page(scope, 4, 0));
  const told: { message: RowsChanged; key: number }[] = [];
  acts.forEach(({ what, which, where }, n) => {
    const from = server.log.length;
    const id = [...server.rows.keys()].at(-1 - which) ?? 0;
    if (what === 'insert') server.insert(where, 100 + n);
    if (what === 'update') server.update(id, 100 + n);
    if (what === 'move') server.move(id, where);
    if (what === 'remove') server.delete(id);
    for (const message of server.unitDeltas(from, scope)) told.push({ message, key: order[n] ?? 0 });
    if (twice[n]) for (const message of server.unitDeltas(from, scope)) told.push({ message, key: order[59 - n] ?? 0 });
  });
  const messages = told.sort((a, b) => a.key - b.key).map(({ message }) => message);
  for (let at = 0, n = 0; at < messages.length; n++) {
    const size = cuts[n % cuts.length] ?? 1;
    const before = window;
    window = client.apply(window, client.join(messages.slice(at, at + size)));
    for (const [id, row] of window.known)
      if (row.revision < (before.known.get(id)?.revision ?? 0)) throw new Error(`row ${id} went back`);
    at += size;
  }
  expect(window.shown).toEqual(server.page(scope, 4, 0).rows.slice(0, 4));
  expect(window.known.size).toBeLessThanOrEqual(4 + LOOK_AHEAD);
}

describe('the reducer of a list window', () => {
  it('gives what a fresh query gives, however changes were ordered, repeated, cut and gathered', () => {
    fc.assert(
      fc.property(history, (found) => expectLaw(REAL, found)),
      { numRuns: Number(process.env['WATCHFLOOR_RUNS'] ?? 500) }
    );
  }, 60_000);

  it.each(Object.keys(MUTANTS))(
    'would be noticed to be wrong with the mutant "%s"',
    (name) => {
      const mutant = MUTANTS[name] ?? REAL;
      const found = fc.check(
        fc.property(history, (random) => expectLaw(mutant, random)),
        { numRuns: 1_000, seed: 7, endOnFailure: true }
      );
      expect(found.failed).toBe(true);
    },
    60_000
  );

  it('shows on a later page exactly those of its rows that are still there, and never one more', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const server = new OracleServer();
        for (let n = 0; n < 12; n++) server.insert(1, n);
        const scope = { workspaceId: WORKSPACE, environmentId: 1 };
        const first: HubPage = server.page(scope, 4, 0);
        const page = { ...first, rows: first.rows.slice(4), position: { isFirst: false, newer: 'n', older: null } };
        const members = new Set(page.rows.map((row) => row.id));
        let window = windows.openWindow(page);
        for (const { what, which, where } of acts) {
          const from = server.log.length;
          const id = [...server.rows.keys()].at(-1 - which) ?? 0;
          if (what === 'insert') server.insert(where, 100);
          if (what === 'update') server.update(id, 100);
          if (what === 'move') server.move(id, where);
          if (what === 'remove') server.delete(id);
          for (const message of server.unitDeltas(from, scope)) window = windows.applyChanges(window, message);
        }
        const expected = server.page(scope, 100, 0).rows.filter((row) => members.has(row.id));
        expect(window.shown).toEqual(expected.slice(0, 4));
      })
    );
  });
});
