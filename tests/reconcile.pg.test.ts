/** Reconciliation: what it ends, what it never ends, and that an operation's own report always has the last word. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readSilent, reconcile } from '../src/lib/server/reports/reconcile.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeWorld, type World } from './harness/world.ts';

const seed = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2_147_483_647);
let database: TestDatabase;
let world: World;
let reconciler: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  reconciler = openPool({ url: database.url, role: 'reconciler', max: 4, applicationName: 'tests' });
});
beforeEach(async () => {
  await world.owner.query('delete from public.operation_runs');
});
afterAll(async () => {
  await reconciler?.end();
  await world?.close();
  await database?.drop();
});

/** An operation whose last report is that many minutes old. inventory.sync may be silent for 15 queued, 30 running. */
async function silentFor(minutes: number, status: 'queued' | 'running', workspace = world.a): Promise<number> {
  const client = await world.owner.connect();
  try {
    await client.query(`begin; set local watchfloor.import = on`);
    const { rows } = await client.query<{ id: number }>(
      `insert into operation_runs (workspace_id, type, status, started_at, created_at, last_reported_at)
       values ($1, 'inventory.sync', $2, case when $2 = 'running' then clock_timestamp() - $3 * interval '1 minute' end,
         clock_timestamp() - $3 * interval '1 minute', clock_timestamp() - $3 * interval '1 minute') returning id`,
      [workspace, status, minutes]
    );
    await client.query('commit');
    return rows[0]!.id;
  } finally {
    client.release();
  }
}

interface Row {
  status: string;
  outcome: string;
  reconciled: boolean;
  reason: string | null;
  revision: number;
  /** minutes */
  silent: number;
  open: boolean;
}
async function read(id: number): Promise<Row> {
  const { rows } = await world.owner.query<Row>(
    `select status, outcome, reconciled_at is not null as reconciled, reconciliation_reason as reason, revision,
       floor(extract(epoch from clock_timestamp() - last_reported_at) / 60)::integer as silent, has_open_follow_up as open
     from operation_runs where id = $1`,
    [id]
  );
  return rows[0]!;
}

test('what was silent for four times its limit ends as failed, reconciled, with the reason; nothing else does', async () => {
  const stale = await silentFor(119, 'running');
  const silent = await silentFor(125, 'running');
  const queued = await silentFor(61, 'queued');
  const waiting = await silentFor(59, 'queued');
  expect((await readSilent(database.url)).map(({ id }) => id)).toEqual([silent, queued]);
  expect(await read(silent), 'a dry run changes nothing').toMatchObject({ status: 'running', revision: 1 });

  expect((await reconcile(database.url)).shown.map(({ id }) => id).sort()).toEqual([silent, queued].sort());
  expect(await read(silent)).toEqual({
    status: 'completed',
    outcome: 'failed',
    reconciled: true,
    reason: 'Silent for 2 h 5 m, four times the limit of its type (30 m) or more',
    revision: 2,
    // Reconciliation is no report.
    silent: 125,
    open: true
  });
  expect(await read(queued)).toMatchObject({ reconciled: true, reason: expect.stringContaining('(15 m)') as string });
  for (const id of [stale, waiting]) expect(await read(id)).toMatchObject({ outcome: 'pending', revision: 1 });
});

test('it reports itself as an operation when it ended something, and only then', async () => {
  const reports = async (): Promise<unknown[]> =>
    (
      await world.owner.query(
        `select outcome, count_updated as updated from operation_runs where type = 'watchfloor.reconcile'`
      )
    ).rows;
  expect(await reconcile(database.url)).toEqual({ ended: 0, shown: [] });
  expect(await reports()).toEqual([]);
  for (const status of ['running', 'queued', 'running'] as const) await silentFor(300, status);
  expect(await reconcile(database.url, { stepRows: 2 })).toMatchObject({ ended: 3 });
  expect(await reports()).toEqual([{ outcome: 'succeeded', updated: 3 }]);
});

test('its own late report replaces a reconciliation, with whatever outcome', async () => {
  const [late, failed] = [await silentFor(200, 'running'), await silentFor(200, 'running')];
  await reconcile(database.url);
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [
    late
  ]);
  await world.writer.query(
    `update operation_runs set status = 'completed', outcome = 'failed', failure_summary = '[{"code":"E1","message":"Broke"}]'
     where id = $1`,
    [failed]
  );
  expect(await read(late)).toMatchObject({ outcome: 'succeeded', reconciled: false, reason: null, open: false });
  expect(await read(failed)).toMatchObject({ outcome: 'failed', reconciled: false, reason: null, open: true });
});

