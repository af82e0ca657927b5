/** One list window: what is drawn, what waits, what leaves, and what is admitted to be unknown. */
import { describe, expect, it } from 'vitest';
import type { OperationRow } from '../operations/operation.ts';
import { CLEAN_FILTER, type ListFilter } from '../operations/filter.ts';
import { LOOK_AHEAD, type HubPage } from '../operations/pages.ts';
import { adoptPage, isSameView } from './adopt-page.ts';
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
    query: '',
    filter: CLEAN_FILTER,
    summaries: [],
    listCounts: { list: { count: ids.length, isMore: false }, tabs: null, at: 0 },
    options: { types: [], initiators: [] },
    mayReview: false,
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
  windows.applyChanges(window, { rows, removed: [] }, window.judgedAt);
const removed = (window: windows.ListWindow, ...gone: [number, number][]): windows.ListWindow =>
  windows.applyChanges(window, { rows: [], removed: gone }, window.judgedAt);
const ids = (window: windows.ListWindow): number[] => window.shown.map((row) => row.id);
const adopt = (window: windows.ListWindow, page: HubPage): windows.ListWindow => adoptPage(window, page, page.readAt);
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

  it('says that it is short once more has left than it knew, until it is read again; not where that is all', () => {
    const all = many(100, SIZE + LOOK_AHEAD);
    const left = all.slice(0, LOOK_AHEAD + 1);
    let window = windows.openWindow(somePage(all));
    for (const id of left.slice(0, -1)) window = removed(window, [id, 2]);
    expect([windows.isShort(window), window.shown.length]).toEqual([false, SIZE]);
    window = removed(window, [left.at(-1)!, 2]);
    expect([windows.isShort(window), window.shown.length]).toEqual([true, SIZE - 1]);
    // Paused it claims nothing, and what nobody has to read again is no lack.
    expect(windows.isShort(windows.pause(window))).toBe(false);
    expect(windows.isShort(adopt(window, somePage(many(73, SIZE + LOOK_AHEAD))))).toBe(false);
    expect(windows.isShort(removed(windows.openWindow(somePage([3, 2, 1])), [2, 2]))).toBe(false);
  });

  it('bounds what waits: beyond the limit it says so, and only a new page releases it', () => {
    let window = windows.pause(windows.openWindow(somePage([3, 2, 1])));
    for (let id = 4; id < 2_004; id += 50)
      window = told(window, ...many(id + 49, 50).map((each) => someRow({ id: each })));
    expect([window.waiting, window.known.size <= windows.WAITING_LIMIT + SIZE + LOOK_AHEAD]).toEqual([1_000, true]);
    expect(windows.refreshReason(window)).toBeNull();
    const resumed = windows.resume(window);
    expect([windows.refreshReason(resumed), ids(resumed)]).toEqual(['waiting', [3, 2, 1]]);
    const fresh = adopt(resumed, somePage(many(2_003, SIZE + LOOK_AHEAD)));
    expect([ids(fresh), fresh.waiting, windows.refreshReason(fresh)]).toEqual([[2_003, 2_002, 2_001], 0, null]);
  });

  it('bounds its tombstones, and admits it when it had to forget one', () => {
    let window = windows.openWindow(somePage([3, 2, 1]));
    for (let id = 10; id < 10 + TOMBSTONE_LIMIT + 1; id++) window = removed(window, [id, 2]);
    expect(window.tombstones.size).toBe(TOMBSTONE_LIMIT);
    expect(windows.refreshReason(window)).toBe('tombstones');
    expect(windows.refreshReason(adopt(window, somePage([3, 2, 1])))).toBeNull();
  });

  it('forgets rows and removals when access changes, and takes the same revisions again from the next page only', () => {
    const purged = windows.purge(removed(windows.openWindow(somePage([3, 2, 1])), [2, 2]));
    expect([ids(purged), ids(told(purged, someRow({ id: 9 })))]).toEqual([[], []]);
    expect(ids(adopt(purged, somePage([3, 2, 1])))).toEqual([3, 2, 1]);
  });
});

const FAILED: ListFilter = { ...CLEAN_FILTER, tab: 'failed' };
const STALE: ListFilter = { ...CLEAN_FILTER, tab: 'stale' };
const failed = (id: number, completedAt: number, overrides: Partial<OperationRow> = {}): OperationRow =>
  someRow({ id, status: 'completed', outcome: 'failed', completedAt, ...overrides });
const ofRows = (filter: ListFilter, rows: OperationRow[], overrides: Partial<HubPage> = {}): windows.ListWindow =>
  windows.openWindow(somePage([], { filter, rows, ...overrides }));

