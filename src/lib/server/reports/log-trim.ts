/**
 * Trims the change log: what every open place in the stream has passed, at least 15 minutes ago. Two transactions, the
 * floor first: whoever reads with an older snapshot either finds the rows or sees that its place is below the floor.
 * Invariant: nothing is trimmed that was not below the oldest running transaction of a snapshot of that age.
 */
import type pg from 'pg';
import { openPool, withTransaction } from '../database/pool.ts';
import { openRepeat, type Lines, type Repeating } from './repeat.ts';

export interface LogTrimOptions {
  url: string;
  log: Lines;
  /** how old a snapshot must be before the log is trimmed to it */
  ageMs?: number;
  firstAfterMs?: number;
  everyMs?: number;
}

/** A snapshot's oldest running transaction, and when it was taken, on our own monotonic clock. */
interface Mark {
  xmin: string;
  takenAt: number;
}

/** What a trimmer remembers: marks of one epoch, oldest first. Ids of another epoch mean other transactions. */
export interface Marks {
  epoch: string;
  marks: Mark[];
}

/** Any number of our own: one node trims at a time. */
const TRIM_LOCK = 2_234_200_013;

export function openLogTrim(options: LogTrimOptions): Repeating {
  const { url, log, ageMs = 15 * 60_000, everyMs = 60_000, firstAfterMs = everyMs } = options;
  let known: Marks = { epoch: '', marks: [] };
  return openRepeat({
    name: 'Trimming of the change log',
    firstAfterMs,
    everyMs,
    log,
    async work() {
      // Its own time-out: after a long outage there may be millions of rows to delete.
      const pool = openPool({
        url,
        role: 'feed',
        max: 1,
        applicationName: 'watchfloor trim',
        statementTimeoutMs: 300_000
      });
      try {
        known = withMark(known, await readMark(pool), performance.now());
        const { xmin, rest } = findTrimmable(known, performance.now() - ageMs);
        if (xmin !== null && (await raiseFloor(pool, xmin))) await trim(pool);
        known = rest;
      } finally {
        await pool.end();
      }
    }
  });
}

/** Adds a mark; forgets all others when the database's history is a new one (a crash, a restored copy). */
export function withMark(known: Marks, { epoch, xmin }: { epoch: string; xmin: string }, takenAt: number): Marks {
  return { epoch, marks: [...(known.epoch === epoch ? known.marks : []), { xmin, takenAt }] };
}

/** The newest mark taken at `until` or before, and what to remember from then on. */
export function findTrimmable(known: Marks, until: number): { xmin: string | null; rest: Marks } {
  const old = known.marks.filter(({ takenAt }) => takenAt <= until);
  return {
    xmin: old.at(-1)?.xmin ?? null,
    rest: { epoch: known.epoch, marks: known.marks.slice(Math.max(0, old.length - 1)) }
  };
}

/** Which transactions run, in which epoch: read by one statement, as role feed. */
export async function readMark(pool: pg.Pool): Promise<{ epoch: string; xmin: string }> {
  const { rows } = await pool.query<{ epoch: string | null; xmin: string }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::text as xmin, watchfloor.read_epoch() as epoch'
  );
  return { xmin: rows[0]!.xmin, epoch: rows[0]!.epoch ?? '' };
}

/** The first transaction. False when another node is trimming. Never raises beyond what runs now. */
export async function raiseFloor(pool: pg.Pool, xmin: string): Promise<boolean> {
  return withTransaction(pool, '', async (client) => {
    if (!(await takeLock(client))) return false;
    await client.query(
      `select watchfloor.raise_change_floor($1::xid8) where $1::xid8 <= pg_snapshot_xmin(pg_current_snapshot())`,
      [xmin]
    );
    return true;
  });
}

/** The second transaction: deletes below the floor that stands now. Returns how many rows. */
export async function trim(pool: pg.Pool): Promise<number> {
  return withTransaction(pool, '', async (client) => {
    if (!(await takeLock(client))) return 0;
    const { rows } = await client.query<{ trimmed: number }>('select watchfloor.trim_changes() as trimmed');
    return rows[0]!.trimmed;
  });
}

async function takeLock(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [TRIM_LOCK]);
  return rows[0]!.mine;
}
