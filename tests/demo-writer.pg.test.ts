/** The demo's writer on a real Postgres: it goes on with what it finds, and behaves as any writer must. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readWriterState } from '../src/lib/server/demo/adoption.ts';
import { openRandom } from '../src/lib/server/demo/random.ts';
import { seedDemo } from '../src/lib/server/demo/seed.ts';
import { openDemoWriter } from '../src/lib/server/demo/write-loop.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
let owner: pg.Pool;
let superuser: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 3, applicationName: 'tests' });
  const server = new URL(database.url);
  server.pathname = '/postgres';
  superuser = openPool({ url: server.href, role: null, max: 1, applicationName: 'tests' });
  await seedDemo(database.url, { password: 'four random words', operations: 3_000 });
});

afterAll(async () => {
  await owner?.end();
  await superuser?.end();
  await database?.drop();
});

async function read<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await owner.query<T>(sql, values)).rows;
}

describe('the demo writer', () => {
  const log = { info: vi.fn<(line: string) => void>(), warn: vi.fn<(line: string) => void>() };

  it('goes on with what the demo has open, and leaves alone what others reported', async () => {
    const [mine] = await read<{ id: number }>(`insert into public.operation_runs (workspace_id, type, run_identity_hash)
      select id, 'inventory.sync', 'mine' from public.workspaces where is_demo order by id limit 1 returning id`);
    const { active, userIds, open: followUps, hasQuietType } = await readWriterState(owner, openRandom(1), Date.now());
    const open = await read<{ id: number }>(
      `select id from public.operation_runs where status <> 'completed' and stale_at > now() order by id`
    );
    expect(active.map(({ id }) => id)).toEqual(open.map(({ id }) => id).filter((id) => id !== mine!.id));
    expect([...userIds.keys()]).toContain('Maren Holt');
    expect(hasQuietType).toBe(true);
    expect(followUps.length, 'what a success can close').toBeGreaterThan(3);
    for (const { kind } of followUps) expect(kind.closedBy).toBe('success');
    expect(followUps.map(({ kind }) => kind.type)).not.toContain('directory.groups.sync');
    await owner.query(`update public.operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [
      mine!.id
    ]);
  });

  it('reports as any writer would: everything is applied, nothing is refused, and lost connections are survived', async () => {
    log.warn.mockClear();
    log.info.mockClear();
    const [before] = await read<{ last: number }>('select max(id) as last from public.operation_runs');
    const start = Date.now();
    const clock = (): number => start + (Date.now() - start) * 60;
    const writer = openDemoWriter({ url: database.url, random: openRandom(11), paceMs: 3, clock, log });
    const readEnded = async (): Promise<number> =>
      (
        await read<{ ended: number }>(
          `select count(*) as ended from public.operation_runs where id > $1 and status = 'completed'`,
          [before!.last]
        )
      )[0]!.ended;
    try {
      await vi.waitFor(async () => expect(await readEnded()).toBeGreaterThan(0), { timeout: 20_000, interval: 50 });
      await superuser.query(`alter database ${database.name} allow_connections false`);
      await superuser.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'watchfloor demo' and datname = '${database.name}'`);
      await vi.waitFor(() => expect(log.warn).toHaveBeenCalled(), { timeout: 10_000 });
      await superuser.query(`alter database ${database.name} allow_connections true`);
      const endedBefore = await readEnded();
      await vi.waitFor(async () => expect(await readEnded()).toBeGreaterThan(endedBefore), {
        timeout: 20_000,
        interval: 50
      });
    } finally {
      await writer.close();
    }
    expect(log.warn.mock.calls.length, 'one line per change of state').toBe(1);
    expect(log.info.mock.calls.length).toBe(2);
    const [after] = await read(`select (select count(*) from public.rejected_reports) as rejected,
      (select count(*) <= 15 from public.operation_runs where status <> 'completed' and source = 'watchfloor-demo') as bounded`);
    expect(after).toEqual({ rejected: 0, bounded: true });
    // Postgres ends a session a moment after its client has left.
    await vi.waitFor(async () => {
      const [open] = await read(`select count(*) as connections from pg_stat_activity
        where application_name = 'watchfloor demo' and datname = current_database()`);
      expect(open).toEqual({ connections: 0 });
    }, 10_000);
  });

  it('writes nothing where there is no demo workspace', async () => {
    const fresh = await createDatabase();
    const pool = openPool({ url: fresh.url, role: 'owner', max: 1, applicationName: 'tests' });
    const idle = { info: vi.fn<(line: string) => void>(), warn: vi.fn<(line: string) => void>() };
    try {
      await pool.query(`insert into public.workspaces (name) values ('Halden & Roy')`);
      const writer = openDemoWriter({ url: fresh.url, random: openRandom(2), paceMs: 1, log: idle });
      await vi.waitFor(() => expect(idle.info).toHaveBeenCalledWith(expect.stringContaining('no demo workspace')));
      await writer.close();
      expect((await pool.query('select from public.operation_runs')).rowCount).toBe(0);
    } finally {
      await pool.end();
      await fresh.drop();
    }
  });
});
