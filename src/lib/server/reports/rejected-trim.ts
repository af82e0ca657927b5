/**
 * Bounds the refused reports in number: the newest 10,000 of each workspace and 100,000 in all stay (their age is
 * retention's matter). A program that loops on a wrong report then fills no disk. Invariant: no writer waits for it, since
 * reports only append and what it removes is locked by nobody else. Every node may run it.
 */
import { openPool } from '../database/pool.ts';
import { openRepeat, type Lines, type Repeating } from './repeat.ts';

export interface RejectedTrimOptions {
  url: string;
  log: Lines;
  firstAfterMs?: number;
  everyMs?: number;
  mostEach?: number;
  mostAll?: number;
}

export function openRejectedTrim(options: RejectedTrimOptions): Repeating {
  const { url, log, everyMs = 60_000, firstAfterMs = everyMs, mostEach = 10_000, mostAll = 100_000 } = options;
  return openRepeat({
    name: 'Trimming of refused reports',
    firstAfterMs,
    everyMs,
    log,
    async work(signal) {
      const pool = openPool({
        url,
        role: 'feed',
        max: 1,
        applicationName: 'watchfloor refused reports',
        statementTimeoutMs: 60_000
      });
      try {
        // One step at a time, each in a transaction of its own.
        for (let removed = 1; removed > 0 && !signal.aborted;) {
          const { rows } = await pool.query<{ removed: number }>(
            'select watchfloor.trim_rejected_reports($1, $2) as removed',
            [mostEach, mostAll]
          );
          removed = rows[0]!.removed;
        }
      } finally {
        await pool.end();
      }
    }
  });
}
