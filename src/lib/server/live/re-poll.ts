/**
 * When to read again because transactions were still in progress: each listed transaction asks for reads at growing
 * distances of its own, rising to 500 ms with its age. Pure: time is an argument.
 * Invariant: work is bounded by what is in progress, two reads a second for a transaction that stays open for an hour,
 * and a new transaction behind it is still found within about 10 ms of its end; where changes come just now, within 1 ms:
 * who lost the wake-up gate to them is told of by these reads alone, and most transactions last no longer.
 */
const SHORTEST_MS = 10;
const SHORTEST_WARM_MS = 1;
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

/**
 * Milliseconds until the next read is worth it, or null when nothing is in progress. `isWarm`: changes came a moment ago.
 * Otherwise what is in progress may well be of another database of the server, and is not worth so many reads.
 */
export function nextRePoll({ since }: InProgress, now: number, isWarm: boolean): number | null {
  const shortest = isWarm ? SHORTEST_WARM_MS : SHORTEST_MS;
  let next: number | null = null;
  for (const first of since.values()) {
    const wait = Math.min(LONGEST_MS, Math.max(shortest, (now - first) * SHARE_OF_AGE));
    next = next === null ? wait : Math.min(next, wait);
  }
  return next;
}
