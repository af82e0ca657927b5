import fc from 'fast-check';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrate } from '../src/lib/server/database/migrations.ts';
import type { HubOptions } from '../src/lib/server/live/hub.ts';
import { CLEAN_FILTER } from '../src/lib/operations/filter.ts';
import { mergeSummaries, type Summary } from '../src/lib/operations/summary.ts';
import { readFeedDifference } from '../src/lib/server/live/differences.ts';
import { startHub, type TestHub } from './harness/live.ts';
import { startPostgres, type TestPostgres } from './harness/postgres.ts';
import { runSteps, steps, type Step } from './harness/steps.ts';
import { openPages, openViewer, type Viewer, type ViewerOptions } from './harness/viewer.ts';
import { makeWorld, type World } from './harness/world.ts';

/**
 * The law, small: after any interleaving of writes, aborts, drops and restarts, what a client shows equals what a fresh
 * scoped query returns. Real Postgres, real hubs, the browser's real state. WATCHFLOOR_SEED replays a run.
 */
const RUNS = Number(process.env['WATCHFLOOR_ORACLE_RUNS'] ?? 4);
const seed = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2_147_483_647);

type Fault =
  | { do: 'drop'; viewer: number }
  | { do: 'end listeners' }
  | { do: 'end hub queries' }
  | { do: 'restart hub'; hub: number }
  | { do: 'crash' }
  | { do: 'restart' }
  | { do: 'pause screen'; viewer: number }
  | { do: 'resume screen'; viewer: number };

const viewerAt = fc.nat({ max: 10 });
const faults: fc.Arbitrary<{ afterMs: number; fault: Fault }[]> = fc.array(
  fc.record({
    afterMs: fc.constantFrom(0, 20, 100, 300),
    fault: fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('drop' as const), viewer: viewerAt }) },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constantFrom('end listeners' as const, 'end hub queries' as const) })
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart hub' as const), hub: fc.nat({ max: 1 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'restart' as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom('pause screen' as const, 'resume screen' as const),
          viewer: viewerAt
        })
      }
    )
  }),
  { minLength: 1, maxLength: 7 }
);
const scenarios = fc.record({ lanes: fc.tuple(steps, steps, steps), faults });

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { restart_after_crash: 'on' } });
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
});

