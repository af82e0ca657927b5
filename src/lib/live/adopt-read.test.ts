/** The list as the hub read it after a burst, merged into the window that is on screen. */
import { describe, expect, it } from 'vitest';
import { CLEAN_FILTER } from '../operations/filter.ts';
import type { OperationRow } from '../operations/operation.ts';
import { LOOK_AHEAD } from '../operations/pages.ts';
import { adoptRead } from './adopt-page.ts';
import { announce, note, SILENT } from './announcements.ts';
import * as windows from './list-window.ts';
import { RowMarks } from './row-marks.ts';
import { someRow, WORKSPACE } from './simulation/oracle-server.ts';

const SIZE = 3;
const of = (rows: OperationRow[], isFirst = true): windows.ListWindow =>
  windows.openRows({
    scope: { workspaceId: WORKSPACE, environmentId: null },
    filter: CLEAN_FILTER,
    pageSize: SIZE as windows.ListWindow['pageSize'],
    isFirst,
    rows,
    readAt: 0
  });
const some = (...ids: number[]): OperationRow[] => ids.map((id) => someRow({ id }));
const burst = (from: number): OperationRow[] => some(...Array.from({ length: SIZE + LOOK_AHEAD }, (_, n) => from - n));
const ids = (window: windows.ListWindow): number[] => window.shown.map((row) => row.id);
function read(
  window: windows.ListWindow,
  rows: OperationRow[],
  changes: { rows?: OperationRow[]; removed?: [number, number][] } = {},
  isFirst = window.isFirst
): windows.ListWindow {
  return adoptRead(window, { query: '', rows, isFirst, readAt: 1, changes: { rows: [], removed: [], ...changes } }, 1);
}

describe('a list that the hub read after a burst', () => {
  it('replaces what is known, with what was told since on top', () => {
    const changes = {
      rows: [someRow({ id: 7, revision: 2 }), someRow({ id: 9 })],
      removed: [[8, 2]] as [number, number][]
    };
    const window = read(of(some(5, 4, 3, 2)), some(8, 7, 4), changes);
    expect(window.shown.map(({ id, revision }) => [id, revision])).toEqual([
      [9, 1],
      [7, 2],
      [4, 1]
    ]);
  });

  it('brings back neither an older revision nor what is known to be gone', () => {
    const known = { rows: [someRow({ id: 5, revision: 7 })], removed: [[4, 2]] as [number, number][] };
    const window = read(windows.applyChanges(of(some(5, 4, 3)), known, 0), some(5, 4, 3));
    expect(window.shown.map(({ id, revision }) => [id, revision])).toEqual([
      [5, 7],
      [3, 1]
    ]);
  });

  it('leaves held rows where they are: those that left keep an empty line, new ones wait', () => {
    for (const hold of [windows.engage(of(some(5, 4, 3)), true), windows.scrolled(of(some(5, 4, 3)), false)]) {
      const window = read(hold, some(7, 6, 5, 3));
      expect([ids(window), [...window.gone], window.waiting]).toEqual([[5, 4, 3], [4], 2]);
      expect(ids(windows.showWaiting(window))).toEqual([7, 6, 5]);
    }
  });

  it('lets held rows go where the burst pushed one of them below all that was read: nobody tells of it any more', () => {
    for (const hold of [windows.engage(of(some(5, 4, 3)), true), windows.scrolled(of(some(5, 4, 3)), false)]) {
      const window = read(hold, burst(100));
      expect([ids(window), window.waiting, windows.refreshReason(window)]).toEqual([[100, 99, 98], 0, null]);
    }
  });

  it('changes nothing on screen while paused, says where more wait than are counted, and is shown on resume', () => {
    const paused = read(windows.pause(of(some(5, 4, 3))), burst(100));
    expect([ids(paused), paused.waiting, windows.isMoreWaiting(paused)]).toEqual([[5, 4, 3], SIZE + LOOK_AHEAD, true]);
    const resumed = windows.resume(paused);
    expect([ids(resumed), windows.isMoreWaiting(resumed)]).toEqual([[100, 99, 98], false]);
    const few = read(windows.pause(of(some(5, 4, 3))), some(7, 6, 5));
    expect([windows.isMoreWaiting(few), ids(windows.resume(few))]).toEqual([false, [7, 6, 5]]);
  });

  it('is shown at once where it is the newest page no more, and ignored where the stream is lost', () => {
    const held = windows.engage(of(some(5, 4, 3)), true);
    expect(ids(read(held, some(4, 3), {}, false))).toEqual([4, 3]);
    const lost = windows.loseStream(held);
    expect(read(lost, some(9))).toBe(lost);
  });

  it('lets nothing into a later page that was not read with it', () => {
    const window = read(of(some(5, 4, 3), false), some(5, 3, 2), { rows: some(6, 4) });
    expect(ids(window)).toEqual([5, 3, 2]);
  });

  it('is announced as the least that happened, and rows that it pushed down are not said to have left', () => {
    const was = of(some(5, 4, 3));
    const seen = new RowMarks().mark(was, read(was, burst(100)), 0);
    expect(seen).toEqual({ entered: SIZE, changed: 0, left: 0 });
    expect(announce(note(SILENT, seen, true), 0).text).toBe('At least 3 new operations.');
  });
});
