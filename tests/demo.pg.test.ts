/** The demo on a real Postgres: what an empty database gets, and that the writer behaves as any writer must. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyPassword } from '../src/lib/server/access/passwords.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readWriterState } from '../src/lib/server/demo/adoption.ts';
import { openRandom } from '../src/lib/server/demo/random.ts';
import { DEMO_OPERATIONS, seedDemo, type DemoAccount } from '../src/lib/server/demo/seed.ts';
import { openDemoWriter } from '../src/lib/server/demo/write-loop.ts';
import { ensureSelfWorkspace } from '../src/lib/server/reports/self-workspace.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

const PASSWORD = 'four random words';
let database: TestDatabase;
let owner: pg.Pool;
let superuser: pg.Pool;
let accounts: DemoAccount[] | null;
let seededInMs: number;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 3, applicationName: 'tests' });
  const server = new URL(database.url);
  server.pathname = '/postgres';
  superuser = openPool({ url: server.href, role: null, max: 1, applicationName: 'tests' });
  const start = performance.now();
  accounts = await seedDemo(database.url, { password: PASSWORD });
  seededInMs = performance.now() - start;
  await owner.query(`create view public.demo_runs as select o.* from public.operation_runs o
    join public.workspaces w on w.id = o.workspace_id where w.is_demo`);
});

afterAll(async () => {
  await owner?.end();
  await superuser?.end();
  await database?.drop();
});

async function read<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await owner.query<T>(sql, values)).rows;
}

describe('the seeded demo', () => {
  it('takes seconds', () => expect(seededInMs).toBeLessThan(20_000));

  it('holds 5,000 operations over 30 days, none of them refused or moved', async () => {
    const [shape] = await read(`select count(*) as operations, count(*) filter (where clock_adjusted) as moved,
        max(created_at) <= now() as none_ahead, now() - min(created_at) between interval '28 days' and interval '31 days' as is_a_month,
        count(distinct created_at::date) >= 28 as every_day, (select count(*) from public.rejected_reports) as rejected
      from demo_runs`);
    expect(shape).toEqual({
      operations: DEMO_OPERATIONS,
      moved: 0,
      none_ahead: true,
      is_a_month: true,
      every_day: true,
      rejected: 0
    });
  });

  it('ends at least 3 % badly, each with a reason, and says who cancelled', async () => {
    const [shape] = await read<Record<string, number>>(`select
        count(*) filter (where outcome in ('failed', 'blocked', 'partially_succeeded')) as bad,
        count(*) filter (where outcome in ('failed', 'blocked', 'partially_succeeded') and failure_message is null) as without_reason,
        count(*) filter (where outcome = 'cancelled') as cancelled,
        count(*) filter (where outcome = 'cancelled' and cancelled_by is null) as by_nobody,
        count(*) filter (where outcome = 'partially_succeeded' and coalesce(count_failed, 0) + coalesce(count_skipped, 0) > 0) as partial,
        count(*) filter (where outcome = 'blocked') as blocked, count(*) filter (where managed_environment_id is null) as of_workspace
      from demo_runs`);
    expect(shape!['bad']).toBeGreaterThanOrEqual(DEMO_OPERATIONS * 0.03);
    expect(shape!['bad']).toBeLessThan(DEMO_OPERATIONS * 0.1);
    expect(shape).toMatchObject({ without_reason: 0, by_nobody: 0 });
    for (const some of ['cancelled', 'partial', 'blocked', 'of_workspace'])
      expect(shape![some], some).toBeGreaterThan(3);
  });

  it('leaves at most 12 open: counted, by phase, waiting, and one that stopped reporting', async () => {
    const open = await read<{ status: string; done: number | null; phase: string | null; is_stale: boolean }>(
      `select status, progress_processed::float / progress_total as done, progress_phase as phase, stale_at < now() as is_stale
       from demo_runs where status <> 'completed'`
    );
    expect(open.length).toBeGreaterThan(5);
    expect(open.length).toBeLessThanOrEqual(12);
    expect(open.filter(({ is_stale: isStale }) => isStale)).toHaveLength(1);
    expect(open.some(({ status }) => status === 'queued')).toBe(true);
    expect(open.some(({ done, phase }) => done === null && phase !== null)).toBe(true);
    for (const { done } of open) if (done !== null) expect(done).toBeGreaterThan(0.05);
    for (const { done } of open) expect(done ?? 0).toBeLessThan(1);
  });

  it('has the rhythm of office days', async () => {
    const [shape] = await read<{ weekday: number; weekend: number; morning: number; evening: number }>(`select
        count(*) filter (where extract(isodow from created_at) < 6) / 5.0 as weekday,
        count(*) filter (where extract(isodow from created_at) >= 6) / 2.0 as weekend,
        count(*) filter (where extract(hour from created_at) between 8 and 10) as morning,
        count(*) filter (where extract(hour from created_at) between 20 and 22) as evening from demo_runs`);
    expect(shape!.weekend).toBeLessThan(shape!.weekday * 0.7);
    expect(shape!.evening).toBeLessThan(shape!.morning * 0.5);
  });

  it('has one environment that fell silent days ago, and only one', async () => {
    const quiet = await read<{ name: string; days: number; operations: number }>(`select e.name, count(*) as operations,
        extract(epoch from now() - max(o.created_at)) / 86400 as days
      from public.managed_environments e join demo_runs o on o.managed_environment_id = e.id
      group by e.id having now() - max(o.created_at) > interval '2 days'`);
    expect(quiet.map(({ name }) => name)).toEqual(['Fenwick Mills']);
    expect(quiet[0]!.operations).toBeGreaterThan(50);
    expect(quiet[0]!.days).toBeGreaterThan(3);
  });

  it('has one quarter of an hour in which the provider limited several environments', async () => {
    const [burst] = await read<{ failures: number; environments: number }>(`with limited as (
        select created_at, managed_environment_id from demo_runs
        where failure_code = 'provider_throttled' and outcome = 'failed' and created_at > now() - interval '1 day')
      select count(*) as failures, count(distinct other.managed_environment_id) as environments
      from limited first join limited other on other.created_at between first.created_at and first.created_at + interval '15 minutes'
      group by first.created_at order by 1 desc limit 1`);
    expect(burst!.failures).toBeGreaterThanOrEqual(20);
    expect(burst!.environments).toBeGreaterThanOrEqual(5);
  });

  it('gives ids in the order of creation', async () => {
    expect(
      await read(`select id from (select id, lag(id) over (order by created_at, id) as before from demo_runs) o
        where before > id`)
    ).toEqual([]);
  });

  it('has two providers marked as demo, a dozen environments and one very long name', async () => {
    expect(
      await read(`select count(distinct w.id) as providers, count(*) as environments, bool_and(w.is_demo) as marked,
          max(char_length(e.name)) > 60 as has_long_name
        from public.workspaces w join public.managed_environments e on e.workspace_id = w.id`)
    ).toEqual([{ providers: 2, environments: 12, marked: true, has_long_name: true }]);
  });

  it('has five people who can sign in, with five roles and the narrowings it tells of', async () => {
    expect(accounts).toHaveLength(5);
    const people = await read<{ email: string; hash: string; roles: string[]; workspaces: string[]; narrowed: number }>(
      `select u.email, u.password_hash as hash, array_agg(distinct m.role) as roles,
         array_agg(w.name order by w.name) as workspaces,
         (select count(*) from public.environment_memberships n where n.user_id = u.id) as narrowed
       from public.users u join public.memberships m on m.user_id = u.id join public.workspaces w on w.id = m.workspace_id
       group by u.id order by u.id`
    );
    expect(people.map(({ email }) => email)).toEqual(accounts!.map(({ email }) => email));
    expect(people.map(({ roles }) => roles)).toEqual(accounts!.map(({ role }) => [role]));
    expect(new Set(accounts!.map(({ role }) => role)).size).toBe(5);
    expect(people.map(({ narrowed }) => narrowed)).toEqual([0, 0, 2, 1, 0]);
    expect(people[0]!.workspaces).toEqual(['Halden & Roy', 'Northgate Services', 'Watchfloor']);
    for (const { hash } of people) expect(await verifyPassword(hash, PASSWORD)).toBe(true);
    expect(new Set(people.map(({ hash }) => hash)).size, 'salted').toBe(5);
  });

  it('is reported as work of Watchfloor itself', async () => {
    expect(
      await read(`select w.name, w.is_demo, o.type, o.outcome, o.count_created from public.operation_runs o
        join public.workspaces w on w.id = o.workspace_id where o.source = 'watchfloor'`)
    ).toEqual([
      {
        name: 'Watchfloor',
        is_demo: false,
        type: 'watchfloor.seed',
        outcome: 'succeeded',
        count_created: DEMO_OPERATIONS
      }
    ]);
  });

  it('is not written twice, nor into a database that somebody uses', async () => {
    expect(await seedDemo(database.url, { password: PASSWORD })).toBeNull();
    const used = await createDatabase();
    const pool = openPool({ url: used.url, role: 'owner', max: 1, applicationName: 'tests' });
    try {
      await pool.query(`insert into public.users (email, name, password_hash) values ('a@b.example', 'A', 'x')`);
      expect(await seedDemo(used.url, { password: PASSWORD })).toBeNull();
      await pool.query('delete from public.users');
      await pool.query(`insert into public.workspaces (name) values ('A customer')`);
      expect(await seedDemo(used.url, { password: PASSWORD })).toBeNull();
    } finally {
      await pool.end();
      await used.drop();
    }
  });

  it('is written beside what Watchfloor has reported of itself, once even when two nodes start together', async () => {
    const fresh = await createDatabase();
    const pool = openPool({ url: fresh.url, role: 'owner', max: 1, applicationName: 'tests' });
    try {
      await ensureSelfWorkspace(pool);
      const both = await Promise.all([1, 2].map(() => seedDemo(fresh.url, { password: PASSWORD })));
      expect(both.filter((written) => written !== null)).toHaveLength(1);
      const { rows } = await pool.query(
        `select count(*) as operations from public.operation_runs where source <> 'watchfloor'`
      );
      expect(rows).toEqual([{ operations: DEMO_OPERATIONS }]);
    } finally {
      await pool.end();
      await fresh.drop();
    }
  });
});

describe('the demo writer', () => {
  const log = { info: vi.fn<(line: string) => void>(), warn: vi.fn<(line: string) => void>() };

  it('goes on with what the demo has open, and leaves alone what others reported', async () => {
    const [mine] = await read<{ id: number }>(`insert into public.operation_runs (workspace_id, type, run_identity_hash)
      select id, 'inventory.sync', 'mine' from public.workspaces where is_demo order by id limit 1 returning id`);
    const { active, userIds } = await readWriterState(owner, openRandom(1), Date.now());
    const open = await read<{ id: number }>(
      `select id from public.operation_runs where status <> 'completed' and stale_at > now() order by id`
    );
    expect(active.map(({ id }) => id)).toEqual(open.map(({ id }) => id).filter((id) => id !== mine!.id));
    expect([...userIds.keys()]).toContain('Maren Holt');
    await owner.query(`update public.operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [
      mine!.id
    ]);
  });

  it('reports as any writer would: everything is applied, nothing is refused, and lost connections are survived', async () => {
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
      (select count(*) <= 15 from public.operation_runs where status <> 'completed' and source = 'watchfloor-demo') as bounded,
      (select count(*) from pg_stat_activity where application_name = 'watchfloor demo' and datname = current_database()) as connections`);
    expect(after).toEqual({ rejected: 0, bounded: true, connections: 0 });
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
