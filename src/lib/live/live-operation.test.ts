/** One live operation: newest row, gone or not, and when its page has to be read again. */
import { describe, expect, it } from 'vitest';
import type { DetailPage } from '../operations/pages.ts';
import { LiveOperation, type OperationView } from './live-operation.ts';
import type { Ports } from './ports.ts';
import { someRow, WORKSPACE } from './simulation/oracle-server.ts';

const PORTS: Ports = {
  moment: () => ({ mono: 0, wall: 0 }),
  random: () => 0,
  after: () => () => {},
  everySecond: () => () => {},
  onFrame: () => () => {},
  onReturn: () => () => {},
  isVisible: () => true,
  openSocket: () => ({ subscribe: () => {}, clock: () => {}, close: () => {} }),
  warn: () => {}
};
const somePage = (revision: number, token = 'page'): DetailPage => ({
  workspace: { id: WORKSPACE, name: 'W', isDemo: false },
  environment: null,
  typeLabel: 'Inventory sync',
  followUpPolicy: 'repeatable',
  silenceLimitSeconds: null,
  row: someRow({ id: 5, revision }),
  failures: [],
  source: null,
  externalId: null,
  reconciliationReason: null,
  retryOf: null,
  earlier: [],
  lastSuccess: null,
  later: null,
  mayReview: false,
  mayOpenDiagnostics: false,
  token,
  readAt: 0
});

function open(): { operation: LiveOperation; view: () => OperationView } {
  let view!: OperationView;
  const options = { refresh: () => Promise.resolve(), leave: () => {}, reload: () => {} };
  const operation = new LiveOperation(somePage(2), {
    options,
    ports: PORTS,
    draw: (next) => (view = next),
    tick: () => {}
  });
  return { operation, view: () => view };
}

describe('a live operation', () => {
  it('takes newer rows of itself only', () => {
    const { operation, view } = open();
    operation.rows({ rows: [someRow({ id: 5, revision: 4 }), someRow({ id: 6, revision: 9 })], removed: [] });
    operation.rows({ rows: [someRow({ id: 5, revision: 3 })], removed: [] });
    expect([view().row.id, view().row.revision, view().changed]).toEqual([5, 4, true]);
    operation.adopt(somePage(3, 'older'));
    expect(view().row.revision).toBe(4);
  });

  it('is reviewed and resolved with a newer revision, and unmoved by the same one told again', () => {
    const { operation, view } = open();
    const reviewed = { at: 9, by: 'Ada' };
    operation.rows({ rows: [someRow({ id: 5, revision: 3, reviewed })], removed: [] });
    expect([view().row.reviewed, view().changed]).toEqual([reviewed, true]);
    const before = view();
    operation.rows({ rows: [someRow({ id: 5, revision: 3, staleAt: 1 })], removed: [] });
    expect(view()).toBe(before);
    operation.rows({ rows: [someRow({ id: 5, revision: 4 })], removed: [] });
    expect(view().row.reviewed).toBeNull();
  });

  it('is gone with a later removal, and back with a row of that revision', () => {
    const { operation, view } = open();
    operation.rows({ rows: [], removed: [[5, 2]] });
    expect(view().gone).toBe(false);
    operation.rows({ rows: [], removed: [[5, 3]] });
    expect(view().gone).toBe(true);
    operation.rows({ rows: [someRow({ id: 5, revision: 3 })], removed: [] });
    expect(view().gone).toBe(false);
  });

  it('counts as gone after a change of access until a page shows it again, also in the same revision', () => {
    const { operation, view } = open();
    operation.purge();
    operation.rows({ rows: [someRow({ id: 5, revision: 9 })], removed: [] });
    expect([view().gone, view().withheld, view().row.revision]).toEqual([true, true, 2]);
    operation.adopt(somePage(2, 'new'));
    expect([view().gone, view().withheld]).toEqual([false, false]);
  });
});
