/** One list window: what is drawn, what waits, what leaves, and what is admitted to be unknown. */
import { describe, expect, it } from 'vitest';
import type { OperationRow } from '../operations/operation.ts';
import { LOOK_AHEAD, type HubPage } from '../operations/pages.ts';
import { adoptPage } from './adopt-page.ts';
import { TOMBSTONE_LIMIT } from './list-membership.ts';
import * as windows from './list-window.ts';
import { someRow, WORKSPACE } from './simulation/oracle-server.ts';

const SIZE = 3;

/** A page of the ids given, newest first, in environment 1. */
function somePage(ids: number[], overrides: Partial<HubPage> = {}): HubPage {
  return {
    workspace: { id: WORKSPACE, name: 'W', isDemo: false },
    environment: { id: 1, name: 'E' },
    environments: [],
    typeLabels: {},
    rows: ids.map((id) => someRow({ id })),
    pageSize: SIZE as HubPage['pageSize'],
    position: { isFirst: true, newer: null, older: null },
    hasAny: true,
    token: 'token',
    readAt: 0,
    ...overrides
  };
}
const told = (window: windows.ListWindow, ...rows: OperationRow[]): windows.ListWindow =>
  windows.applyChanges(window, { rows, removed: [] });
const removed = (window: windows.ListWindow, ...gone: [number, number][]): windows.ListWindow =>
  windows.applyChanges(window, { rows: [], removed: gone });
const ids = (window: windows.ListWindow): number[] => window.shown.map((row) => row.id);
const later = { isFirst: false, newer: 'n', older: null };
const many = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from - index);

