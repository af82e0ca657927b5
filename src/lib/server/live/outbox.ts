/**
 * Gathers the deltas of each unit and lets them go: the first change at once, further ones after a gap that grows with
 * the audience, only the latest row of each id. More than MOST_ROWS at once are not told row by row but as a burst: who
 * watches reads once, and the next burst of the unit waits for BULK_GAP_MS. Invariant: what is let go is never older than
 * what was let go before, coalescing keeps the newest, and everything that was added is either told or in a burst.
 */
import type { OperationRow } from '../../operations/operation.ts';
import type { Delta, Unit } from './rooms.ts';

/** Cost of one delivery and the longest gap (ENGINE 3, deltas): none for a handful, 24 ms for 500, 250 ms from 5,200. */
const GAP_MS_PER_LISTENER = 0.048;
const LONGEST_GAP_MS = 250;
/** Distinct operations that are told one by one; more are a burst. */
export const MOST_ROWS = 200;
/** After a burst of a unit: so many reads of windows a second at most, however long it goes on. */
const BULK_GAP_MS = 1_000;
/** What waits for the end of that gap at most: beyond it the burst is told at once. */
const MOST_WAITING = 10_000;

export function emitGap(audience: number): number {
  return Math.min(LONGEST_GAP_MS, Math.max(0, audience * GAP_MS_PER_LISTENER));
}

interface Waiting {
  rows: Map<number, OperationRow>;
  removed: Map<number, number>;
  timer: NodeJS.Timeout | null;
}

export interface Outbox {
  add(unit: Unit, delta: Delta): void;
  /** lets everything go now, before a tick that vouches for it */
  flush(): void;
  /** forgets what waits (a new epoch makes it worthless) */
  clear(): void;
}

/**
 * `send` puts one message to one unit on the wire, `bulk` tells a unit's watchers that very much changed at once;
 * `audience` counts who listens there now (0: nothing is kept), `arriving` who waits to be let in or answered, wherever: they
 * need the same processor, so the gap is as if they listened already.
 */
export function openOutbox({
  send,
  bulk,
  audience,
  arriving = () => 0
}: {
  send: (unit: Unit, delta: Delta) => void;
  bulk: (unit: Unit, delta: Delta) => void;
  audience: (unit: Unit) => number;
  arriving?: () => number;
}): Outbox {
  const waiting = new Map<Unit, Waiting>();
  const sentAt = new Map<Unit, number>();
  const burstAt = new Map<Unit, number>();

  const sizeOf = ({ rows, removed }: Waiting): number => rows.size + removed.size;
  /** ms until what is held may go */
  const waitOf = (unit: Unit, held: Waiting): number => {
    const gap = (sentAt.get(unit) ?? -Infinity) + emitGap(audience(unit) + arriving());
    const isBurst = sizeOf(held) > MOST_ROWS;
    const due = isBurst ? Math.max(gap, (burstAt.get(unit) ?? -Infinity) + BULK_GAP_MS) : gap;
    return due - performance.now();
  };
  const letGoInTime = (unit: Unit, held: Waiting): void => {
    held.timer = null;
    const wait = waitOf(unit, held);
    if (wait <= 0) letGo(unit);
    else held.timer = setTimeout(() => letGoInTime(unit, held), wait);
  };
  const letGo = (unit: Unit): void => {
    const held = waiting.get(unit);
    if (!held) return;
    if (held.timer) clearTimeout(held.timer);
    waiting.delete(unit);
    const now = performance.now();
    sentAt.set(unit, now);
    const delta: Delta = { rows: [...held.rows.values()], removed: [...held.removed] };
    if (sizeOf(held) <= MOST_ROWS) return send(unit, delta);
    burstAt.set(unit, now);
    bulk(unit, delta);
  };

  return {
    add(unit, delta) {
      const listeners = audience(unit);
      if (listeners === 0) {
        // Whoever joins next catches up by itself; what is held would be old by then.
        const left = waiting.get(unit);
        if (left?.timer) clearTimeout(left.timer);
        waiting.delete(unit);
        sentAt.delete(unit);
        burstAt.delete(unit);
        return;
      }
      let held = waiting.get(unit);
      if (!held) waiting.set(unit, (held = { rows: new Map(), removed: new Map(), timer: null }));
      for (const row of delta.rows) {
        if ((held.rows.get(row.id)?.revision ?? 0) > row.revision) continue;
        held.rows.set(row.id, row);
        if ((held.removed.get(row.id) ?? 0) <= row.revision) held.removed.delete(row.id);
      }
      for (const [id, revision] of delta.removed) {
        if ((held.rows.get(id)?.revision ?? -1) >= revision) continue;
        held.rows.delete(id);
        held.removed.set(id, Math.max(revision, held.removed.get(id) ?? 0));
      }
      if (sizeOf(held) > MOST_WAITING) letGo(unit);
      else if (!held.timer) letGoInTime(unit, held);
    },
    flush() {
      for (const unit of [...waiting.keys()]) letGo(unit);
    },
    clear() {
      for (const { timer } of waiting.values()) if (timer) clearTimeout(timer);
      waiting.clear();
    }
  };
}
