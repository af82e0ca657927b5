/**
 * One Postgres server for a run of the pg tests, with a template database made by the real migrations. Clones of it are
 * what test files get (database.ts).
 */
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/lib/server/database/migrations.ts';
import { startPostgres } from './postgres.ts';

const TEMPLATE = 'watchfloor_template';

declare module 'vitest' {
  interface ProvidedContext {
    /** the run's server: superuser's address, name of the template, major version */
    postgres: { url: string; template: string; major: number };
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  try {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query(`create database ${TEMPLATE}`);
    await migrate(server.urlOf(TEMPLATE));
    // A template with a session in it cannot be cloned.
    await client.query(`alter database ${TEMPLATE} is_template true allow_connections false`);
    await client.end();
    project.provide('postgres', { url: server.url, template: TEMPLATE, major: server.major });
  } catch (error) {
    await server.remove();
    throw error;
  }
  return () => server.remove();
}
