/**
 * Keeps what can be chosen in filters (watchfloor.facets): which types and initiators were ever reported in each place.
 * The hub writes no row, so this is the writer that listens to its feed: it collects everything once, and then learns
 * from each change. Invariants: it never throws into the feed and never makes it wait; what it remembers is bounded, and
 * whatever it could not follow is collected again.
 */
import { openPool } from '../database/pool.ts';
import type { Feed, FeedEvents } from '../live/feed.ts';
import { openRepeat, type Lines, type Repeating } from './repeat.ts';

export interface OptionsKeeperOptions {
  url: string;
  log: Lines;
  /** what tells of changes; without it everything is collected again and again */
  feed?: Pick<Feed, 'events'> | undefined;
  /** what was learnt is written at most once in this time */
  everyMs?: number;
  /** how many options are remembered as known */
  mostKnown?: number;
  /** how many may wait to be written */
  mostWaiting?: number;
  /** everything is collected again after this long: another node may have removed what nothing had, and it came back */
  collectEveryMs?: number;
}

interface Option {
  workspaceId: number;
  /** an environment, or 0 for the workspace itself */
  placeId: number;
  kind: 'type' | 'initiator';
  value: string;
}

export function openOptionsKeeper(options: OptionsKeeperOptions): Repeating {
  const { url, log, feed, everyMs = 1_000, mostKnown = 20_000, mostWaiting = 10_000 } = options;
  const { collectEveryMs = feed ? 3_600_000 : 30_000 } = options;
  const pool = openPool({
    url,
    role: 'feed',
    max: 1,
    applicationName: 'watchfloor options',
    statementTimeoutMs: 60_000
  });
  const known = new Set<string>();
  const waiting = new Map<string, Option>();
  let collectAt = -Infinity;
  const collectSoon = (): void => void (collectAt = -Infinity);

  const learn = (option: Option): void => {
    const key = `${option.workspaceId} ${option.placeId} ${option.kind} ${option.value}`;
    if (known.has(key) || waiting.has(key)) return;
    if (waiting.size < mostWaiting) waiting.set(key, option);
    else collectSoon();
  };
  const notePassed = ({ operations, isOverflow, isTruncated }: FeedEvents['passed'][0]): void => {
    if (isOverflow || isTruncated) collectSoon();
    for (const { row } of operations) {
      if (row === null) continue;
      const { workspaceId, environmentId } = row;
      const place = { workspaceId, placeId: environmentId ?? 0 };
      learn({ ...place, kind: 'type', value: row.type });
      learn({ ...place, kind: 'initiator', value: row.initiator });
    }
  };
  feed?.events.on('passed', notePassed);
  feed?.events.on('stream changed', collectSoon);

  const collect = async (): Promise<void> => {
    // Before the statement: what the feed tells while it runs may be too late for it.
    collectAt = performance.now() + collectEveryMs;
    known.clear();
    try {
      await pool.query('select watchfloor.collect_facets()');
    } catch (error) {
      collectSoon();
      throw error;
    }
  };
  const write = async (): Promise<void> => {
    const written = [...waiting];
    const told = written.map(([, option]) => option);
    await pool.query('select watchfloor.add_facets($1, $2, $3, $4)', [
      told.map(({ workspaceId }) => workspaceId),
      told.map(({ placeId }) => placeId),
      told.map(({ kind }) => kind),
      told.map(({ value }) => value)
    ]);
    for (const [key] of written) {
      waiting.delete(key);
      // Forgotten all at once: each costs one more insert that does nothing.
      if (known.size >= mostKnown) known.clear();
      known.add(key);
    }
  };

  const repeating = openRepeat({
    name: 'Keeping the options of filters',
    firstAfterMs: 0,
    everyMs,
    log,
    async work() {
      if (performance.now() >= collectAt) await collect();
      if (waiting.size > 0) await write();
    }
  });
  return {
    async close() {
      feed?.events.off('passed', notePassed);
      feed?.events.off('stream changed', collectSoon);
      await repeating.close();
      await pool.end();
    }
  };
}
