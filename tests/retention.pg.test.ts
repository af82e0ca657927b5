/** What time removes and what it never removes: history retention and the trimming of the change log. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPool, withTransaction } from '../src/lib/server/database/pool.ts';
import { openLogTrim, raiseFloor, readMark, trim } from '../src/lib/server/reports/log-trim.ts';
import { openMaintenance } from '../src/lib/server/reports/maintenance.ts';
import { openRetention, REMOVE_OPERATIONS, removeHistory } from '../src/lib/server/reports/retention.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

let database: TestDatabase;
let owner: pg.Pool;
let feed: pg.Pool;
let workspace: number;
const log = { info: vi.fn<(line: string) => void>(), warn: vi.fn<(line: string) => void>() };

beforeAll(async () => {
  database = await createDatabase();
  // One test loads 14,400 rows, maybe on a machine that does other work, too.
  owner = openPool({
    url: database.url,
    role: 'owner',
    max: 4,
    applicationName: 'tests',
    statementTimeoutMs: 60_000
  });
  feed = openPool({ url: database.url, role: 'feed', max: 2, applicationName: 'tests' });
  workspace = (await owner.query<{ id: number }>(`insert into public.workspaces (name) values ('North') returning id`))
    .rows[0]!.id;
});

beforeEach(async () => {
  await owner.query('delete from public.operation_runs');
  await owner.query('delete from public.rejected_reports');
  log.warn.mockClear();
});

afterAll(async () => {
  await owner?.end();
  await feed?.end();
  await database?.drop();
});

/** Writes an operation that was created and, if it is completed, ended so many days ago. Returns its id. */
async function write(
  status: string,
  outcome: string,
  createdDaysAgo: number,
  endedDaysAgo = createdDaysAgo
): Promise<number> {
  return withTransaction(owner, '', async (client) => {
    await client.query('set local watchfloor.import = on');
    const { rows } = await client.query<{ id: number }>(
      `insert into public.operation_runs (workspace_id, type, status, outcome, created_at, last_reported_at, completed_at)
       values ($1, 'inventory.sync', $2, $3, now() - $4 * interval '1 day', now() - $5 * interval '1 day',
         case when $2 = 'completed' then now() - $5 * interval '1 day' end) returning id`,
      [workspace, status, outcome, createdDaysAgo, endedDaysAgo]
    );
    return rows[0]!.id;
  });
}

const readIds = async (): Promise<number[]> =>
  (
    await owner.query<{ id: number }>('select id from public.operation_runs where workspace_id = $1 order by id', [
      workspace
    ])
  ).rows.map(({ id }) => id);

