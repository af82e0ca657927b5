/**
 * Writes down which follow-ups a later success resolved, and lets the facts that nobody needs any more go. Pages and the
 * feed compare with the facts themselves, so it may be late: it runs when the feed has told of a success, and every ten
 * seconds in any case. Every node may run it; the statement skips what another one has locked.
 */
import { openPool } from '../database/pool.ts';
import type { Feed, FeedEvents } from '../live/feed.ts';
import { openRepeat, type Lines, type Repeating } from './repeat.ts';

export interface FollowUpSweepOptions {
  url: string;
  log: Lines;
  /** what tells of successes; without it only the clock does */
  feed?: Pick<Feed, 'events'> | undefined;
  /** at most one statement in this time */
  everyMs?: number;
  /** at least one statement in this time */
  atLeastEveryMs?: number;
}

export function openFollowUpSweep(options: FollowUpSweepOptions): Repeating {
  const { url, log, feed, everyMs = 1_000, atLeastEveryMs = 10_000 } = options;
  // Its own time-out: after a bulk load there may be thousands to write down.
  const pool = openPool({
    url,
    role: 'feed',
    max: 1,
    applicationName: 'watchfloor sweep',
    statementTimeoutMs: 60_000
  });
  let isDue = true;
  let sweptAt = -Infinity;
  const notePassed = ({ isOverflow, operations }: FeedEvents['passed'][0]): void => {
    isDue ||= isOverflow || operations.some(({ row }) => row?.outcome === 'succeeded');
  };
  const noteBreak = (): void => void (isDue = true);
  feed?.events.on('passed', notePassed);
  feed?.events.on('stream changed', noteBreak);

  const repeating = openRepeat({
    name: 'The sweep of follow-ups',
    firstAfterMs: everyMs,
    everyMs,
    log,
    async work() {
      if (!isDue && performance.now() - sweptAt < atLeastEveryMs) return;
      // Before the statement: what is told while it runs may be too late for it.
      isDue = false;
      try {
        const { rows } = await pool.query<{ swept: number }>('select watchfloor.sweep_follow_ups() as swept');
        // Another statement, another transaction: nothing that was just written stays locked for it.
        await pool.query('select watchfloor.compact_successes()');
        sweptAt = performance.now();
        // There may be more than one statement takes on.
        isDue ||= rows[0]!.swept > 0;
      } catch (error) {
        isDue = true;
        throw error;
      }
    }
  });
  return {
    async close() {
      feed?.events.off('passed', notePassed);
      feed?.events.off('stream changed', noteBreak);
      await repeating.close();
      await pool.end();
    }
  };
}
