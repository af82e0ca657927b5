/**
 * Which rows on screen changed a moment ago, and how many did what: for the brief marks and for the status line. It has no
 * clock: moments are arguments. Invariant: a row is marked only while it is on screen, and for MARK_MS.
 */
import { comparePlaces, placeOf } from '../operations/operation.ts';
import type { ListWindow } from './list-window.ts';

/** How long a changed row keeps its mark. */
export const MARK_MS = 4_000;

export interface Seen {
  entered: number;
  changed: number;
  left: number;
}

export class RowMarks {
  /** id → monotonic time at which its mark goes */
  #until = new Map<number, number>();
  #ids: ReadonlySet<number> = new Set();

  /** the marked ids; the same set while nothing changed */
  get ids(): ReadonlySet<number> {
    return this.#ids;
  }

  /** Marks what differs from what was on screen before, and counts it. */
  mark(was: ListWindow, window: ListWindow, mono: number): Seen {
    const before = new Map(was.shown.map((row) => [row.id, row.revision]));
    const seen: Seen = { entered: Math.max(0, window.waiting - was.waiting), changed: 0, left: 0 };
    for (const row of window.shown) {
      const revision = before.get(row.id);
      if (revision === row.revision) continue;
      if (revision !== undefined) seen.changed += 1;
      else if (was.bottom !== null && comparePlaces(placeOf(window.order, row), was.bottom) > 0)
        continue; // came up from below: nothing new
      else if (was.waiting === 0) seen.entered += 1; // what waited was counted when it came
      this.#until.set(row.id, mono + MARK_MS);
    }
    const { floor, order } = window;
    for (const row of was.shown) {
      // Pushed below what is known by a burst: further down, not gone.
      const sank = floor !== null && comparePlaces(placeOf(order, row), floor) > 0;
      if (was.known.has(row.id) && !window.known.has(row.id) && !sank) seen.left += 1;
    }
    const shown = new Set(window.shown.map((row) => row.id));
    for (const id of this.#until.keys()) if (!shown.has(id)) this.#until.delete(id);
    this.#publish();
    return seen;
  }

  expire(mono: number): void {
    for (const [id, until] of this.#until) if (until <= mono) this.#until.delete(id);
    this.#publish();
  }

  clear(): void {
    this.#until.clear();
    this.#publish();
  }

  #publish(): void {
    const same = this.#ids.size === this.#until.size && [...this.#until.keys()].every((id) => this.#ids.has(id));
    if (!same) this.#ids = new Set(this.#until.keys());
  }
}