describe('history retention', () => {
  it('removes what ended well, or was cancelled, more than 90 days ago, and nothing younger', async () => {
    await write('completed', 'succeeded', 91);
    await write('completed', 'cancelled', 400);
    const kept = [await write('completed', 'succeeded', 89), await write('completed', 'cancelled', 1)];
    expect(await removeHistory(owner, { historyDays: 90 })).toEqual({ operations: 2, rejectedReports: 0 });
    expect(await readIds()).toEqual(kept);
  });

  it('never removes what is queued, running, ended badly, or ended less than 90 days ago after a long life', async () => {
    const kept = [
      await write('queued', 'pending', 500),
      await write('running', 'pending', 500),
      await write('completed', 'failed', 500),
      await write('completed', 'blocked', 500),
      await write('completed', 'partially_succeeded', 500),
      await write('completed', 'succeeded', 500, 10)
    ];
    expect(await removeHistory(owner, { historyDays: 90 })).toEqual({ operations: 0, rejectedReports: 0 });
    expect(await readIds()).toEqual(kept);
  });

  it('removes what ended badly once that was resolved or reviewed, and keeps what is open however old it is', async () => {
    const [resolved, reviewed, open] = [
      await write('completed', 'failed', 300),
      await write('completed', 'blocked', 300),
      await write('completed', 'partially_succeeded', 300)
    ];
    await owner.query(`update public.operation_runs set resolved_at = now(), resolved_by = 1 where id = $1`, [
      resolved
    ]);
    await owner.query(
      `update public.operation_runs set reviewed_at = now(), reviewer_name = 'Maren Holt' where id = $1`,
      [reviewed]
    );
    expect(await removeHistory(owner, { historyDays: 90 })).toEqual({ operations: 2, rejectedReports: 0 });
    expect(await readIds()).toEqual([open]);
  });

  it('gets through a history in small steps, past whatever has to stay', async () => {
    for (let round = 0; round < 5; round += 1) {
      await write('completed', 'failed', 300 - round);
      await write('completed', 'failed', 300 - round);
      await write('completed', 'succeeded', 300 - round);
    }
    const steps: number[] = [];
    const removed = await removeHistory(owner, {
      historyDays: 90,
      stepRows: 2,
      seeProgress: async (sofar) => void steps.push(sofar)
    });
    expect(removed?.operations).toBe(5);
    expect(steps).toEqual([1, 2, 3, 4, 5]);
    expect(await readIds()).toHaveLength(10);
  });

  it('passes by a row that somebody reports on at this moment, instead of waiting', async () => {
    const busy = await write('completed', 'succeeded', 200);
    await write('completed', 'succeeded', 199);
    await withTransaction(owner, '', async (client) => {
      await client.query('update public.operation_runs set source = $2 where id = $1', [busy, 'late']);
      expect((await removeHistory(owner, { historyDays: 90 }))?.operations).toBe(1);
    });
    expect(await readIds()).toEqual([busy]);
  });

  it('removes refused reports of that age', async () => {
    await owner.query(`insert into public.rejected_reports (reason, report, received_at)
      select 'x', '{}', now() - days * interval '1 day' from unnest(array[300, 200, 91, 89, 1]) as days`);
    expect(await removeHistory(owner, { historyDays: 90, stepRows: 2 })).toEqual({ operations: 0, rejectedReports: 3 });
    expect((await owner.query('select from public.rejected_reports')).rowCount).toBe(2);
  });

  it('leaves the work to the node that is at it', async () => {
    await write('completed', 'succeeded', 200);
    await withTransaction(owner, '', async (client) => {
      await client.query('select pg_advisory_xact_lock(2234200012)');
      expect(await removeHistory(owner, { historyDays: 90 })).toBeNull();
    });
    expect(await readIds()).toHaveLength(1);
  });

  it('reads old history by the index, however much there is', async () => {
    await withTransaction(owner, '', async (client) => {
      await client.query('set local watchfloor.import = on');
      await client.query(
        `insert into public.operation_runs (workspace_id, type, status, outcome, created_at, last_reported_at, completed_at)
         select $1, 'inventory.sync', 'completed', 'succeeded', at, at, at
         from generate_series(now() - interval '100 days', now(), interval '10 minutes') as at`,
        [workspace]
      );
      await client.query('analyze public.operation_runs');
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain ${REMOVE_OPERATIONS.replace('$1', String(workspace))
          .replaceAll('$2', `now() - interval '90 days'`)
          .replace('$3', `'1970-01-01'`)
          .replace('$4', '0')
          .replace('$5', '1000')}`
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain('operation_runs_by_workspace_newest');
      expect(plan).not.toContain('Seq Scan');
    });
  });

  it('runs in the background, reports itself when it removed something, and else once a day', async () => {
    await write('completed', 'succeeded', 200);
    const retention = openRetention({ url: database.url, log, firstAfterMs: 1, everyMs: 5 });
    const readReports = async () =>
      (
        await owner.query(`select status, outcome, count_deleted as deleted from public.operation_runs
          where type = 'watchfloor.retention' order by id`)
      ).rows;
    try {
      await vi.waitFor(
        async () => expect(await readReports()).toEqual([{ status: 'completed', outcome: 'succeeded', deleted: 1 }]),
        {
          timeout: 10_000
        }
      );
      await seeMoreRuns();
      expect(await readReports(), 'quiet runs of the same day are not reported').toHaveLength(1);
      await write('completed', 'succeeded', 200);
      await vi.waitFor(async () => expect(await readReports()).toHaveLength(2), { timeout: 10_000 });
    } finally {
      await retention.close();
    }
    expect(log.warn).not.toHaveBeenCalled();
  });
});

/** Waits until the background has run three times more: each run has a connection of its own. */
async function seeMoreRuns(): Promise<void> {
  const server = openPool({ url: database.url, role: null, max: 1, applicationName: 'tests' });
  const seen = new Set<number>();
  try {
    await vi.waitFor(
      async () => {
        const { rows } = await server.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = 'watchfloor retention' and datname = current_database()`
        );
        for (const { pid } of rows) seen.add(pid);
        expect(seen.size).toBeGreaterThan(3);
      },
      { timeout: 15_000, interval: 2 }
    );
  } finally {
    await server.end();
  }
}

describe('trimming of the change log', () => {
  const readFloor = async (): Promise<bigint> =>
    BigInt((await owner.query<{ floor: string }>('select floor::text from watchfloor.change_floor')).rows[0]!.floor);
  const readLog = async (): Promise<bigint[]> =>
    (await owner.query<{ xid: string }>('select xid::text from watchfloor.changes order by xid')).rows.map(({ xid }) =>
      BigInt(xid)
    );

  it('raises the floor in a transaction before the one that deletes', async () => {
    await write('queued', 'pending', 0);
    // A transaction of another test's database on the same server may hold xmin back for a moment.
    const { xmin } = await vi.waitFor(async () => {
      const mark = await readMark(feed);
      expect((await readLog()).some((xid) => xid < BigInt(mark.xmin))).toBe(true);
      return mark;
    });
    expect(await raiseFloor(feed, xmin)).toBe(true);
    expect(await readFloor()).toBe(BigInt(xmin));
    expect(
      (await readLog()).some((xid) => xid < BigInt(xmin)),
      'nothing is deleted yet'
    ).toBe(true);
    expect(await trim(feed)).toBeGreaterThan(0);
    expect((await readLog()).every((xid) => xid >= BigInt(xmin))).toBe(true);
  });

  it('never raises the floor above a transaction that still runs', async () => {
    await withTransaction(owner, '', async (client) => {
      const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
      await write('queued', 'pending', 0);
      const { xmin } = await readMark(feed);
      expect(BigInt(xmin)).toBeLessThanOrEqual(BigInt(rows[0]!.xid));
      await raiseFloor(feed, String(BigInt(rows[0]!.xid) + 1n));
      expect(await readFloor()).toBeLessThanOrEqual(BigInt(rows[0]!.xid));
    });
  });

  it('keeps what is younger than the age, and removes it in the background once it is older', async () => {
    await write('queued', 'pending', 0);
    const [patient, eager] = [60_000, 30].map((ageMs) =>
      openLogTrim({ url: database.url, log, ageMs, firstAfterMs: 1, everyMs: 20 })
    );
    try {
      await patient!.close();
      await vi.waitFor(async () => expect(await readLog()).toEqual([]), { timeout: 10_000 });
    } finally {
      await eager!.close();
    }
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('leaves the work to the node that is at it', async () => {
    await write('queued', 'pending', 0);
    const { xmin } = await readMark(feed);
    const before = await readFloor();
    await withTransaction(owner, '', async (client) => {
      await client.query('select pg_advisory_xact_lock(2234200013)');
      expect(await raiseFloor(feed, xmin)).toBe(false);
      expect(await trim(feed)).toBe(0);
    });
    expect(await readFloor()).toBe(before);
  });
});

describe('maintenance', () => {
  it('survives a database that cannot be reached, says so once, and closes', async () => {
    const trimming = openLogTrim({ url: 'postgres://nobody@127.0.0.1:1/nothing', log, firstAfterMs: 1, everyMs: 1 });
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalledOnce());
    await trimming.close();
    await openMaintenance({ url: database.url, log }).close();
    expect(log.warn).toHaveBeenCalledOnce();
  });
});
