/**
 * When to read again because transactions were still in progress: each listed transaction asks for reads at growing
 * distances of its own, 10 ms rising to 500 ms with its age. Pure: time is an argument.
 * Invariant: work is bounded by what is in progress, two reads a second for a transaction that stays open for an hour,
 * and a new transaction behind it is still found within about 10 ms of its end.
 */
const SHORTEST_MS = 10;
const LONGEST_MS = 500;
/** A transaction is asked after every quarter of its age. */
const SHARE_OF_AGE = 0.25;

export interface InProgress {
  /** first seen at, by transaction id, in monotonic milliseconds */
  since: Map<bigint, number>;
}

/** Forgets what has ended, remembers what is new. */
export function seenInProgress(before: InProgress, xids: bigint[], now: number): InProgress {
  return { since: new Map(xids.map((xid) => [xid, before.since.get(xid) ?? now])) };
}

/** Milliseconds until the next read is worth it, or null when nothing is in progress. */
export function nextRePoll({ since }: InProgress, now: number): number | null {
  let next: number | null = null;
  for (const first of since.values()) {
    const wait = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (now - first) * SHARE_OF_AGE));
    next = next === null ? wait : Math.min(next, wait);
  }
  return next;
}
