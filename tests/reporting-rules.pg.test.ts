/** Each rule that docs/REPORTING.md states of what happens to a report, on a real Postgres, as a writer. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool, withTransaction } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
let owner: pg.Pool;
let writer: pg.Pool;
let workspace: number;
let environment: number;

type Row = Record<string, unknown> & { id: number };

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
async function insert(
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
async function report(id: number, sets: string, db: pg.Pool = writer): Promise<Row | undefined> {
  return (await db.query<Row>(`update operation_runs set ${sets} where id = $1 returning *`, [id])).rows[0];
}

async function readRefusal(): Promise<Record<string, unknown> | undefined> {
  const { rows } = await owner.query(
    `delete from rejected_reports returning workspace_id, operation_id, place_id, kind, reason, type, source, report`
  );
  expect(rows.length).toBeLessThanOrEqual(1);
  return rows[0];
}

const MINUTE = 60_000;
const COMPLETED = { status: 'completed', outcome: 'succeeded' };

describe('a report that is enough', () => {
  it('is a workspace and a type: everything else is filled', async () => {
    const row = await insert({ managed_environment_id: null });
    expect(row).toMatchObject({
      status: 'queued',
      outcome: 'pending',
      initiator_name: 'System',
      revision: 1,
      clock_adjusted: false
    });
    expect(row).toMatchObject({
      progress_processed: null,
      progress_total: null,
      count_total: null,
      failure_code: null,
      retry_of: null
    });
    expect(row).toMatchObject({
      started_at: null,
      completed_at: null,
      summary_counts: {},
      failure_summary: [],
      context: {}
    });
    expect(Math.abs((row!['created_at'] as Date).getTime() - Date.now())).toBeLessThan(MINUTE);
  });

  it('may begin anywhere', async () => {
    expect(await insert({ status: 'running' })).toMatchObject({
      status: 'running',
      started_at: expect.any(Date),
      completed_at: null
    });
    expect(await insert(COMPLETED)).toMatchObject({ ...COMPLETED, completed_at: expect.any(Date), stale_at: null });
  });

  it('may say nothing at all with null', async () => {
    const row = await insert({
      status: null,
      outcome: null,
      initiator_name: null,
      summary_counts: null,
      failure_summary: null,
      context: null,
      revision: null,
      created_at: null,
      last_reported_at: null,
      clock_adjusted: null
    });
    expect(row).toMatchObject({
      status: 'queued',
      outcome: 'pending',
      initiator_name: 'System',
      revision: 1,
      clock_adjusted: false
    });
  });
});

describe('the life of an operation', () => {
  it('goes forward, and a repetition is a heartbeat that moves the limit of silence', async () => {
    const { id } = (await insert({}))!;
    const running = await report(id, `status = 'running'`);
    const beat = await report(id, 'status = status');
    expect([running!['revision'], beat!['revision']]).toEqual([2, 3]);
    expect(beat!['started_at']).toEqual(running!['started_at']);
    expect((beat!['last_reported_at'] as Date).getTime()).toBeGreaterThanOrEqual(
      (running!['last_reported_at'] as Date).getTime()
    );
    expect((beat!['stale_at'] as Date).getTime() - (beat!['last_reported_at'] as Date).getTime()).toBe(30 * MINUTE);
    expect(await report(id, `status = 'completed', outcome = 'failed'`)).toMatchObject({
      stale_at: null,
      completed_at: expect.any(Date)
    });
    expect(await readRefusal()).toBeUndefined();
  });

  it('has limits by type and status, also for unknown types', async () => {
    for (const [type, status, minutes] of [
      ['provider.connection.check', 'queued', 5],
      ['backup.schedule.execute', 'running', 60],
      ['ext.own', 'queued', 15],
      ['ext.own', 'running', 30]
    ] as const) {
      const row = (await insert({ type, status }))!;
      expect((row['stale_at'] as Date).getTime() - (row['last_reported_at'] as Date).getTime()).toBe(minutes * MINUTE);
    }
  });

  it.each([
    ['an unknown status', {}, `status = 'paused'`, /status "paused" is unknown/],
    ['an unknown outcome', {}, `status = 'completed', outcome = 'great'`, /outcome "great" is unknown/],
    ['an end without an outcome', {}, `status = 'completed'`, /needs an outcome/],
    ['an outcome without an end', {}, `outcome = 'failed'`, /needs status completed/],
    ['a step back', { status: 'running' }, `status = 'queued'`, /never goes back from running to queued/],
    ['a return from the end', COMPLETED, `status = 'running', outcome = 'pending'`, /never goes back/],
    ['a second ending', COMPLETED, `outcome = 'failed'`, /outcome succeeded is final/],
    ['no type', {}, `type = ' '`, /needs a type/],
    ['another workspace', {}, `workspace_id = workspace_id + 1`, /never changes its workspace/]
  ])('refuses %s without harm, and keeps it with the reason', async (_what, begun, sets, reason) => {
    const before = (await insert(begun))!;
    expect(await report(before.id, sets)).toBeUndefined();
    expect(await readRefusal()).toMatchObject({
      operation_id: before.id,
      reason: expect.stringMatching(reason),
      report: { type: expect.any(String) }
    });
    expect((await owner.query<Row>('select * from operation_runs where id = $1', [before.id])).rows).toEqual([before]);
  });

  it('refuses single rows of a statement and applies the others', async () => {
    const { rowCount } = await writer.query(
      `insert into operation_runs (workspace_id, type, status) values ($1, 'a.b', 'queued'), ($1, 'a.b', 'nonsense'), ($1, 'a.b', 'running')`,
      [workspace]
    );
    expect(rowCount).toBe(2);
    expect(await readRefusal()).toMatchObject({ operation_id: null, reason: expect.stringContaining('nonsense') });
  });

  it('is strict where that is asked for', async () => {
    const { id } = (await insert(COMPLETED))!;
    await expect(
      withTransaction(writer, '', async (client) => {
        await client.query('set local watchfloor.strict = on');
        await client.query(`update operation_runs set status = 'queued', outcome = 'pending' where id = $1`, [id]);
      })
    ).rejects.toMatchObject({ code: 'WF001', message: expect.stringContaining('never goes back') });
    expect(await readRefusal()).toBeUndefined();
  });

  it('lets the operation’s own late report replace a reconciliation, once', async () => {
    const { id } = (await insert({ status: 'running' }))!;
    await report(
      id,
      `status = 'completed', outcome = 'failed', reconciled_at = now(), reconciliation_reason = 'silent'`,
      owner
    );
    expect(await report(id, `outcome = 'succeeded'`)).toMatchObject({
      outcome: 'succeeded',
      reconciled_at: null,
      reconciliation_reason: null
    });
    expect(await report(id, `outcome = 'failed'`)).toBeUndefined();
    await readRefusal();
  });

  it('lets nobody but reconciliation claim one, since that would make an outcome replaceable', async () => {
    const claim = `reconciled_at = now(), reconciliation_reason = 'mine'`;
    const { id } = (await insert({ ...COMPLETED, reconciled_at: new Date('2024-01-01') }))!;
    expect(await report(id, claim)).toMatchObject({ reconciled_at: null, reconciliation_reason: null });
    expect(await report(id, `outcome = 'failed'`)).toBeUndefined();
    await readRefusal();
  });
});

describe('times', () => {
  it('of creation and report are the database’s, and only the owner may import others', async () => {
    const long = new Date('2020-02-02');
    const claim = { created_at: long, last_reported_at: long, ...COMPLETED };
    const later = async (db: pg.Pool): Promise<boolean> =>
      withTransaction(db, '', async (client) => {
        await client.query('set local watchfloor.import = on');
        return ((await insert(claim, client))!['created_at'] as Date).getTime() > long.getTime();
      });
    expect([await later(writer), await later(owner)]).toEqual([true, false]);
  });

  it.each([
    ['a start in the future', { status: 'running', started_at: '2999-01-01' }],
    ['a start that is no time', { status: 'running', started_at: '-infinity' }],
    ['an end in the future', { ...COMPLETED, completed_at: 'infinity' }],
    ['an end that is no time', { ...COMPLETED, completed_at: '-infinity' }],
    ['an end before its start', { ...COMPLETED, started_at: '2020-01-02', completed_at: '2020-01-01' }],
    ['a reconciliation in the future', { status: 'completed', outcome: 'failed', reconciled_at: 'infinity' }]
  ])('that cannot be are moved and marked: %s', async (_what, columns) => {
    const row = (await insert(columns, owner))!;
    expect(row['clock_adjusted']).toBe(true);
    for (const name of ['started_at', 'completed_at', 'reconciled_at'])
      if (row[name] !== null)
        expect((row[name] as Date).getTime()).toSatisfy((time: number) => time > 1e12 && time <= Date.now() + MINUTE);
    if (row['started_at'] && row['completed_at'])
      expect(row['completed_at']).toSatisfy((end: Date) => end >= (row['started_at'] as Date));
    expect(await report(row.id, 'clock_adjusted = false'), 'the mark stays').toMatchObject({ clock_adjusted: true });
  });

  it('that can be are kept', async () => {
    const times = { started_at: new Date('2024-01-01T10:00:00Z'), completed_at: new Date('2024-01-01T10:05:00Z') };
    expect(await insert({ ...COMPLETED, ...times })).toMatchObject({ ...times, clock_adjusted: false });
  });
});

describe('text, counts and JSON', () => {
  it('are cleaned, and cut with a mark', async () => {
    const row = await insert({
      type: 'x'.repeat(200),
      initiator_name: '\u202eevil\u0007 \t name ',
      progress_phase: 'p'.repeat(200),
      source: '',
      run_identity_hash: '',
      cancelled_by: '\u200b',
      external_id: 'e'.repeat(300)
    });
    expect(row).toMatchObject({
      type: 'x'.repeat(119) + '…',
      initiator_name: 'evil   name',
      progress_phase: 'p'.repeat(119) + '…'
    });
    expect(row).toMatchObject({
      source: null,
      run_identity_hash: null,
      cancelled_by: null,
      external_id: 'e'.repeat(199) + '…'
    });
    expect(await insert({ run_identity_hash: 'h'.repeat(300) })).toMatchObject({
      run_identity_hash: expect.stringMatching(/^h{135}:[0-9a-f]{64}$/)
    });
    // Cut alone, these two would be one, and refuse each other.
    await insert({ run_identity_hash: 'i'.repeat(250) + 'a' });
    await insert({ run_identity_hash: 'i'.repeat(250) + 'b' });
  });

  it('of progress: unknown stays unknown, negative is unknown, and nothing exceeds what JavaScript counts', async () => {
    expect(
      await insert({ progress_processed: -1, progress_total: '9223372036854775807', retry_of: '9223372036854775807' })
    ).toMatchObject({
      progress_processed: null,
      progress_total: Number.MAX_SAFE_INTEGER,
      retry_of: null
    });
  });

  it('of a summary: numbers from 0 up are shown, anything else is not', async () => {
    const { id, ...row } = (await insert({
      summary_counts: { total: 7.9, failed: -1, succeeded: '5', skipped: 1e300, other: 3 }
    }))!;
    expect(row).toMatchObject({
      count_total: 7,
      count_failed: null,
      count_succeeded: null,
      count_skipped: Number.MAX_SAFE_INTEGER
    });
    expect(await report(id, 'count_total = 99')).toMatchObject({ count_total: 7 });
    expect(await insert({ summary_counts: '[1]' })).toMatchObject({ summary_counts: {} });
    expect(await insert({ summary_counts: { note: 'n'.repeat(9_000) } })).toMatchObject({ summary_counts: {} });
  });

  it('of failures: a list of at most 20, whatever was written', async () => {
    const many = Array.from({ length: 30 }, (_, index) => ({
      code: `c${index}`,
      message: 'm'.repeat(900),
      count: index
    }));
    const row = (await insert({ failure_summary: JSON.stringify(many) }))!;
    const kept = row['failure_summary'] as { message: string }[];
    expect(kept).toHaveLength(20);
    expect(kept[0]!.message).toBe('m'.repeat(499) + '…');
    expect(row).toMatchObject({ failure_code: 'c0', failure_message: 'm'.repeat(299) + '…' });
    for (const [written, first] of [
      ['"broken"', { message: 'broken' }],
      ['{"code": 5, "message": "x"}', { code: '5', message: 'x' }],
      ['[null, 3]', { message: '3' }]
    ] as const)
      expect(((await insert({ failure_summary: written }))!['failure_summary'] as unknown[])[0]).toEqual(first);
  });

  it('of context: kept to 64 KB, and told where it was more', async () => {
    expect(await insert({ context: { a: 'x'.repeat(60_000) } })).toMatchObject({ context: { a: expect.any(String) } });
    expect(await insert({ context: { a: 'x'.repeat(70_000) } })).toMatchObject({
      context: { cut: true, bytes: expect.any(Number) }
    });
  });
});

describe('a refused report', () => {
  it('is kept as it was sent, without what is secret, each value cut', async () => {
    const long = 'm'.repeat(1_000_000);
    expect(
      await insert({
        status: 'nonsense\u202e',
        source: 's'.repeat(200),
        external_id: long,
        failure_summary: JSON.stringify([{ message: long }]),
        context: { password: 'secret' }
      })
    ).toBeUndefined();
    const refusal = (await readRefusal())!;
    expect(refusal).toMatchObject({
      kind: 'status_unknown',
      reason: 'status "nonsense" is unknown; use queued, running or completed',
      type: 'inventory.sync',
      source: 's'.repeat(119) + '…',
      report: {
        workspace_id: workspace,
        external_id: 'm'.repeat(499) + '…',
        failure_summary: { cut: true, bytes: expect.any(Number) }
      }
    });
    expect(JSON.stringify(refusal)).not.toContain('secret');
    const { id } = (await insert(COMPLETED))!;
    await report(id, `outcome = 'failed', progress_phase = 'Late', revision = 99, count_total = 7`);
    // Of an update only what it would have changed, and nothing that no report can set.
    expect((await readRefusal())!['report']).toEqual({
      type: 'inventory.sync',
      outcome: 'failed',
      progress_phase: 'Late'
    });
  });

  it('is one of at most a thousand that a transaction leaves, whatever that transaction sets', async () => {
    await withTransaction(writer, '', async (client) => {
      await client.query(`set local watchfloor.rejected = 'odd'; set local watchfloor.identities = 'odd'`);
      await client.query(
        `insert into operation_runs (workspace_id, type, status) select $1, 'loop', 'nonsense' from generate_series(1, 3000)`,
        [workspace]
      );
      await insert({ run_identity_hash: 'counted' }, client);
    });
    const { rows } = await owner.query(
      `select kind, count(*) as n from rejected_reports where workspace_id = $1 group by kind order by n`,
      [workspace]
    );
    expect(rows).toEqual([
      { kind: 'too_many', n: 1 },
      { kind: 'status_unknown', n: 1_000 }
    ]);
    await owner.query('delete from rejected_reports');
  });

  it('of odd JSON harms nobody, however deep it is', async () => {
    const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    let depth = 100;
    // As deep as Postgres itself reads: what it refuses never comes to a trigger.
    for (; depth < 100_000; depth = Math.ceil(depth * 1.3))
      if (!(await writer.query('select $1::jsonb', [deep(depth)]).then(Boolean, () => false))) break;
    for (let taken = Math.floor(depth / 1.3); taken < depth; taken += Math.ceil(depth / 40)) {
      if (!(await writer.query('select $1::jsonb', [deep(taken)]).then(Boolean, () => false))) break;
      for (const column of ['failure_summary', 'summary_counts', 'context'])
        expect(await insert({ [column]: deep(taken) }), `${column} ${taken} deep`).toMatchObject({ revision: 1 });
      expect(await insert({ failure_summary: deep(taken), status: 'nonsense' })).toBeUndefined();
      expect(await readRefusal()).toMatchObject({ kind: 'status_unknown' });
    }
  });
});

describe('what a report cannot do', () => {
  it('is to choose or change an id', async () => {
    const { id } = (await insert({}))!;
    expect((await report(id, 'id = default'))!.id).toBe(id);
    await expect(
      writer.query(`insert into operation_runs (id, workspace_id, type) overriding system value values ($1, $2, 'x')`, [
        id + 1,
        workspace
      ])
    ).rejects.toThrow('permission denied');
  });

  it('is to be active twice under one identity: the second is refused, whoever asked for a conflict gets it', async () => {
    const first = (await insert({ run_identity_hash: 'only one' }))!;
    expect(await insert({ run_identity_hash: 'only one' })).toBeUndefined();
    expect(await readRefusal()).toMatchObject({
      kind: 'identity_taken',
      operation_id: null,
      place_id: environment,
      reason: `operation ${first.id} is active under the same identity`
    });
    const upsert = `insert into operation_runs (workspace_id, managed_environment_id, type, run_identity_hash)
      values (${workspace}, ${environment}, 'again', 'only one')
      on conflict (managed_environment_id, run_identity_hash)
        where status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null
      do update set status = operation_runs.status returning id, (xmax = 0) as is_new`;
    const client = await writer.connect();
    // Also where the statement's words are out of sight, and right after an insert of the same transaction.
    await client.query(`prepare upsert as ${upsert}`);
    await client.query('begin');
    await client.query(`insert into operation_runs (workspace_id, type) values (${workspace}, 'before')`);
    for (const statement of ['execute upsert', upsert])
      expect((await client.query(statement)).rows).toEqual([{ id: first.id, is_new: false }]);
    await client.query('commit');
    expect((await client.query(upsert.replace(/do update[^]*/, 'do nothing'))).rowCount).toBe(0);
    expect((await client.query(upsert.replace(/on conflict[^]*/, 'on conflict do nothing'))).rowCount).toBe(0);
    await client.query(`do $$ begin ${upsert.replace(/on conflict[^]*/, 'on conflict do nothing')}; end $$`);
    client.release();
    expect(await readRefusal()).toBeUndefined();
    await report(first.id, `status = 'completed', outcome = 'succeeded'`);
    expect((await insert({ run_identity_hash: 'only one' }))!.id).not.toBe(first.id);
  });

  it('is to take over the identity of another by an update or a move', async () => {
    const elsewhere = (
      await owner.query<Row>(
        `insert into managed_environments (workspace_id, name) values ($1, 'Elsewhere') returning id`,
        [workspace]
      )
    ).rows[0]!.id;
    await insert({ run_identity_hash: 'mine' });
    const second = (await insert({ run_identity_hash: 'other' }))!;
    const third = (await insert({ run_identity_hash: 'mine', managed_environment_id: elsewhere }))!;
    expect(await report(second.id, `run_identity_hash = 'mine'`)).toBeUndefined();
    expect(await readRefusal()).toMatchObject({ kind: 'identity_taken', operation_id: second.id });
    expect(await report(third.id, `managed_environment_id = ${environment}`)).toBeUndefined();
    // Of two places: only who sees both may read it.
    expect(await readRefusal()).toMatchObject({ kind: 'identity_taken', operation_id: third.id, place_id: null });
  });

  it('is to abort the second of two that report one identity at the same time', async () => {
    const [one, two] = [await writer.connect(), await writer.connect()];
    const sql = `insert into operation_runs (workspace_id, type, run_identity_hash) values (${workspace}, 'race', 'race')`;
    await one.query('begin');
    await one.query(sql);
    const waiting = two.query(sql);
    await expect
      .poll(async () => {
        const { rows } = await owner.query(`select from pg_locks where not granted and locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())`);
        return rows.length;
      })
      .toBe(1);
    await one.query('commit');
    expect((await waiting).rowCount).toBe(0);
    expect(await readRefusal()).toMatchObject({ kind: 'identity_taken' });
    one.release();
    two.release();
  });

  it('is to harm anybody by naming what does not exist, or an environment of another workspace', async () => {
    const foreign = (
      await owner.query<Row>(
        `with w as (insert into workspaces (name) values ('Foreign') returning id)
         insert into managed_environments (workspace_id, name) select id, 'Theirs' from w returning id`
      )
    ).rows[0]!.id;
    for (const [columns, kind, inWorkspace] of [
      [{ workspace_id: 999_999, managed_environment_id: null }, 'workspace_unknown', null],
      [{ workspace_id: 999_999 }, 'workspace_unknown', null],
      [{ managed_environment_id: 999_999 }, 'environment_unknown', workspace],
      [{ managed_environment_id: foreign }, 'environment_unknown', workspace]
    ] as const) {
      expect(await insert(columns)).toBeUndefined();
      const refusal = (await readRefusal())!;
      expect(refusal).toMatchObject({ kind, workspace_id: inWorkspace });
      // What is foreign and what is not there read the same, and are of no place that somebody narrowed may see.
      if (kind === 'environment_unknown')
        expect(refusal).toMatchObject({
          place_id: null,
          reason: `this workspace has no environment ${columns.managed_environment_id}`
        });
    }
    const { id } = (await insert({}))!;
    expect(await report(id, `managed_environment_id = ${foreign}`)).toBeUndefined();
    expect(await readRefusal()).toMatchObject({ kind: 'environment_unknown', operation_id: id });
  });

  it('is to name a user who does not exist: nobody is named then, and strict says so', async () => {
    const row = (await insert({ user_id: 999_999, initiator_name: 'Somebody' }))!;
    expect(row).toMatchObject({ user_id: null, initiator_name: 'Somebody' });
    expect(await report(row.id, 'user_id = 999999')).toMatchObject({ user_id: null });
    expect(await readRefusal()).toBeUndefined();
    await expect(
      withTransaction(writer, '', async (client) => {
        await client.query('set local watchfloor.strict = true');
        await insert({ user_id: 999_999 }, client);
      })
    ).rejects.toMatchObject({ code: 'WF001', message: 'This report cannot be applied: there is no user 999999' });
  });

  it('is to put a refused report into another workspace', async () => {
    const { id } = (await insert({}))!;
    for (const sets of ['workspace_id = workspace_id + 1', 'workspace_id = null']) {
      expect(await report(id, sets)).toBeUndefined();
      expect(await readRefusal()).toMatchObject({ workspace_id: workspace, place_id: environment, operation_id: id });
    }
  });

  it('is to delete, or to read anything else', async () => {
    for (const statement of [
      'delete from operation_runs',
      'select from users',
      'select from rejected_reports',
      'select from sessions'
    ])
      await expect(writer.query(statement), statement).rejects.toMatchObject({ code: '42501' });
  });
});
