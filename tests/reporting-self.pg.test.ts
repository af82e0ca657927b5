/** Watchfloor's reports of its own work: where they go, and that they never get into the way of the work. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { migrateAndReport } from '../src/lib/server/reports/migration.ts';
import { withReport } from '../src/lib/server/reports/report.ts';
import { ensureSelfWorkspace, readSelfWorkspace } from '../src/lib/server/reports/self-workspace.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 4, applicationName: 'tests' });
});

beforeEach(async () => {
  await owner.query('delete from public.operation_runs');
  await owner.query('delete from public.workspaces');
});

afterAll(async () => {
  await owner?.end();
  await database?.drop();
});

async function readReports(): Promise<Record<string, unknown>[]> {
  const { rows } = await owner.query(
    `select w.name as workspace, type, status, outcome, progress_processed as processed, count_deleted as deleted,
       failure_code as code, failure_message as message
     from public.operation_runs o join public.workspaces w on w.id = o.workspace_id order by o.id`
  );
  return rows;
}

const NOTHING = { processed: null, deleted: null, code: null, message: null };
const RETENTION = { workspace: 'Watchfloor', type: 'watchfloor.retention' };

describe('a report of our own work', () => {
  it('is running while the work runs, with its progress, and succeeded afterwards', async () => {
    const result = await withReport(
      database.url,
      { type: 'watchfloor.retention', toCounts: (deleted: number) => ({ deleted }) },
      async (report) => {
        expect(await readReports()).toEqual([{ ...RETENTION, ...NOTHING, status: 'running', outcome: 'pending' }]);
        await report.progress({ processed: 5, total: 10 });
        expect(await readReports()).toMatchObject([{ processed: 5, status: 'running' }]);
        return 10;
      }
    );
    expect(result).toBe(10);
    expect(await readReports()).toMatchObject([{ status: 'completed', outcome: 'succeeded', deleted: 10 }]);
  });

  it('fails with a sanitised reason, and the error stays what it was', async () => {
    const error = Object.assign(new Error('no room in /var/lib/postgres/data'), { code: '53100' });
    await expect(withReport(database.url, { type: 'watchfloor.retention' }, () => Promise.reject(error))).rejects.toBe(
      error
    );
    expect(await readReports()).toMatchObject([{ outcome: 'failed', code: '53100', message: 'no room in (path)' }]);
  });

  it('is not written for work that turns out to be nothing', async () => {
    await withReport(database.url, { type: 'watchfloor.retention', isWorthReporting: () => false }, async () => 0);
    expect(await readReports()).toEqual([]);
    await withReport(database.url, { type: 'watchfloor.retention', isWorthReporting: () => true }, async () => 0);
    expect(await readReports()).toMatchObject([{ outcome: 'succeeded' }]);
  });

  it('takes over what a killed process left running', async () => {
    const workspace = await ensureSelfWorkspace(owner);
    await owner.query(
      `insert into public.operation_runs (workspace_id, type, status, run_identity_hash, source, external_id)
       values ($1, $2, 'running', $2, 'watchfloor', 'self')`,
      [workspace, 'watchfloor.retention']
    );
    await withReport(database.url, { type: 'watchfloor.retention' }, async () => 0);
    expect(await readReports()).toMatchObject([{ status: 'completed', outcome: 'succeeded' }]);
  });

  it('never breaks the work where it cannot be written', async () => {
    const nowhere = 'postgres://nobody@127.0.0.1:1/nothing';
    expect(
      await withReport(nowhere, { type: 'watchfloor.migrate' }, async (report) => {
        await report.progress({ processed: 1 });
        return 'done';
      })
    ).toBe('done');
  });

  it('is written for migrations that were applied, and not for a start that found none to apply', async () => {
    await migrateAndReport(database.url);
    expect(await readReports()).toEqual([]);
    const server = new URL(database.url);
    server.pathname = '/postgres';
    const superuser = openPool({ url: server.href, role: null, max: 1, applicationName: 'tests' });
    const name = `${database.name}_fresh`;
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    await superuser.query(`create database ${name}`);
    const pool = openPool({ url: url.href, role: 'owner', max: 1, applicationName: 'tests' });
    try {
      const { applied } = await migrateAndReport(url.href);
      const { rows } = await pool.query('select type, outcome, count_processed as applied from public.operation_runs');
      expect(rows).toEqual([{ type: 'watchfloor.migrate', outcome: 'succeeded', applied: applied.length }]);
    } finally {
      await pool.end();
      await superuser.query(`drop database ${name} with (force)`);
      await superuser.end();
    }
  });
});

describe('the workspace for self-reports', () => {
  it('is made once, also by nodes that start together, and is found after it was renamed', async () => {
    const work = (): Promise<number> => withReport(database.url, { type: 'watchfloor.seed' }, async () => 0);
    await Promise.all([work(), work(), work()]);
    const { rows } = await owner.query<{ id: number }>('select id from public.workspaces');
    expect(rows).toHaveLength(1);
    await owner.query(`update public.workspaces set name = 'Machine room'`);
    await work();
    expect(await readSelfWorkspace(owner)).toBe(rows[0]!.id);
    expect((await owner.query('select from public.workspaces')).rowCount).toBe(1);
  });

  it('is never a customer’s workspace that has the same name, nor a demo', async () => {
    const { rows } = await owner.query<{ id: number }>(
      `insert into public.workspaces (name, is_demo) values ('Watchfloor', false), ('Watchfloor', true) returning id`
    );
    await owner.query(`insert into public.operation_runs (workspace_id, type) values ($1, 'policy.sync')`, [
      rows[0]!.id
    ]);
    await withReport(database.url, { type: 'watchfloor.seed' }, async () => 0);
    expect(rows.map(({ id }) => id)).not.toContain(await readSelfWorkspace(owner));
  });
});
