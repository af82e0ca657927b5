/** The demo on a real Postgres: what an empty database gets. Its writer is tests/demo-writer.pg.test.ts. */
import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyPassword } from '../src/lib/server/access/passwords.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { composeHistory } from '../src/lib/server/demo/history.ts';
import { DEMO_OPERATIONS, seedDemo, tidyAfterSeed, type DemoAccount } from '../src/lib/server/demo/seed.ts';
import { ensureSelfWorkspace } from '../src/lib/server/reports/self-workspace.ts';
import { readSilenceLimits } from '../src/lib/server/operations/summary.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

const PASSWORD = 'four random words';
let database: TestDatabase;
let owner: pg.Pool;
let accounts: DemoAccount[] | null;
let seededInMs: number;
/** indexes and triggers of operation_runs, which the seed takes away and makes anew */
let schemaBefore: unknown[];

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 3, applicationName: 'tests' });
  schemaBefore = await readSchema();
  const start = performance.now();
  accounts = await seedDemo(database.url, { password: PASSWORD });
  seededInMs = performance.now() - start;
  await owner.query(`create view public.demo_runs as select o.* from public.operation_runs o
    join public.workspaces w on w.id = o.workspace_id where w.is_demo`);
});

afterAll(async () => {
  await owner?.end();
  await database?.drop();
});

async function read<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await owner.query<T>(sql, values)).rows;
}

async function readSchema(): Promise<unknown[]> {
  return read(`select indexdef as definition from pg_indexes where tablename = 'operation_runs'
    union all select pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where tgrelid = 'public.operation_runs'::regclass and not tgisinternal
    order by 1`);
}

