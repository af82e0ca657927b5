/**
 * What Postgres counts by itself of our tables: reports that were rejected, and the length of the change log. Its
 * statistics cost nothing to keep and are read by one statement whatever the tables hold; they are a second or so behind,
 * the same on every node (take the maximum, never the sum), and begin anew when Postgres' statistics are reset.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Queryable } from '../database/pool.ts';

/** Two scrapers or an impatient one cost no more than one. */
const FRESH_MS = 10_000;
/** A scrape has 10 s; the rest of the figures must not be lost for these. */
const PATIENCE_MS = 2_000;

interface TableFigures {
  rejectedReports: number;
  logRows: number;
  operations: number;
}

export function registerTables(registry: Registry, database: () => Queryable | null): void {
  const registers = [registry];
  const read = readAtMostEvery(FRESH_MS, database);
  new Counter({
    name: 'watchfloor_rejected_reports_total',
    help: 'Reports that could not be applied, as Postgres counts them. If it grows, a reporting system sends what cannot be: owners see the reports with their reasons.',
    registers,
    async collect() {
      this.reset();
      this.remove();
      const tables = await read();
      if (tables) this.inc(tables.rejectedReports);
    }
  });
  new Gauge({
    name: 'watchfloor_change_log_rows',
    help: 'About how many rows the change log holds: 15 minutes of changes. If it keeps growing, trimming fails or an old transaction holds it.',
    registers,
    async collect() {
      this.reset();
      this.remove();
      const tables = await read();
      if (tables) this.set(tables.logRows);
    }
  });
  new Gauge({
    name: 'watchfloor_operations_rows',
    help: 'About how many operations are kept, of all workspaces.',
    registers,
    async collect() {
      this.reset();
      this.remove();
      const tables = await read();
      if (tables) this.set(tables.operations);
    }
  });
}

/** null when it cannot be read now: a figure that is not known is left out, never shown as zero. */
function readAtMostEvery(freshMs: number, database: () => Queryable | null): () => Promise<TableFigures | null> {
  let readAt = -Infinity;
  let reading: Promise<TableFigures | null> = Promise.resolve(null);
  return () => {
    if (performance.now() - readAt < freshMs) return reading;
    const db = database();
    if (db === null) return Promise.resolve(null);
    readAt = performance.now();
    reading = within(
      PATIENCE_MS,
      readTables(db).catch(() => null)
    );
    return reading;
  };
}

async function readTables(db: Queryable): Promise<TableFigures | null> {
  const { rows } = await db.query<{ name: string; inserted: number; live: number }>(
    `select c.relname::text as name, pg_stat_get_tuples_inserted(c.oid) as inserted, pg_stat_get_live_tuples(c.oid) as live
     from pg_class c where c.oid = any (array['public.rejected_reports', 'watchfloor.changes', 'public.operation_runs']::regclass[])`
  );
  const of = (name: string) => rows.find((row) => row.name === name);
  const [rejected, changes, operations] = [of('rejected_reports'), of('changes'), of('operation_runs')];
  if (!rejected || !changes || !operations) return null;
  return { rejectedReports: rejected.inserted, logRows: changes.live, operations: operations.live };
}

function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const patience = setTimeout(() => resolve(null), ms);
    void work.then((value) => {
      clearTimeout(patience);
      resolve(value);
    });
  });
}