describe('a filtered window', () => {
  it('lets a row in at its sorted place when it starts to match, and out when it stops', () => {
    const window = ofRows(FAILED, [failed(2, 90), failed(9, 50)]);
    expect(ids(told(window, someRow({ id: 5 })))).toEqual([2, 9]);
    const entered = told(window, failed(5, 70, { revision: 2 }));
    expect(ids(entered)).toEqual([2, 5, 9]);
    expect(ids(told(entered, failed(5, 70, { revision: 3, outcome: 'succeeded' })))).toEqual([2, 9]);
  });

  it('is not fooled by a message older than the one that showed that a row does not match', () => {
    for (const window of [ofRows(FAILED, []), ofRows(FAILED, [failed(5, 70)])]) {
      const left = told(window, failed(5, 70, { revision: 5, outcome: 'succeeded' }));
      expect(ids(told(left, failed(5, 70, { revision: 4 })))).toEqual([]);
      expect(ids(told(left, failed(5, 70, { revision: 6 })))).toEqual([5]);
    }
  });

  it('forgets silently what never was in it, and admits to have forgotten what was', () => {
    let never = ofRows(FAILED, [failed(9, 50)]);
    let were = never;
    for (let id = 10; id < 1_110; id += 20) {
      const some = many(id + 19, 20);
      never = told(never, ...some.map((each) => someRow({ id: each, revision: 2 })));
      were = told(were, ...some.map((each) => failed(each, each)));
      were = told(were, ...some.map((each) => someRow({ id: each, revision: 2 })));
    }
    expect([never.passed.size, never.tombstones.size, windows.refreshReason(never)]).toEqual([1_000, 0, null]);
    expect([were.tombstones.size, windows.refreshReason(were)]).toEqual([TOMBSTONE_LIMIT, 'tombstones']);
  });

  it('sorts a row anew when its place in the order moves, but leaves its line where it is while held', () => {
    const window = ofRows(FAILED, [failed(4, 40), failed(3, 30), failed(2, 20), failed(1, 10)]);
    const moved = failed(3, 99, { revision: 2 });
    expect(ids(told(window, moved))).toEqual([3, 4, 2]);
    const held = told(windows.engage(window, true), moved, failed(5, 35));
    expect([ids(held), held.waiting, held.shown[1]?.completedAt]).toEqual([[4, 3, 2], 1, 99]);
    expect(ids(windows.engage(held, false))).toEqual([3, 4, 5]);
  });

  it('holds what enters anywhere above the last line, also when that line itself has moved up', () => {
    const window = windows.engage(ofRows(FAILED, [failed(4, 40), failed(3, 30), failed(2, 20)]), true);
    const held = told(window, failed(2, 99, { revision: 2 }), failed(7, 25), failed(8, 15));
    expect([ids(held), held.waiting]).toEqual([[4, 3, 2], 1]);
    expect(ids(windows.showWaiting(held))).toEqual([2, 4, 3]);
  });

  it('lets a row go that falls below the floor, and reads on before the page grows short', () => {
    const rows = many(100, SIZE + LOOK_AHEAD).map((id) => failed(id, id));
    let window = ofRows(FAILED, rows);
    window = told(window, failed(100, 1, { revision: 2 }));
    expect([ids(window), window.known.has(100)]).toEqual([[99, 98, 97], false]);
    expect(ids(told(window, failed(100, 100)))).toEqual([99, 98, 97]);
    for (let id = 99; windows.refreshReason(window) === null; id--)
      window = told(window, failed(id, 1, { revision: 2 }));
    expect([windows.refreshReason(window), window.shown.length]).toEqual(['look_ahead', SIZE]);
  });

  it('lets a row in when it has become stale, by the message that says so or by time alone', () => {
    const silent = someRow({ id: 5, staleAt: 1_000 });
    const empty = ofRows(STALE, [], { readAt: 500 });
    expect(ids(windows.applyChanges(empty, { rows: [silent], removed: [] }, 1_000))).toEqual([5]);
    // Told by a clock that is ahead of ours: it waits for its moment.
    const early = windows.applyChanges(empty, { rows: [silent], removed: [] }, 990);
    expect([ids(early), ids(windows.reconsider(early, 999)), ids(windows.reconsider(early, 1_000))]).toEqual([
      [],
      [],
      [5]
    ]);
  });

  it('takes a stale row out when it is heard of again, and in again when it falls silent once more', () => {
    const stale = ofRows(STALE, [someRow({ id: 5, staleAt: 1_000 })], { readAt: 1_500 });
    const alive = told(stale, someRow({ id: 5, revision: 2, staleAt: 3_000 }));
    expect([ids(alive), ids(windows.reconsider(alive, 3_000))]).toEqual([[], [5]]);
    expect(ids(windows.reconsider(removed(alive, [5, 3]), 3_000))).toEqual([]);
  });

  it('does not take back what a clock that was a moment ahead let in, but believes one that was set back', () => {
    const silent = someRow({ id: 5, staleAt: 1_000_000 });
    const empty = ofRows(STALE, [], { readAt: 500_000 });
    const window = windows.applyChanges(empty, { rows: [silent], removed: [] }, 1_000_100);
    expect(ids(windows.reconsider(window, 999_000))).toEqual([5]);
    expect(ids(windows.reconsider(window, 600_000))).toEqual([]);
  });

  it('changes nothing for a known row of its revision, and judges nothing by time where time does not matter', () => {
    const active = ofRows({ ...CLEAN_FILTER, tab: 'active' }, [someRow({ id: 5, staleAt: 1_000 })]);
    expect(told(active, someRow({ id: 5, staleAt: 1_000 }))).toBe(active);
    expect(windows.reconsider(active, 9_999_999_999)).toBe(active);
  });

  it('lets rows go over the edge of a window that moves along, and asks for those that come in at its other end', () => {
    const minute = 60_000;
    const filter: ListFilter = { ...CLEAN_FILTER, from: { agoMs: 10 * minute }, to: { agoMs: minute } };
    const rows = [5 * minute, 3 * minute].map((createdAt, at) => someRow({ id: 9 - at, createdAt }));
    const window = ofRows(filter, rows, { readAt: 10 * minute });
    expect(ids(windows.reconsider(window, 13 * minute))).toEqual([9, 8]);
    const later = windows.reconsider(window, 14 * minute);
    expect([ids(later), windows.refreshReason(later)]).toEqual([[9], 'time']);
    expect(windows.refreshReason(adopt(later, somePage([], { filter, rows, readAt: 14 * minute })))).toBeNull();
  });

  it('reads a list of stale rows again each minute, lest one was missed that became stale while nobody listened', () => {
    const window = ofRows(STALE, [], { readAt: 110_000 });
    const reasons = [119_999, 120_000].map((at) => windows.refreshReason(windows.reconsider(window, at)));
    expect(reasons).toEqual([null, 'time']);
  });

  it('lets no row of a later page rise above where that page begins', () => {
    const window = ofRows(FAILED, [failed(4, 40), failed(3, 30), failed(2, 20)], { position: later });
    expect(ids(told(window, failed(3, 99, { revision: 2 })))).toEqual([4, 2]);
    expect(ids(told(window, failed(3, 15, { revision: 2 })))).toEqual([4, 2, 3]);
  });

  it('keeps an empty line for a held row that stops to match', () => {
    const held = windows.engage(ofRows(FAILED, [failed(4, 40), failed(3, 30)]), true);
    const window = told(held, failed(4, 40, { revision: 2, outcome: 'succeeded' }));
    expect([ids(window), [...window.gone]]).toEqual([[4, 3], [4]]);
  });
});