describe('the seeded demo', () => {
  it('takes seconds', () => expect(seededInMs).toBeLessThan(40_000));

  it('leaves indexes and triggers as they were', async () => expect(await readSchema()).toEqual(schemaBefore));

  it('holds 50,000 operations over 30 days, none of them refused or moved', async () => {
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

  it('says of each follow-up what the database itself would find: the first later success of its kind', async () => {
    const wrong = await read(`select c.id, c.resolved_by, first.id as first
      from demo_runs c join public.operation_types t on t.code = c.type and t.follow_up_policy <> 'manual_review'
      left join lateral (
        select s.id, s.completed_at from public.operation_runs s
        where s.workspace_id = c.workspace_id and s.place_id = c.place_id
          and s.type = c.type and s.outcome = 'succeeded' and (s.completed_at, s.id) > (c.completed_at, c.id)
        order by s.completed_at, s.id limit 1) first on true
      where c.outcome in ('failed', 'blocked', 'partially_succeeded')
        and (c.resolved_by, c.resolved_at) is distinct from (first.id, first.completed_at)`);
    expect(wrong).toEqual([]);
    const [sweep] = await read<{ swept: number }>('select watchfloor.sweep_follow_ups() as swept');
    expect(sweep!.swept, 'nothing is left to write down').toBe(0);
    const [facts] = await read<{ missing: number }>(`select count(*) as missing from (
        select distinct workspace_id, coalesce(managed_environment_id, 0) as place_id, type from public.operation_runs
        where outcome = 'succeeded') kinds
      where not exists (select from watchfloor.successes f
        where (f.workspace_id, f.place_id, f.type) = (kinds.workspace_id, kinds.place_id, kinds.type))`);
    expect(facts!.missing).toBe(0);
  });

  it('leaves only a handful of follow-ups open, of every outcome, six of them of one cause', async () => {
    const open = await read<{ name: string; type: string; outcome: string; code: string; is_reconciled: boolean }>(
      `select e.name, o.type, o.outcome, o.failure_code as code, o.reconciled_at is not null as is_reconciled
       from demo_runs o left join public.managed_environments e on e.id = o.managed_environment_id
       where o.outcome in ('failed', 'blocked', 'partially_succeeded') and o.resolved_at is null and o.reviewed_at is null`
    );
    expect(open.length).toBeGreaterThan(12);
    expect(open.length).toBeLessThan(30);
    for (const outcome of ['failed', 'blocked', 'partially_succeeded'])
      expect(open.filter((row) => row.outcome === outcome).length, outcome).toBeGreaterThan(2);
    expect(open.filter(({ is_reconciled: isReconciled }) => isReconciled)).toHaveLength(1);
    expect(
      open.filter(
        ({ name, type, code }) =>
          `${name} ${type} ${code}` === 'Brightwater Clinics directory.groups.sync sign_in_refused'
      )
    ).toHaveLength(6);
    expect(open.map(({ name }) => name)).not.toContain('Aster Dental Group');
  });

  it('closed the others by later successes or by people who may review, and says which operation some repeat', async () => {
    const [shape] = await read<Record<string, number>>(`select
        count(*) filter (where resolved_at is not null) as resolved,
        count(*) filter (where reviewed_at is not null) as reviewed,
        count(*) filter (where reviewed_at is not null and not exists (
          select from public.memberships m join public.users u on u.id = m.user_id
          where m.workspace_id = o.workspace_id and m.user_id = o.reviewed_by and u.name = o.reviewer_name
            and m.role in ('owner', 'manager', 'operator'))) as reviewed_by_others,
        count(*) filter (where reviewed_at > now() or reviewed_at < completed_at) as at_odd_times,
        count(*) filter (where retry_of is not null) as retries,
        count(*) filter (where retry_of is not null and not exists (
          select from public.operation_runs f where f.id = o.retry_of and f.type = o.type and f.outcome <> 'succeeded'
            and f.completed_at <= o.created_at)) as odd_retries
      from demo_runs o`);
    expect(shape!['resolved']).toBeGreaterThan(1_000);
    expect(shape!['reviewed']).toBeGreaterThan(50);
    expect(shape!['retries']).toBeGreaterThan(100);
    expect(shape).toMatchObject({ reviewed_by_others: 0, at_odd_times: 0, odd_retries: 0 });
  });

  it('has texts of every length, unknown types, operations of outside systems, and something in diagnostics', async () => {
    const [shape] = await read(`select max(char_length(initiator_name)) > 70 as initiator,
        max(char_length(failure_message)) = 300 as cut_message,
        bool_or(exists (select from jsonb_array_elements(failure_summary) f where char_length(f ->> 'message') > 350)) as message,
        max(jsonb_array_length(failure_summary)) > 2 as codes, max(count_total) >= 1000000 as amount,
        count(distinct type) filter (where type not in (select code from public.operation_types)) as unknown_types,
        count(distinct source) filter (where external_id is not null) > 2 as sources,
        bool_or(context ? 'last_response') as context
      from demo_runs`);
    expect(shape).toEqual({
      initiator: true,
      cut_message: true,
      message: true,
      codes: true,
      amount: true,
      unknown_types: 2,
      sources: true,
      context: true
    });
    expect(await read(`select max(char_length(label)) > 100 as label from public.operation_types`)).toEqual([
      { label: true }
    ]);
  });

  it('is ready to be read: planned for its size, its pages known to be visible, its filters filled', async () => {
    const [before] = await read<{ rows: number }>(
      `select reltuples::bigint as rows from pg_class where oid = 'public.operation_runs'::regclass`
    );
    expect(before!.rows).toBeGreaterThan(DEMO_OPERATIONS * 0.9);
    const readAfter = async () => {
      await tidyAfterSeed(database.url);
      const [after] = await read<{ visible: number; types: number; initiators: number }>(`select
        (select relallvisible::float / relpages from pg_class where oid = 'public.operation_runs'::regclass) as visible,
        (select count(*) from watchfloor.facets where kind = 'type') as types,
        (select count(*) from watchfloor.facets where kind = 'initiator') as initiators`);
      return after!;
    };
    let after = await readAfter();
    // Nothing is known to be visible that an ANALYZE of autovacuum, begun before, may still look at.
    for (let tries = 0; after.visible < 0.9 && tries < 5; tries++) {
      await wait(1_000);
      after = await readAfter();
    }
    expect(after.visible).toBeGreaterThan(0.9);
    expect(after.types).toBeGreaterThan(100);
    expect(after.initiators).toBeGreaterThan(20);
  });

  it('is the same for the same seed and time', () => {
    const compose = () => composeHistory({ seed: 7, now: Date.UTC(2026, 10, 23, 9), count: 2_000 });
    expect(compose()).toEqual(compose());
  });

  it('has some active: counted, by phase, without either, waiting, and some that stopped reporting', async () => {
    const open = await read<{ status: string; done: number | null; phase: string | null; is_stale: boolean }>(
      `select status, progress_processed::float / progress_total as done, progress_phase as phase, stale_at < now() as is_stale
       from demo_runs where status <> 'completed'`
    );
    expect(open.length).toBeGreaterThan(5);
    expect(open.length).toBeLessThanOrEqual(16);
    expect(
      open
        .filter(({ is_stale: isStale }) => isStale)
        .map(({ status }) => status)
        .sort()
    ).toEqual(['queued', 'running', 'running', 'running']);
    expect(open.some(({ status, done, phase }) => status === 'running' && done === null && phase === null)).toBe(true);
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

  it('has one environment that reported regularly until it fell silent, and one that has never reported', async () => {
    const quiet = await read<{
      id: number;
      workspace: number;
      name: string;
      silence: number | null;
      operations: number;
    }>(
      `select e.id, e.workspace_id as workspace, e.name, count(o.id) as operations,
         (extract(epoch from now() - max(o.last_reported_at)) * 1000)::float8 as silence
       from public.managed_environments e left join demo_runs o on o.managed_environment_id = e.id
       group by e.id having count(o.id) = 0 or now() - max(o.last_reported_at) > interval '2 hours' order by e.name`
    );
    expect(quiet).toMatchObject([
      { name: 'Ellery & Finch LLP', silence: null, operations: 0 },
      { name: 'Fenwick Mills' }
    ]);
    const { id, workspace, silence, operations } = quiet[1]!;
    expect(operations).toBeGreaterThan(500);
    const limits = await readSilenceLimits(owner, workspace, [id]);
    expect(silence!).toBeGreaterThan(limits.get(id)!);
    expect(silence!).toBeLessThan(5 * 3_600_000);
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
      const both = await Promise.all([1, 2].map(() => seedDemo(fresh.url, { password: PASSWORD, operations: 2_000 })));
      expect(both.filter((written) => written !== null)).toHaveLength(1);
      const { rows } = await pool.query(
        `select count(*) as operations from public.operation_runs where source <> 'watchfloor'`
      );
      expect(rows).toEqual([{ operations: 2_000 }]);
    } finally {
      await pool.end();
      await fresh.drop();
    }
  });
});
