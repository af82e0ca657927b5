/**
 * A workspace to report into, and the few verbs of a writer, for the files that hold docs/REPORTING.md to what happens.
 * Importing it opens a database for the file and drops it at its end.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect } from 'vitest';
import { openPool } from '../../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './database.ts';

export let database: TestDatabase;
export let owner: pg.Pool;
export let writer: pg.Pool;
export let workspace: number;
export let environment: number;

export type Row = Record<string, unknown> & { id: number };

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 2, applicationName: 'tests' });
  writer = openPool({ url: database.url, role: 'writer', max: 2, applicationName: 'tests' });
  workspace = (await owner.query<Row>(`insert into workspaces (name) values ('North') returning id`)).rows[0]!.id;
  environment = (
    await owner.query<Row>(
      `insert into managed_environments (workspace_id, name) values ($1, 'Clinics') returning id`,
      [workspace]
    )
  ).rows[0]!.id;
});

afterAll(async () => {
  await writer?.end();
  await owner?.end();
  await database?.drop();
});

/** Reports a new operation with these columns; undefined when it was refused. */
export async function insert(
  columns: Record<string, unknown>,
  db: pg.Pool | pg.PoolClient = writer
): Promise<Row | undefined> {
  const all = { workspace_id: workspace, managed_environment_id: environment, type: 'inventory.sync', ...columns };
  const { rows } = await db.query<Row>(
    `insert into operation_runs (${Object.keys(all).join(', ')})
     values (${Object.keys(all)
       .map((_, index) => `$${index + 1}`)
       .join(', ')}) returning *`,
    Object.values(all)
  );
  return rows[0];
}

/** Reports on an operation; undefined when that was refused. `sets` is SQL. */
export async function report(id: number, sets: string, db: pg.Pool = writer): Promise<Row | undefined> {
  return (await db.query<Row>(`update operation_runs set ${sets} where id = $1 returning *`, [id])).rows[0];
}

export async function readRefusal(): Promise<Record<string, unknown> | undefined> {
  const { rows } = await owner.query(
    `delete from rejected_reports returning workspace_id, operation_id, place_id, kind, reason, type, source, report`
  );
  expect(rows.length).toBeLessThanOrEqual(1);
  return rows[0];
}

export const MINUTE = 60_000;
export const COMPLETED = { status: 'completed', outcome: 'succeeded' };
