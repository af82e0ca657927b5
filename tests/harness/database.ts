/**
 * A database per test file: a clone of the template that the real migrations made once for the run (global-setup.ts).
 * Roles belong to the whole server and are shared; everything else is the file's own. NOTIFY and advisory locks are per
 * database, so test files do not wake or block each other.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  /** as the superuser `postgres` */
  url: string;
  name: string;
  /** Ends every session in the database and drops it. */
  drop(): Promise<void>;
}

/** Clones the migrated template. About 50 ms. */
export async function createDatabase(): Promise<TestDatabase> {
  const server = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(server.url, `create database ${name} template ${server.template}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return { url: url.href, name, drop: () => execute(server.url, `drop database if exists ${name} with (force)`) };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'tests' });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
