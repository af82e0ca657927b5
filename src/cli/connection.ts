/**
 * How a command reaches the database: DATABASE_URL, or the embedded Postgres of a Watchfloor that runs, or, when none
 * runs, the embedded Postgres started for as long as the command takes.
 */
import type pg from 'pg';
import pino from 'pino';
import { readConfig } from '../lib/server/config.ts';
import { findRunningEmbedded } from '../lib/server/database/embedded.ts';
import { embeddedDirectory, explainDatabaseError, openDatabase } from '../lib/server/database/open.ts';
import { openPool } from '../lib/server/database/pool.ts';
import { refuseTransactionPooler } from '../lib/server/database/pooler.ts';

export interface CommandDatabase {
  url: string;
  /** where it comes from, as a phrase for people */
  source: string;
  /** the embedded data's directory; null with DATABASE_URL */
  directory: string | null;
  /** migrations that were applied because it had to be started */
  applied: string[];
}

/** Runs `work` on the database. An embedded one that is started for it is migrated first, and stopped afterwards. */
export async function withDatabase<T>(work: (database: CommandDatabase) => Promise<T>): Promise<T> {
  const config = readConfig(process.env);
  if (config.databaseUrl !== null) {
    await refuseTransactionPooler(config.databaseUrl);
    return await explained(config.databaseUrl, work, {
      source: 'the Postgres in DATABASE_URL',
      directory: null,
      applied: []
    });
  }
  const directory = embeddedDirectory(config);
  const running = await findRunningEmbedded(directory);
  if (running !== null) {
    return await explained(running, work, {
      source: 'the embedded Postgres of the running Watchfloor',
      directory,
      applied: []
    });
  }
  const database = await openDatabase(config, pino({ level: 'silent' }));
  // Ctrl-C ends the work through the database; a postmaster must not be left behind.
  const end = (): void => void database.close().then(() => process.exit(130));
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    return await explained(database.url, work, {
      source: 'the embedded Postgres, started for this command',
      directory,
      applied: database.applied
    });
  } finally {
    process.removeListener('SIGINT', end);
    process.removeListener('SIGTERM', end);
    await database.close();
  }
}

/** As withDatabase, with a connection that acts as the owner. */
export async function withAdministration<T>(work: (db: pg.Pool) => Promise<T>): Promise<T> {
  return withDatabase(async ({ url }) => {
    const pool = openPool({ url, role: 'owner', max: 1, applicationName: 'watchfloor command' });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  });
}

async function explained<T>(
  url: string,
  work: (database: CommandDatabase) => Promise<T>,
  rest: Omit<CommandDatabase, 'url'>
): Promise<T> {
  try {
    return await work({ url, ...rest });
  } catch (error) {
    throw explainDatabaseError(error, url);
  }
}
