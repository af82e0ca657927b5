/**
 * From the configuration to a database that is ready: the embedded one or the one of DATABASE_URL, reached, migrated,
 * with every expected failure turned into a sentence. Used by the server, the development server and the command line.
 */
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import { migrateAndReport } from '../reports/migration.ts';
import { StartupError } from '../startup-error.ts';
import { openEmbedded } from './embedded.ts';
import { chooseDataDirectory } from './embedded-place.ts';
import { MigrationBlockedError } from './apply-migration.ts';
import { projectRoot, SchemaMismatchError, type Migrated } from './migrations.ts';
import { checkPooled, refuseTransactionPooler } from './pooler.ts';
import { MissingRightsError } from './roles.ts';

export interface OpenDatabase {
  url: string;
  /** names of the migrations that this start applied, in order */
  applied: string[];
  /** null with DATABASE_URL: where the embedded data is, and the psql line that signs the reporting role in */
  embedded: { directory: string; psql: string } | null;
  /** Stops the embedded Postgres; pools must be closed before. Nothing to do with DATABASE_URL. */
  close(): Promise<void>;
}

/** Throws a StartupError when the database cannot be used, whatever the reason. */
export async function openDatabase(config: Config, log: Log): Promise<OpenDatabase> {
  if (config.databaseUrl !== null) {
    await refuseTransactionPooler(config.databaseUrl);
    const { applied } = await migrateOrExplain(config.databaseUrl, log);
    if (config.pooledUrl !== null) await checkPooled(config.databaseUrl, config.pooledUrl);
    return { url: config.databaseUrl, applied, embedded: null, close: () => Promise.resolve() };
  }
  const database = await openEmbedded(embeddedDirectory(config), log);
  try {
    const { applied } = await migrateOrExplain(database.url, log);
    const psql = await database.allowWriterLogin();
    return { url: database.url, applied, embedded: { directory: database.directory, psql }, close: database.close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Where the embedded data of this project and this user is. */
export function embeddedDirectory(config: Pick<Config, 'dataDirectory'>): string {
  return chooseDataDirectory(projectRoot(), config.dataDirectory);
}

/** Migrates and reports it as an operation of our own, with what an administrator can do about a failure. */
export async function migrateOrExplain(url: string, log?: Pick<Log, 'info' | 'warn'>): Promise<Migrated> {
  try {
    const migrated = await migrateAndReport(url, { onBlocked: (sentence) => log?.warn(sentence) });
    if (migrated.newer.length > 0)
      log?.info({ newer: migrated.newer }, 'The database has the schema of a newer Watchfloor, which this one can use');
    return migrated;
  } catch (cause) {
    throw explainDatabaseError(cause, url);
  }
}

/** Connection failures, missing rights and foreign schemas as a StartupError; anything else is returned as it came. */
export function explainDatabaseError(cause: unknown, url: string): unknown {
  if (cause instanceof StartupError) return cause;
  const expected = [MissingRightsError, SchemaMismatchError, MigrationBlockedError];
  if (cause instanceof Error && expected.some((kind) => cause instanceof kind)) {
    return new StartupError(cause.message, { cause });
  }
  const { code = '', message } = cause as { code?: string; message: string };
  const { host, pathname } = new URL(url);
  const database = `the database "${decodeURIComponent(pathname.slice(1))}" at ${host || 'its socket'}`;
  // Class 08 is Postgres's for connections, 28 for authorization, 3D for databases that do not exist, 57P03 for a start.
  if (/^(E[A-Z]+|08\w{3}|28\w{3}|3D000|57P03|53300)$/.test(code) || /timeout|terminated/i.test(message)) {
    return new StartupError(`Watchfloor cannot use ${database}: ${message || code}. Check DATABASE_URL.`, { cause });
  }
  return cause;
}