describe('adopting a page', () => {
  it('keeps newer revisions and removals than the page has', () => {
    const window = removed(told(windows.openWindow(somePage([5, 4, 3])), someRow({ id: 5, revision: 7 })), [4, 2]);
    const adopted = adopt(window, somePage([5, 4, 3]));
    expect(adopted.shown.map((row) => [row.id, row.revision])).toEqual([
      [5, 7],
      [3, 1]
    ]);
  });

  it('compares nothing after another epoch: revisions may start again', () => {
    const window = windows.loseStream(told(windows.openWindow(somePage([5])), someRow({ id: 5, revision: 7 })));
    expect(adopt(window, somePage([5])).shown[0]?.revision).toBe(1);
  });

  it('leaves held rows where they are, unless the page does not reach down to them', () => {
    const held = windows.engage(windows.openWindow(somePage([5, 4, 3])), true);
    const same = adopt(held, somePage([6, 5, 4, 3]));
    expect([ids(same), same.waiting]).toEqual([[5, 4, 3], 1]);
    const beyond = adopt(held, somePage(many(100, SIZE + LOOK_AHEAD)));
    expect(ids(beyond)).toEqual([100, 99, 98]);
  });

  it('shows another view at once, also while paused', () => {
    const paused = windows.pause(windows.openWindow(somePage([5, 4, 3])));
    const other = adopt(paused, somePage([6, 2], { environment: null }));
    expect([ids(other), other.paused]).toEqual([[6, 2], true]);
  });

  it('is another view when its filter is another one, and the same where only the words of it are equal', () => {
    const window = ofRows(FAILED, [failed(4, 40)]);
    expect(isSameView(window, somePage([], { filter: { ...FAILED } }))).toBe(true);
    expect(isSameView(window, somePage([], { filter: CLEAN_FILTER }))).toBe(false);
    const held = windows.engage(window, true);
    expect(ids(adopt(held, somePage([7, 6])))).toEqual([7, 6]);
  });

  it('takes the newer revision that it knows, also of a row that waits for its moment', () => {
    const stale = ofRows(STALE, [someRow({ id: 5, staleAt: 1_000 })], { readAt: 1_500 });
    const alive = told(stale, someRow({ id: 5, revision: 2, staleAt: 3_000 }));
    const page = somePage([], { filter: STALE, rows: [someRow({ id: 5, staleAt: 1_000 })], readAt: 1_600 });
    expect([ids(adopt(alive, page)), ids(windows.reconsider(adopt(alive, page), 3_000))]).toEqual([[], [5]]);
  });

  it('does not let in by time what waited and is not on the page: it may have been removed before', () => {
    const waiting = told(ofRows(STALE, [], { readAt: 500 }), someRow({ id: 5, staleAt: 1_000 }));
    expect(ids(windows.reconsider(waiting, 1_000))).toEqual([5]);
    const adopted = adopt(waiting, somePage([], { filter: STALE, readAt: 600 }));
    expect(ids(windows.reconsider(adopted, 1_000))).toEqual([]);
  });
});
