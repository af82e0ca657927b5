/**
 * The window's own laws, without network, with every filter: cut, order and repetition of batches do not matter, nothing
 * goes back, time alone lets in and out what it should, memory is bounded. Mutants of the reducer and of the gathering
 * show that the law has teeth. A failure prints fast-check's seed.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLEAN_FILTER, orderOf } from '../operations/filter.ts';
import { comparePlaces, placeOf, type OperationRow, type Outcome } from '../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../operations/pages.ts';
import { adoptPage } from './adopt-page.ts';
import { emptyBatch, gather, toChanges } from './batch.ts';
import * as windows from './list-window.ts';
import type { RowsChanged } from './protocol.ts';
import { OracleServer, WORKSPACE } from './simulation/oracle-server.ts';
import { someFilters } from './simulation/some-filters.ts';

interface Client {
  apply: (window: windows.ListWindow, changes: RowsChanged, at: number) => windows.ListWindow;
  reconsider: (window: windows.ListWindow, at: number) => windows.ListWindow;
  join: (messages: RowsChanged[]) => RowsChanged;
}
const REAL: Client = {
  apply: windows.applyChanges,
  reconsider: windows.reconsider,
  join: (messages) => {
    const batch = emptyBatch();
    for (const message of messages) gather(batch, message);
    return toChanges(batch);
  }
};
const MUTANTS: Record<string, Client> = {
  'no check of revisions': {
    ...REAL,
    apply(window, changes, at) {
      const told = new Set(changes.rows.map((row) => row.id));
      const known = new Map([...window.known].filter(([id]) => !told.has(id)));
      return windows.applyChanges({ ...window, known }, changes, at);
    }
  },
  'no tombstones': {
    ...REAL,
    apply: (window, changes, at) => windows.applyChanges({ ...window, tombstones: new Map() }, changes, at)
  },
  'rows that never matched leave no trace': {
    ...REAL,
    apply: (window, changes, at) => windows.applyChanges({ ...window, passed: new Map() }, changes, at)
  },
  'what is not yet stale is forgotten': {
    ...REAL,
    apply: (window, changes, at) => ({ ...windows.applyChanges(window, changes, at), pending: new Map() })
  },
  'time changes nothing': { ...REAL, reconsider: (window) => window },
  'deltas are not filtered': {
    ...REAL,
    apply: (window, changes, at) =>
      Object.assign(windows.applyChanges({ ...window, filter: CLEAN_FILTER }, changes, at), { filter: window.filter })
  },
  'places do not move': {
    ...REAL,
    apply: (window, changes, at) => windows.applyChanges({ ...window, order: 'created' }, changes, at)
  },
  'a removal beats the row of its revision': {
    ...REAL,
    apply: (window, { rows, removed }, at) =>
      windows.applyChanges(window, { rows, removed: removed.map(([id, revision]) => [id, revision + 1]) }, at)
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

/** When the histories begin; far enough from 1970 for every window, and in the middle of a minute. */
const BEGIN = 100_000_000_030_000;
const FILTERS = someFilters(BEGIN);
const OUTCOMES: Outcome[] = ['failed', 'succeeded', 'blocked', 'partially_succeeded', 'cancelled'];

const act = fc.record({
  what: fc.constantFrom('insert', 'update', 'end', 'end', 'end', 'resolve', 'review', 'move', 'remove', 'nothing'),
  which: fc.nat(9),
  where: fc.constantFrom(null, 1, 2, 3),
  outcome: fc.constantFrom(...OUTCOMES),
  after: fc.constantFrom(0, 10, 5_000, 15_000)
});
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;
const history = fc.record({
  acts: fc.array(act, { minLength: 1, maxLength: 60 }),
  filter: fc.constantFrom(...FILTERS),
  scoped: fc.boolean(),
  /** where each message is put, how often, and how many are gathered into one */
  order: fc.array(fc.nat(1_000), { minLength: 60, maxLength: 60 }),
  twice: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
  cuts: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 60, maxLength: 60 })
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

function someServer(places: (number | null)[]): OracleServer {
  const server = new OracleServer();
  for (let n = 0; n < 12; n++) {
    const { id } = server.insert(places[n % places.length] ?? null, BEGIN - 60_000 + n);
    if (n % 3 > 0) server.finish(id, OUTCOMES[n % 5] ?? 'failed', BEGIN - 30_000 + n);
  }
  return server;
}

