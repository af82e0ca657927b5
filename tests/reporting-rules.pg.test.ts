/** Each rule that docs/REPORTING.md states of what happens to a report, on a real Postgres, as a writer. */
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { withTransaction } from '../src/lib/server/database/pool.ts';
import {
  COMPLETED,
  MINUTE,
  insert,
  owner,
  readRefusal,
  report,
  workspace,
  writer,
  type Row
} from './harness/reporting.ts';

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
