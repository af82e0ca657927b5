/**
 * Gathers the deltas of each unit and lets them go: the first change at once, further ones after a gap that grows with
 * the audience, only the latest row of each id. Invariant: what is let go is never older than what was let go before,
 * and coalescing keeps the newest.
 */
import type { OperationRow } from '../../operations/operation.ts';
import type { Delta, Unit } from './rooms.ts';

/** Cost of one delivery and the longest gap (ENGINE 3, deltas): none for a handful, 24 ms for 500, 250 ms from 5,200. */
const GAP_MS_PER_LISTENER = 0.048;
const LONGEST_GAP_MS = 250;
/** Rows in one message; a larger delta goes out as several, in order. */
const MOST_ROWS = 200;

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

/** `send` puts one message to one unit on the wire; `audience` counts who listens there now (0: nothing is kept). */
export function openOutbox({
  send,
  audience
}: {
  send: (unit: Unit, delta: Delta) => void;
  audience: (unit: Unit) => number;
}): Outbox {
  const waiting = new Map<Unit, Waiting>();
  const sentAt = new Map<Unit, number>();

  const letGo = (unit: Unit): void => {
    const held = waiting.get(unit);
    if (!held) return;
    if (held.timer) clearTimeout(held.timer);
    waiting.delete(unit);
    sentAt.set(unit, performance.now());
    const rows = [...held.rows.values()];
    const removed = [...held.removed];
    for (let at = 0; at < Math.max(rows.length, removed.length); at += MOST_ROWS)
      send(unit, { rows: rows.slice(at, at + MOST_ROWS), removed: removed.slice(at, at + MOST_ROWS) });
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
      if (held.timer) return;
      const wait = (sentAt.get(unit) ?? -Infinity) + emitGap(listeners) - performance.now();
      if (wait <= 0) letGo(unit);
      else held.timer = setTimeout(() => letGo(unit), wait);
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
