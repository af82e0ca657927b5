/**
 * What a page costs at growing histories, through the production server: time to first byte as a signed-in person gets
 * it, and of that the database's own time (pg_stat_statements, planning included), statements and blocks touched. It must
 * be flat: the last day is the same in all of them, and only what lies behind it grows. The baseline is the smallest
 * history of the same run. One history is denser instead: numbers of "the last 24 hours" follow the day, as they must.
 */
import { Agent, get } from 'node:http';
import pg from 'pg';
import { fillHistory } from '../tests/harness/history.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld, type World } from '../tests/harness/world.ts';
import { count, percentile, round, Runs, type Table } from './figures.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { dropDatabase, makeDatabase, startProduction, type BenchServer } from './servers.ts';

interface History {
  operations: number;
  /** undefined: spread evenly over 30 days */
  lastDay: number | undefined;
}
const LAST_DAY = 1_000;
const growing = (...sizes: number[]): History[] => sizes.map((operations) => ({ operations, lastDay: LAST_DAY }));
const HISTORIES: Record<Size, History[]> = {
  quick: growing(3_000),
  normal: [...growing(10_000, 100_000, 1_000_000), { operations: 1_000_000, lastDay: undefined }],
  full: [...growing(10_000, 100_000, 1_000_000, 10_000_000), { operations: 1_000_000, lastDay: undefined }]
};
/** Requests of one page in one run, one after the other. */
const REQUESTS: Record<Size, number> = { quick: 3, normal: 100, full: 100 };
/** What fillHistory adds to the two workspaces: active, stale and open ones, and those of quiet places. */
const ADDED = 2_481;

const PAGES = [
  ['hub', (workspace: number) => `/admin/workspaces/${workspace}/operations`],
  ['tab Failed', (workspace: number) => `/admin/workspaces/${workspace}/operations?activeTab=failed`],
  ['search "refused"', (workspace: number) => `/admin/workspaces/${workspace}/operations?q=refused`],
  ['overview', (workspace: number) => `/admin/workspaces/${workspace}`]
] as const;

interface Subject {
  label: string;
  database: string;
  url: string;
  world: World;
  server: BenchServer;
  statistics: pg.Client;
}

export const firstPage: Part = {
  settings: {
    shared_preload_libraries: 'pg_stat_statements',
    'pg_stat_statements.track_planning': 'on',
    autovacuum: 'off'
  },
  async run(postgres, size) {
    const filled: string[][] = [];
    const subjects: Subject[] = [];
    for (const history of HISTORIES[size]) subjects.push(await openSubject(postgres, history, filled));
    const runs = new Runs();
    for (let run = 0; run < runsOf(size); run++) {
      tell(`first-page: run ${run + 1}`);
      for (const [page, pathOf] of PAGES)
        for (const subject of subjects) await measure(subject, page, pathOf(subject.world.a), REQUESTS[size], runs);
    }
    for (const { database, world, server, statistics } of subjects) {
      await Promise.all([server.stop(), world.close(), statistics.end()]);
      await dropDatabase(postgres, database);
    }
    const labels = subjects.map(({ label }) => label);
    return { tables: [toTable(labels, runs, size), fillTable(filled)], raw: runs };
  }
};

async function openSubject(postgres: TestPostgres, history: History, filled: string[][]): Promise<Subject> {
  const { operations, lastDay } = history;
  const label = count(operations) + (lastDay === undefined ? ' in 30 days' : '');
  const database = `bench_pages_${operations}${lastDay === undefined ? '_dense' : ''}`;
  const from = performance.now();
  const url = await makeDatabase(postgres, database);
  const world = await makeWorld(url);
  const busy = Math.round(operations * 0.7);
  const other = Math.max(1, operations - busy - ADDED);
  tell(`first-page: filling ${label}`);
  await fillHistory(url, world, { busy, other, ...(lastDay !== undefined && { lastDay }) });
  const statistics = new pg.Client({ connectionString: url });
  await statistics.connect();
  await statistics.query('create extension pg_stat_statements; checkpoint');
  const { rows } = await statistics.query('select pg_database_size(current_database())::float8 as bytes');
  const seconds = (performance.now() - from) / 1_000;
  filled.push([label, round(seconds), round(rows[0].bytes / 1024 ** 3)]);
  const server = await startProduction(url);
  return { label, database, url, world, server, statistics };
}

async function measure(subject: Subject, page: string, path: string, requests: number, runs: Runs): Promise<void> {
  const { label, world, server, statistics } = subject;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (): Promise<number> => timeToFirstByte(agent, server.port, path, world.everyone.cookie);
  for (let i = 0; i < Math.ceil(requests / 5); i++) await ask();
  await statistics.query('select pg_stat_statements_reset()');
  const times: number[] = [];
  for (let i = 0; i < requests; i++) times.push(await ask());
  agent.destroy();
  // The hub of the same server works as the role feed, so what these two did was done for the pages.
  const { rows } = await statistics.query<{ ms: number; statements: number; blocks: number }>(
    `select sum(total_exec_time + total_plan_time)::float8 as ms, sum(calls)::float8 as statements,
       sum(shared_blks_hit + shared_blks_read)::float8 as blocks
     from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
       and userid::regrole::text in ('watchfloor_people', 'watchfloor_access')`
  );
  const { ms, statements, blocks } = rows[0]!;
  runs.add(`${page} ${label} first byte`, percentile(times, 0.5));
  runs.add(`${page} ${label} p99`, percentile(times, 0.99));
  runs.add(`${page} ${label} database`, ms / requests);
  runs.add(`${page} ${label} statements`, statements / requests);
  runs.add(`${page} ${label} blocks`, blocks / requests);
}

function timeToFirstByte(agent: Agent, port: number, path: string, cookie: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const from = performance.now();
    get({ agent, host: '127.0.0.1', port, path, headers: { cookie } }, (response) => {
      let first = NaN;
      response.on('data', () => {
        if (Number.isNaN(first)) first = performance.now() - from;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(first) : reject(new Error(`${path} was answered ${response.statusCode}.`))
      );
    }).on('error', reject);
  });
}

function toTable(labels: string[], runs: Runs, size: Size): Table {
  const rows = PAGES.flatMap(([page]) =>
    labels.map((label) => {
      const of = (figure: string): number => runs.median(`${page} ${label} ${figure}`);
      const ratio = (figure: string): string => round(of(figure) / runs.median(`${page} ${labels[0]} ${figure}`));
      return [
        page,
        label,
        round(of('first byte')),
        ratio('first byte'),
        round(of('p99')),
        round(of('database')),
        ratio('database'),
        round(of('statements')),
        of('blocks').toFixed(0)
      ];
    })
  );
  return {
    title: `Pages in ms, ${REQUESTS[size]} requests of each in a run; ratios to ${labels[0]} operations`,
    head: ['page', 'operations', 'first byte', 'ratio', 'p99', 'database', 'ratio', 'statements', 'blocks'],
    rows
  };
}

function fillTable(rows: string[][]): Table {
  return { title: 'What the histories cost to make', head: ['operations', 'seconds', 'GB on disk'], rows };
}
