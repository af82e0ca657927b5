/**
 * Applies one migration while others go on reporting and reading. It owns how long writers may have to wait for it, and
 * what is done about those who hold what it needs; which migrations there are is migrations.ts's business.
 * Invariant: a migration is applied and written down as a whole or not at all, and nobody waits behind it in a queue for
 * a lock longer than LOCK_WAIT_MS at a time, however long somebody else's transaction stays open.
 */
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { Migration } from './migrations.ts';

/**
 * Whoever asks for a lock that a waiting migration asks for, too, waits behind it: so it gives up and comes back. Shorter
 * than Postgres's deadlock_timeout (1 s), so that of two who wait for each other the migration is the one that fails.
 */
const LOCK_WAIT_MS = 500;
/**
 * What every report locks first: taken first, too, nobody can wait for it in a circle, and no trigger is running while
 * its functions are replaced. Those who read are not kept out.
 */
const LOCK_REPORTS = `do $$ begin
  if to_regclass('public.operation_runs') is not null then
    lock table public.operation_runs in share row exclusive mode;
  end if;
end $$`;
/** Between two attempts, growing: reports that waited get through. */
const PAUSE_MS = { first: 500, longest: 15_000 } as const;
/** A start that has waited for this long says who is in the way instead. */
const PATIENCE_MS = 10 * 60_000;

const SQLSTATE = { lockNotAvailable: '55P03', deadlockDetected: '40P01' } as const;

/** Somebody's transaction holds a table for longer than an upgrade waits; the message says whose. */
export class MigrationBlockedError extends Error {
  override name = 'MigrationBlockedError';
}

export interface ApplyOptions {
  /** told once, when the first attempt had to give way */
  onBlocked?: (sentence: string) => void;
  patienceMs?: number;
}

/** Needs a connection that holds the lock on migrations, as watchfloor_owner. Throws what Postgres says, or a MigrationBlockedError. */
export async function applyMigration(
  client: pg.Client,
  migration: Migration,
  { onBlocked, patienceMs = PATIENCE_MS }: ApplyOptions = {}
): Promise<void> {
  if (migration.isConcurrent) {
    await buildIndexes(client, migration);
    return writeDown(client, migration);
  }
  const giveUpAt = performance.now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      await client.query(`begin; set local lock_timeout = ${LOCK_WAIT_MS}; set local statement_timeout = 0`);
      await client.query(LOCK_REPORTS);
      await client.query(migration.sql);
      await writeDown(client, migration);
      await client.query('commit');
      return;
    } catch (error) {
      await client.query('rollback');
      const code = error instanceof pg.DatabaseError ? error.code : undefined;
      if (code !== SQLSTATE.lockNotAvailable && code !== SQLSTATE.deadlockDetected) throw error;
      const sentence = await whoIsInTheWay(client, migration);
      if (performance.now() > giveUpAt) throw new MigrationBlockedError(sentence, { cause: error });
      if (attempt === 0) onBlocked?.(sentence);
      const pause = Math.min(PAUSE_MS.first * 2 ** attempt, PAUSE_MS.longest);
      await wait(Math.min(pause, Math.max(0, giveUpAt - performance.now())));
    }
  }
}

/**
 * `create index concurrently`, one after another, outside a transaction: a build that was broken off leaves an invalid
 * index of that name, which is removed first; one that is there and valid was finished by an earlier attempt.
 */
async function buildIndexes(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('set lock_timeout = 0; set statement_timeout = 0');
  for (const statement of toStatements(migration.sql)) {
    const name = /^create\s+(?:unique\s+)?index\s+concurrently\s+(\w+)\s/i.exec(statement)?.[1];
    if (name) {
      const { rows } = await client.query<{ valid: boolean; qualified: string }>(
        `select indisvalid as valid, format('%I.%I', n.nspname, c.relname) as qualified
         from pg_index join pg_class c on c.oid = indexrelid join pg_namespace n on n.oid = relnamespace
         where c.relname = $1 and n.nspname in ('public', 'watchfloor')`,
        [name]
      );
      if (rows[0]?.valid) continue;
      if (rows[0]) await client.query(`drop index concurrently ${rows[0].qualified}`);
    } else if (!/^drop\s+index\s+concurrently\s+if\s+exists\s/i.test(statement)) {
      throw new Error(
        `${migration.name} runs outside a transaction: only "create index concurrently <name>" and ` +
          '"drop index concurrently if exists" can be repeated after it was broken off.'
      );
    }
    await client.query(statement);
  }
}

/** No statement of such a file holds a semicolon inside. */
function toStatements(sql: string): string[] {
  return sql
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

async function writeDown(client: pg.Client, { version, name, hash, needsRelease }: Migration): Promise<void> {
  await client.query('insert into watchfloor.migrations (version, name, hash, needs_release) values ($1, $2, $3, $4)', [
    version,
    name,
    hash,
    needsRelease
  ]);
}

/**
 * By then they may be gone; whoever has been in a transaction for long is the one to look at. Of sessions of others a
 * user without pg_read_all_stats sees the process and the user only.
 */
async function whoIsInTheWay(client: pg.Client, { name }: Migration): Promise<string> {
  await client.query('reset role');
  const { rows } = await client.query<{ words: string }>(
    `select format('process %s (%s%s%s)', pid, coalesce(usename, 'unknown'),
       ' as ' || nullif(application_name, ''),
       format(', in a transaction for %s s', round(extract(epoch from clock_timestamp() - xact_start)))) as words
     from pg_stat_activity
     where pid <> pg_backend_pid() and coalesce(xact_start < clock_timestamp() - $1 * interval '1 ms', true)
       and pid in (select l.pid from pg_locks l join pg_class c on c.oid = l.relation
         where l.granted and l.database = (select oid from pg_database where datname = current_database())
           and c.relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace))
     order by xact_start limit 3`,
    // Whoever came meanwhile waits like us.
    [LOCK_WAIT_MS]
  );
  await client.query('set role watchfloor_owner');
  const who = rows.length > 0 ? rows.map(({ words }) => words).join(', ') : 'another session, which is gone by now';
  return (
    `The migration ${name} waits for a table that others hold: ${who}. ` +
    'Reports go on meanwhile. It goes through when their transaction ends (or is ended: select pg_terminate_backend(process)).'
  );
}
