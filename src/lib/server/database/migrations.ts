/**
 * Brings the schema up to date: `migrations/NNNN_phrase.sql`, forward only, one transaction each, under an advisory
 * lock, so that several nodes may start at once. A file that ran is never changed: its hash is kept and compared.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { types } from './pool.ts';
import { prepareRoles } from './roles.ts';

/** The database holds a schema that this version of Watchfloor does not know or that was changed by hand. */
export class SchemaMismatchError extends Error {
  override name = 'SchemaMismatchError';
}

export interface Migration {
  version: number;
  name: string;
  sql: string;
  hash: string;
}

const FOLDER = join('src', 'lib', 'server', 'database', 'migrations');
/** Any number of our own; the same on every node. */
const MIGRATION_LOCK = 2_234_200_001;

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
      return {
        version: Number(file.slice(0, 4)),
        name: file.replace(/\.sql$/, ''),
        sql,
        hash: createHash('sha256').update(sql).digest('hex')
      };
    });
}

/**
 * Applies what is missing and returns the names of what it applied. Waits for another node that migrates.
 * Throws MissingRightsError or SchemaMismatchError with a sentence for the administrator.
 */
export async function migrate(url: string): Promise<{ applied: string[]; version: number }> {
  const client = new pg.Client({ connectionString: url, types, application_name: 'watchfloor migrate' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await prepareRoles(client);
    await client.query('set role watchfloor_owner');
    await client.query(`create table if not exists watchfloor.migrations (
      version integer not null constraint migrations_pkey primary key,
      name text not null, hash text not null, applied_at timestamptz(3) not null default clock_timestamp())`);
    const done = await client.query<Omit<Migration, 'sql'>>('select version, name, hash from watchfloor.migrations');
    const migrations = readMigrations();
    refuseMismatch(migrations, done.rows);
    const applied: string[] = [];
    for (const migration of migrations.filter(({ version }) => !done.rows.some((row) => row.version === version))) {
      await client.query('begin');
      await client.query(migration.sql);
      await client.query('insert into watchfloor.migrations (version, name, hash) values ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.hash
      ]);
      await client.query('commit');
      applied.push(migration.name);
    }
    return { applied, version: migrations.at(-1)?.version ?? 0 };
  } finally {
    // Ending the connection frees the lock and rolls back what failed.
    await client.end();
  }
}

function refuseMismatch(known: Migration[], done: Omit<Migration, 'sql'>[]): void {
  for (const row of done) {
    const migration = known.find(({ version }) => version === row.version);
    if (!migration)
      throw new SchemaMismatchError(
        `The database was migrated by a newer Watchfloor (it has ${row.name}). Start that version, or restore a backup.`
      );
    if (migration.hash !== row.hash)
      throw new SchemaMismatchError(
        `The migration ${row.name} was changed after it ran on this database. Restore the file, or start with empty data.`
      );
  }
}