describe('a list window', () => {
  it('takes a new row at its sorted place, and refills from the look-ahead when one leaves', () => {
    const window = told(windows.openWindow(somePage([9, 7, 5, 3])), someRow({ id: 8 }));
    expect(ids(window)).toEqual([9, 8, 7]);
    expect(ids(removed(window, [9, 2], [8, 2]))).toEqual([7, 5, 3]);
  });

  it('lets a row win over a removal of its revision in either order, and a removal over older rows', () => {
    const window = windows.openWindow(somePage([9]));
    const moved = someRow({ id: 9, revision: 2 });
    expect(ids(removed(told(window, moved), [9, 2]))).toEqual([9]);
    expect(ids(told(removed(window, [9, 2]), moved))).toEqual([9]);
    expect(ids(told(removed(window, [9, 3]), moved))).toEqual([]);
  });

  it('lets a row leave that moved out of the filter, and ignores other workspaces', () => {
    const window = windows.openWindow(somePage([9, 7]));
    expect(ids(told(window, someRow({ id: 9, revision: 2, environmentId: 2 })))).toEqual([7]);
    expect(ids(told(window, someRow({ id: 10, workspaceId: 2 })))).toEqual([9, 7]);
  });

  it('holds new rows behind the pill while engaged or scrolled, and keeps updating those that wait', () => {
    for (const hold of [
      windows.engage(windows.openWindow(somePage([5, 4, 3])), true),
      windows.scrolled(windows.openWindow(somePage([5, 4, 3])), false)
    ]) {
      const window = told(
        told(hold, someRow({ id: 6 })),
        someRow({ id: 6, revision: 4 }),
        someRow({ id: 5, revision: 2 })
      );
      expect([ids(window), window.waiting, window.shown[0]?.revision]).toEqual([[5, 4, 3], 1, 2]);
      expect(windows.showWaiting(window).shown[0]).toMatchObject({ id: 6, revision: 4 });
      expect(removed(window, [6, 5]).waiting).toBe(0);
    }
  });

  it('keeps the line of a held row that leaves, so that nothing moves, and gives it up when let go', () => {
    const held = told(windows.engage(windows.openWindow(somePage([5, 4, 3, 2, 1])), true), someRow({ id: 6 }));
    const window = removed(held, [4, 2]);
    expect([ids(window), [...window.gone]]).toEqual([[5, 4, 3], [4]]);
    const back = told(window, someRow({ id: 4, revision: 3 }));
    expect([ids(back), [...back.gone], back.shown[1]?.revision]).toEqual([[5, 4, 3], [], 3]);
    const released = windows.engage(window, false);
    expect([ids(released), [...released.gone]]).toEqual([[6, 5, 3], []]);
    expect([...windows.pause(window).gone]).toEqual([4]);
  });

  it('keeps the screen as it is while paused, counts what waits, and applies everything on resume', () => {
    const paused = windows.pause(windows.openWindow(somePage([5, 4, 3])));
    const window = removed(told(paused, someRow({ id: 6 }), someRow({ id: 5, revision: 2 })), [4, 2]);
    expect(window.shown).toBe(paused.shown);
    expect(window.waiting).toBe(1);
    expect(ids(windows.resume(window))).toEqual([6, 5, 3]);
  });

  it('adds nothing on a later page: rows change or leave', () => {
    const window = windows.openWindow(somePage([5, 4, 3, 2], { position: later }));
    const changed = told(window, someRow({ id: 6 }), someRow({ id: 1 }), someRow({ id: 4, revision: 2 }));
    expect(ids(changed)).toEqual([5, 4, 3]);
    expect(changed.shown[1]?.revision).toBe(2);
    expect(ids(removed(changed, [4, 3]))).toEqual([5, 3, 2]);
  });

  it('ignores what lies below its floor, and asks for a page before the look-ahead runs out', () => {
    let window = windows.openWindow(somePage(many(100, SIZE + LOOK_AHEAD)));
    expect(told(window, someRow({ id: 1 }))).toBe(window);
    for (let id = 100; windows.refreshReason(window) === null; id--) window = removed(window, [id, 2]);
    expect(windows.refreshReason(window)).toBe('look_ahead');
    expect(window.shown).toHaveLength(SIZE);
  });

  it('bounds what waits: beyond the limit it says so, and only a new page releases it', () => {
    let window = windows.pause(windows.openWindow(somePage([3, 2, 1])));
    for (let id = 4; id < 2_004; id += 50)
      window = told(window, ...many(id + 49, 50).map((each) => someRow({ id: each })));
    expect([window.waiting, window.known.size <= windows.WAITING_LIMIT + SIZE + LOOK_AHEAD]).toEqual([1_000, true]);
    expect(windows.refreshReason(window)).toBeNull();
    const resumed = windows.resume(window);
    expect([windows.refreshReason(resumed), ids(resumed)]).toEqual(['waiting', [3, 2, 1]]);
    const fresh = adoptPage(resumed, somePage(many(2_003, SIZE + LOOK_AHEAD)));
    expect([ids(fresh), fresh.waiting, windows.refreshReason(fresh)]).toEqual([[2_003, 2_002, 2_001], 0, null]);
  });

  it('bounds its tombstones, and admits it when it had to forget one', () => {
    let window = windows.openWindow(somePage([3, 2, 1]));
    for (let id = 10; id < 10 + TOMBSTONE_LIMIT + 1; id++) window = removed(window, [id, 2]);
    expect(window.tombstones.size).toBe(TOMBSTONE_LIMIT);
    expect(windows.refreshReason(window)).toBe('tombstones');
    expect(windows.refreshReason(adoptPage(window, somePage([3, 2, 1])))).toBeNull();
  });

  it('forgets rows and removals when access changes, and takes the same revisions again from the next page only', () => {
    const purged = windows.purge(removed(windows.openWindow(somePage([3, 2, 1])), [2, 2]));
    expect([ids(purged), ids(told(purged, someRow({ id: 9 })))]).toEqual([[], []]);
    expect(ids(adoptPage(purged, somePage([3, 2, 1])))).toEqual([3, 2, 1]);
  });
});

describe('adopting a page', () => {
  it('keeps newer revisions and removals than the page has', () => {
    const window = removed(told(windows.openWindow(somePage([5, 4, 3])), someRow({ id: 5, revision: 7 })), [4, 2]);
    const adopted = adoptPage(window, somePage([5, 4, 3]));
    expect(adopted.shown.map((row) => [row.id, row.revision])).toEqual([
      [5, 7],
      [3, 1]
    ]);
  });

  it('compares nothing after another epoch: revisions may start again', () => {
    const window = windows.loseStream(told(windows.openWindow(somePage([5])), someRow({ id: 5, revision: 7 })));
    expect(adoptPage(window, somePage([5])).shown[0]?.revision).toBe(1);
  });

  it('leaves held rows where they are, unless the page does not reach down to them', () => {
    const held = windows.engage(windows.openWindow(somePage([5, 4, 3])), true);
    const same = adoptPage(held, somePage([6, 5, 4, 3]));
    expect([ids(same), same.waiting]).toEqual([[5, 4, 3], 1]);
    const beyond = adoptPage(held, somePage(many(100, SIZE + LOOK_AHEAD)));
    expect(ids(beyond)).toEqual([100, 99, 98]);
  });

  it('shows another view at once, also while paused', () => {
    const paused = windows.pause(windows.openWindow(somePage([5, 4, 3])));
    const other = adoptPage(paused, somePage([6, 2], { environment: null }));
    expect([ids(other), other.paused]).toEqual([[6, 2], true]);
  });
});
