/** What docs/REPORTING.md says of refused reports, and of what a report cannot do, on a real Postgres, as a writer. */
import { describe, expect, it } from 'vitest';
import { withTransaction } from '../src/lib/server/database/pool.ts';
import {
  COMPLETED,
  environment,
  insert,
  owner,
  readRefusal,
  report,
  workspace,
  writer,
  type Row
} from './harness/reporting.ts';

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
