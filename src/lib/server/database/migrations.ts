/**
 * Brings the schema up to date: `migrations/NNNN_phrase.sql`, forward only, one transaction each, under an advisory
 * lock, so that several nodes may start at once. A file that ran is never changed: its hash is kept and compared.
 * A release is known by its newest migration. It runs on a newer schema, too, unless a migration there says that it
 * contracts what this release still uses (decision 0008): so nodes of two releases can run beside each other.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { applyMigration, type ApplyOptions } from './apply-migration.ts';
import { types } from './pool.ts';
import { prepareRoles } from './roles.ts';

/** The database holds a schema that this version of Watchfloor cannot run on, or that was changed by hand. */
export class SchemaMismatchError extends Error {
  override name = 'SchemaMismatchError';
}

export interface Migration {
  version: number;
  name: string;
  sql: string;
  hash: string;
  /** a release that does not know the migration of this number cannot run any more; null: every release can */
  needsRelease: number | null;
  /** its indexes are built while others write, so not in a transaction */
  isConcurrent: boolean;
}

export interface Migrated {
  /** names of what was applied, in order */
  applied: string[];
  /** the newest migration of this release */
  version: number;
  /** names of what a newer release had applied before; this one runs on it */
  newer: string[];
}

const FOLDER = join('src', 'lib', 'server', 'database', 'migrations');
/** Any number of our own; the same on every node. */
const MIGRATION_LOCK = 2_234_200_001;
/** Asked for again and again instead of waited for: a session that waits holds a snapshot, and building an index waits for that. */
const LOCK_RETRY_MS = 200;

/** The project's folder: the nearest one above this file that holds the migrations (also for the built server in build/). */
export function projectRoot(from: string = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, FOLDER))) return folder;
    if (folder === dirname(folder))
      throw new Error(`No folder ${FOLDER} above ${from}; run Watchfloor from its clone.`);
  }
}

/** All migrations of this version of Watchfloor, in order. */
export function readMigrations(root: string = projectRoot()): Migration[] {
  return readdirSync(join(root, FOLDER))
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(join(root, FOLDER, file), 'utf8');
      return toMigration(file.replace(/\.sql$/, ''), sql);
    });
}

/** What a file says of itself, in lines of their own; docs/decisions/0008 has the rules. */
export function toMigration(name: string, sql: string): Migration {
  const needsRelease = /^-- contracts: releases before (\d{4}) cannot run on it$/m.exec(sql)?.[1];
  return {
    version: Number(name.slice(0, 4)),
    name,
    sql,
    hash: createHash('sha256').update(sql).digest('hex'),
    needsRelease: needsRelease === undefined ? null : Number(needsRelease),
    isConcurrent: /^-- concurrently: outside a transaction$/m.test(sql)
  };
}

/**
 * Applies what is missing and returns the names of what it applied. Waits for another node that migrates.
 * Throws MissingRightsError, SchemaMismatchError or MigrationBlockedError with a sentence for the administrator.
 */
export async function migrate(
  url: string,
  { migrations = readMigrations(), ...options }: ApplyOptions & { migrations?: Migration[] } = {}
): Promise<Migrated> {
  const client = new pg.Client({ connectionString: url, types, application_name: 'watchfloor migrate' });
  client.on('error', () => {});
  await client.connect();
  try {
    while (!(await tryLock(client))) await wait(LOCK_RETRY_MS);
    await prepareRoles(client);
    await client.query('set role watchfloor_owner');
    await client.query(`create table if not exists watchfloor.migrations (
      version integer not null constraint migrations_pkey primary key,
      name text not null, hash text not null, applied_at timestamptz(3) not null default clock_timestamp())`);
    await client.query('alter table watchfloor.migrations add column if not exists needs_release integer');
    const { rows: done } = await client.query<Done>(
      'select version, name, hash, needs_release from watchfloor.migrations order by version'
    );
    const version = migrations.at(-1)?.version ?? 0;
    refuseMismatch(migrations, version, done);
    const applied: string[] = [];
    for (const migration of migrations) {
      if (done.some((row) => row.version === migration.version)) continue;
      await applyMigration(client, migration, options);
      applied.push(migration.name);
    }
    return { applied, version, newer: done.filter((row) => row.version > version).map(({ name }) => name) };
  } finally {
    // Ending the connection frees the lock and rolls back what failed.
    await client.end();
  }
}

interface Done extends Pick<Migration, 'version' | 'name' | 'hash'> {
  needs_release: number | null;
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [MIGRATION_LOCK]);
  return rows[0]?.got === true;
}

function refuseMismatch(known: Migration[], version: number, done: Done[]): void {
  const four = (number: number): string => String(number).padStart(4, '0');
  for (const row of done) {
    const migration = known.find((one) => one.version === row.version);
    if (migration ? migration.hash !== row.hash : row.version <= version)
      throw new SchemaMismatchError(
        `The migration ${row.name} was changed after it ran on this database. Restore the file, or start with empty data.`
      );
    if (row.needs_release !== null && row.needs_release > version)
      throw new SchemaMismatchError(
        `The database was migrated by a newer Watchfloor, and what this version needs is gone (${row.name} says that ` +
          `releases before ${four(row.needs_release)} cannot run on it, and this one is ${four(version)}). ` +
          'Start the newer version, or restore a backup.'
      );
  }
}
