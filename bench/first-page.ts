/**
 * The first page's reads at growing histories: must be flat. The baseline is the smallest history in the same run.
 */
import pg from 'pg';
import { openPool } from '../src/lib/server/database/pool.ts';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { CLEAN_FILTER } from '../src/lib/operations/filter.ts';
import { readPageOfRows } from '../src/lib/server/operations/first-page.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld } from '../tests/harness/world.ts';
import { median, percentile, printTable, round } from './figures.ts';

const HISTORIES = [10_000, 100_000, 1_000_000];
const READS = 200;

export async function benchFirstPage(postgres: TestPostgres): Promise<void> {
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('create database bench_pages');
  await admin.end();
  const url = postgres.urlOf('bench_pages');
  await migrate(url);
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query('alter table operation_runs disable trigger user');
  const people = openPool({ url, role: 'people', max: 1, applicationName: 'bench' });
  const rows: string[][] = [];
  let have = 0;
  let first = NaN;
  for (const history of HISTORIES) {
    await owner.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, started_at, completed_at)
       select $1, case n % 3 when 0 then $2::bigint when 1 then $3 else $4 end, 'policy.sync', 'completed', 'succeeded', t, t, t + interval '1 min'
       from generate_series(1, $5::int) n cross join lateral (select now() - interval '90 days' * (1 - ($6 + n) / 1000001.0) as t) x`,
      [world.a, world.a1, world.a2, world.a3, history - have, have]
    );
    have = history;
    await owner.query('vacuum analyze operation_runs');
    const times: number[] = [];
    for (let i = 0; i < READS; i++) {
      const from = performance.now();
      await readWorkspace(people, world.everyone.id, world.a, (client, visible) =>
        readPageOfRows(client, visible, {
          environmentId: null,
          filter: CLEAN_FILTER,
          pageSize: 25,
          after: null,
          before: null
        })
      );
      times.push(performance.now() - from);
    }
    const middle = median(times);
    if (Number.isNaN(first)) first = middle;
    rows.push([history.toLocaleString('en'), round(middle), round(percentile(times, 0.99)), round(middle / first)]);
  }
  printTable(
    `First page: access, names, rows and place in one snapshot, ${READS} reads, in ms`,
    ['operations', 'p50', 'p99', `ratio to ${HISTORIES[0]!.toLocaleString('en')}`],
    rows
  );
  await Promise.all([people.end(), owner.end(), world.close()]);
}