function live(server: OracleServer, { what, which, where, outcome }: Act, now: number): void {
  const id = [...server.rows.keys()].at(-1 - which) ?? 0;
  if (what === 'insert') server.insert(where, now);
  if (what === 'update') server.update(id, now);
  if (what === 'end') server.finish(id, outcome, now);
  if (what === 'resolve') server.resolve(id, now);
  if (what === 'review') server.review(id, now);
  if (what === 'move') server.move(id, where);
  if (what === 'remove') server.delete(id);
}

/**
 * Every change as it was told at its time, then shuffled, repeated and gathered, and heard by a clock that runs on
 * meanwhile; the window against a fresh query at the end.
 */
function expectLaw(client: Client, { acts, filter, scoped, order, twice, cuts }: History): void {
  const server = someServer([null, 1, 2]);
  const scope = { workspaceId: WORKSPACE, environmentId: scoped ? 1 : null };
  let window = windows.openWindow(server.page(scope, 4, BEGIN, filter));
  const told: { message: RowsChanged; key: number }[] = [];
  let now = BEGIN;
  acts.forEach((each, n) => {
    const from = server.log.length;
    const edge = { after: now, at: now + each.after };
    now = edge.at;
    live(server, each, now);
    for (const message of server.unitDeltas(from, scope, edge)) {
      told.push({ message, key: order[n] ?? 0 });
      if (twice[n]) told.push({ message, key: order[59 - n] ?? 0 });
    }
  });
  const messages = told.sort((a, b) => a.key - b.key).map(({ message }) => message);
  for (let at = 0, n = 0; at < messages.length; n++) {
    const size = cuts[n % cuts.length] ?? 1;
    const before = window;
    const heardAt = BEGIN + ((now - BEGIN) * at) / messages.length;
    window = client.apply(window, client.join(messages.slice(at, at + size)), heardAt);
    if (n % 3 === 0) window = client.reconsider(window, heardAt);
    for (const [id, row] of window.known)
      if (row.revision < (before.known.get(id)?.revision ?? 0)) throw new Error(`row ${id} went back`);
    at += size;
  }
  window = client.reconsider(window, now);
  const page = server.page(scope, 4, now, filter);
  if (['look_ahead', 'time'].includes(windows.refreshReason(window) ?? '')) window = adoptPage(window, page, now);
  expect(window.shown).toEqual(page.rows.slice(0, 4));
  expect(window.known.size).toBeLessThanOrEqual(4 + LOOK_AHEAD);
}

describe('the reducer of a list window', () => {
  it('gives what a fresh query gives, however changes were ordered, repeated, cut and gathered', () => {
    fc.assert(
      fc.property(history, (found) => expectLaw(REAL, found)),
      { numRuns: Number(process.env['WATCHFLOOR_RUNS'] ?? 400) }
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
      fc.property(fc.array(act, { maxLength: 60 }), fc.constantFrom(...FILTERS), (acts, filter) => {
        const server = someServer([1]);
        const scope = { workspaceId: WORKSPACE, environmentId: 1 };
        const first: HubPage = server.page(scope, 4, BEGIN, filter);
        const page = { ...first, rows: first.rows.slice(3), position: { isFirst: false, newer: 'n', older: null } };
        const members = new Set(page.rows.map((row) => row.id));
        const order = orderOf(filter);
        const top = page.rows[0] && placeOf(order, page.rows[0]);
        let window = windows.openWindow(page);
        let now = BEGIN;
        for (const each of acts) {
          const from = server.log.length;
          const edge = { after: now, at: now + each.after };
          now = edge.at;
          live(server, each, now);
          for (const message of server.unitDeltas(from, scope, edge))
            window = windows.applyChanges(window, message, now);
        }
        window = windows.reconsider(window, now);
        const belongs = (row: OperationRow): boolean =>
          members.has(row.id) && top !== undefined && comparePlaces(placeOf(order, row), top) >= 0;
        expect(window.shown).toEqual(server.page(scope, 100, now, filter).rows.filter(belongs).slice(0, 4));
      })
    );
  }, 60_000);
});