test('what somebody reports on at this moment is skipped without waiting, and is silent no more', async () => {
  const id = await silentFor(200, 'running');
  const reporter = await world.writer.connect();
  await reporter.query('begin');
  await reporter.query('update operation_runs set progress_processed = 1 where id = $1', [id]);
  // Would hang here if it waited for the reporter.
  expect(await reconcile(database.url)).toMatchObject({ ended: 0 });
  await reporter.query('commit');
  reporter.release();
  expect(await reconcile(database.url)).toMatchObject({ ended: 0 });
  expect(await read(id)).toMatchObject({ status: 'running', reconciled: false });
});

test('a report that comes while it is being ended waits for that statement, and then replaces it', async () => {
  const id = await silentFor(200, 'running');
  const ending = await reconciler.connect();
  await ending.query('begin');
  expect((await ending.query('select id from watchfloor.reconcile_operations(10)')).rows).toEqual([{ id }]);
  const report = world.writer.query(
    `update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`,
    [id]
  );
  await ending.query('commit');
  ending.release();
  await report;
  expect(await read(id)).toMatchObject({ outcome: 'succeeded', reconciled: false, reason: null });
});

test('the role may end what is silent, and nothing else; no writer can pretend to be it', async () => {
  for (const sql of [
    'select from public.operation_runs',
    'select from public.users',
    `update public.operation_runs set outcome = 'failed'`,
    'select watchfloor.sweep_follow_ups()',
    'delete from public.operation_runs'
  ])
    await expect(reconciler.query(sql), sql).rejects.toThrow('permission denied');
  const id = await silentFor(1, 'running');
  await expect(world.writer.query('select watchfloor.reconcile_operations(1)')).rejects.toThrow('permission denied');
  const writer = await world.writer.connect();
  await writer.query(`set watchfloor.reconciling = 'on'`);
  await writer.query(
    `update operation_runs set status = 'completed', outcome = 'failed', reconciled_at = now(), reconciliation_reason = 'x'
     where id = $1`,
    [id]
  );
  await writer.query('reset watchfloor.reconciling');
  writer.release();
  expect(await read(id)).toMatchObject({ outcome: 'failed', reconciled: false, reason: null });
});

test(`reports and reconciliations at the same moment: the report always stands, and nobody fails (seed ${seed})`, async () => {
  const step = fc.record({
    /** what its reporter does meanwhile: nothing, a heartbeat, or its end */
    report: fc.constantFrom('nothing', 'heartbeat', 'succeeded', 'failed'),
    silent: fc.constantFrom(10, 119, 121, 400),
    /** in one transaction with others, which then wait for each other's rows in the order of ids */
    together: fc.boolean()
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 4, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, rows) => {
        await world.owner.query('delete from public.operation_runs');
        const ids: number[] = [];
        for (const { silent } of steps) ids.push(await silentFor(silent, 'running'));
        const report = (client: pg.Pool | pg.PoolClient, index: number): Promise<unknown> => {
          const { report: what } = steps[index]!;
          if (what === 'nothing') return Promise.resolve();
          if (what === 'heartbeat')
            return client.query(`update operation_runs set status = 'running' where id = $1`, [ids[index]]);
          return client.query(
            `update operation_runs set status = 'completed', outcome = $2, failure_summary = '[{"code":"own"}]' where id = $1`,
            [ids[index], what]
          );
        };
        const together = async (): Promise<void> => {
          const client = await world.writer.connect();
          await client.query('begin');
          for (let index = 0; index < steps.length; index++) if (steps[index]!.together) await report(client, index);
          await client.query('commit');
          client.release();
        };
        const sweep = async (): Promise<void> => {
          for (let left = rows; left === rows;)
            left = (await reconciler.query('select from watchfloor.reconcile_operations($1)', [rows])).rowCount ?? 0;
        };
        // None of these may throw: no deadlock, no unique key, no lost row.
        await Promise.all([
          sweep(),
          together(),
          ...steps.map((one, index) => (one.together ? undefined : report(world.writer, index))),
          sweep()
        ]);
        await sweep();
        for (const [index, { report: what, silent }] of steps.entries()) {
          const row = await read(ids[index]!);
          const isSilent = silent > 120;
          if (what === 'succeeded' || what === 'failed')
            expect(row, JSON.stringify(steps[index])).toMatchObject({ outcome: what, reconciled: false, reason: null });
          else if (!isSilent) expect(row).toMatchObject({ status: 'running', outcome: 'pending' });
          else if (what === 'nothing') expect(row).toMatchObject({ outcome: 'failed', reconciled: true, revision: 2 });
          // A heartbeat that came first keeps it; one that came too late is a rejected report.
          else expect(row.reconciled ? row.outcome : row.status).toBe(row.reconciled ? 'failed' : 'running');
        }
      }
    ),
    { seed, numRuns: 15, endOnFailure: true }
  );
});
