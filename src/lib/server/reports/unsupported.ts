/**
 * What the database does that Watchfloor cannot vouch for (logical replication into our tables, a trigger of ours that was
 * switched off): asked again and again, one line in the log when it begins and one when it ends. It decides nothing; the
 * sentences are the database's (watchfloor.unsupported), the same that `watchfloor status` prints.
 */
import { openPool, type Queryable } from '../database/pool.ts';
import { openRepeat, type Lines, type Repeating } from './repeat.ts';

export interface UnsupportedWatch extends Repeating {
  /** what was found last; empty = all is as it should be, or nothing was asked yet */
  found(): readonly string[];
}

/** As role feed or people. One statement on the catalogue, well under a millisecond. */
export async function readUnsupported(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ sentence: string }>(
    'select sentence from watchfloor.unsupported() as sentence order by sentence'
  );
  return rows.map(({ sentence }) => sentence);
}

export function openUnsupportedWatch(options: {
  url: string;
  log: Lines;
  firstAfterMs?: number;
  everyMs?: number;
}): UnsupportedWatch {
  const { url, log, firstAfterMs = 0, everyMs = 60_000 } = options;
  let found: readonly string[] = [];
  const repeating = openRepeat({
    name: 'Looking for what is not supported',
    firstAfterMs,
    everyMs,
    log,
    async work() {
      const pool = openPool({ url, role: 'feed', max: 1, applicationName: 'watchfloor unsupported' });
      try {
        const now = await readUnsupported(pool);
        for (const sentence of now) if (!found.includes(sentence)) log.warn(sentence);
        if (found.length > 0 && now.length === 0) log.info('Nothing unsupported is found in the database any more.');
        found = now;
      } finally {
        await pool.end();
      }
    }
  });
  return { found: () => found, close: () => repeating.close() };
}