async function makeDatabase(): Promise<string> {
  const name = `oracle_${Math.random().toString(36).slice(2)}`;
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = postgres.urlOf(name);
  await migrate(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(
    `insert into operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds)
     values ('test.quick', 'Quick', 'repeatable', 1, 1)`
  );
  await owner.end();
  return url;
}

/** One scenario in a database of its own, until every viewer shows what a fresh query returns; throws if one never does. */
async function play(
  scenario: { lanes: Step[][]; faults: { afterMs: number; fault: Fault }[] },
  options: Partial<HubOptions>,
  patienceMs: number
): Promise<void> {
  const url = await makeDatabase();
  const world: World = await makeWorld(url);
  const pages = openPages(url);
  const hubs: TestHub[] = [await startHub(url, options), await startHub(url, options)];
  let next = 0;
  const port = (): number => hubs[next++ % hubs.length]!.port;
  const all = { workspaceId: world.a, environmentId: null };
  const watched: Omit<ViewerOptions, 'pages' | 'port'>[] = [
    { person: world.everyone, scope: all, pageSize: 100 },
    { person: world.everyone, scope: { ...all, environmentId: world.a2 }, pageSize: 25 },
    { person: world.narrowed, scope: all, pageSize: 50 },
    { person: world.stranger, scope: { workspaceId: world.b, environmentId: null }, pageSize: 25 },
    { person: world.everyone, scope: all, pageSize: 25 },
    { person: world.everyone, scope: all, pageSize: 50, filter: { ...CLEAN_FILTER, tab: 'needs_follow_up' } },
    { person: world.narrowed, scope: all, pageSize: 25, filter: { ...CLEAN_FILTER, tab: 'active' } },
    { person: world.everyone, scope: all, pageSize: 25, filter: { ...CLEAN_FILTER, tab: 'stale' } },
    {
      person: world.everyone,
      scope: { ...all, environmentId: world.a2 },
      pageSize: 25,
      filter: { ...CLEAN_FILTER, outcomes: ['succeeded', 'cancelled'] }
    },
    // Where WebSockets are forbidden; each question goes to the other hub.
    { person: world.everyone, scope: all, pageSize: 50, overHttp: true },
    { person: world.narrowed, scope: all, pageSize: 25, filter: { ...CLEAN_FILTER, tab: 'active' }, overHttp: true }
  ];
  const viewers: Viewer[] = [];
  try {
    for (const one of watched) viewers.push(await openViewer({ ...one, pages, port }));

    const causeFaults = async (): Promise<void> => {
      for (const { afterMs, fault } of scenario.faults) {
        await pause(afterMs);
        await cause(fault, url, hubs, viewers, options);
      }
    };
    await Promise.all([...scenario.lanes.map((lane) => runSteps(world, url, lane)), causeFaults()]);
    for (const viewer of viewers) viewer.list.resume();

    for (const [at, viewer] of viewers.entries()) {
      const { person, scope, pageSize, filter } = watched[at]!;
      await vi.waitFor(
        async () => {
          const fresh = (await pages.read(person, scope, pageSize, filter))!;
          viewer.list.showWaiting();
          expect(viewer.rows, `viewer ${at}`).toEqual(fresh.rows.slice(0, pageSize));
          expect(numbersOf(viewer.summary), `numbers of viewer ${at}`).toEqual(
            numbersOf(mergeSummaries(fresh.summaries))
          );
          expect(viewer.state, `viewer ${at}`).toBe('live');
        },
        { timeout: patienceMs, interval: 100 }
      );
      expect(viewer.wentBack).toEqual([]);
    }
  } finally {
    for (const viewer of viewers) viewer.close();
    await Promise.all(hubs.map((hub) => hub.close()));
    await Promise.all([pages.close(), world.close()]);
  }
}

/** What of a summary must be the same whenever it was read. */
function numbersOf(summary: Summary | null): unknown {
  return summary && [summary.counts, summary.groups.map(({ row, count }) => [row.id, row.revision, count])];
}

async function cause(
  fault: Fault,
  url: string,
  hubs: TestHub[],
  viewers: Viewer[],
  options: Partial<HubOptions>
): Promise<void> {
  switch (fault.do) {
    case 'drop':
      return viewers[fault.viewer]!.drop();
    case 'pause screen':
      return viewers[fault.viewer]!.list.pause();
    case 'resume screen':
      return viewers[fault.viewer]!.list.resume();
    case 'end listeners':
      return terminate(url, 'watchfloor listener');
    case 'end hub queries':
      return terminate(url, 'watchfloor hub');
    case 'restart hub':
      await hubs[fault.hub]!.close();
      hubs[fault.hub] = await startHub(url, options);
      return;
    case 'restart':
      await postgres.stop('fast');
      return postgres.start();
    case 'crash':
      await postgres.stop('immediate');
      return postgres.start();
  }
}

async function terminate(url: string, applicationName: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()',
    [applicationName]
  );
  await client.end();
}

test(`what every client shows equals a fresh scoped query, after any interleaving (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, (scenario) => play(scenario, {}, 25_000)),
    { seed, numRuns: RUNS, endOnFailure: true }
  );
}, 300_000);

test('the same oracle fails when the feed reads with a naive cursor', async () => {
  // Remembers only how far it has read: what was in progress then is never looked for again.
  const naive: typeof readFeedDifference = (db, since, most) =>
    readFeedDifference(db, since && { ...since, snapshot: { ...since.snapshot, inProgress: [] } }, most);
  const overlapping: Step[] = Array.from({ length: 8 }, () => ({
    do: 'transaction',
    writes: [{ do: 'insert', place: 'a1', count: 1 }],
    savepointAt: 9,
    keepsSavepoint: true,
    commits: true,
    waitMs: 120
  }));
  const single: Step[] = Array.from({ length: 60 }, () => ({
    do: 'write',
    write: { do: 'insert', place: 'a2', count: 1 }
  }));
  const scenario = { lanes: [overlapping, single, overlapping], faults: [] };
  await play(scenario, {}, 15_000);
  await expect(play(scenario, { difference: naive }, 6_000)).rejects.toThrow(/viewer/);
}, 120_000);
