/**
 * The law: after any interleaving of writes and faults, what a client shows equals what a fresh scoped query returns; and
 * at no moment on the way does it lie or show what its person may not see. Plays one scenario in a database of its own,
 * with hubs that are real processes, and tells what it cost; throws when the law is broken.
 */
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../src/lib/server/database/migrations.ts';
import { mergeSummaries, type Summary } from '../../src/lib/operations/summary.ts';
import type { HubPage } from '../../src/lib/operations/pages.ts';
import { openHubProcess, type HubProcess } from './hub-process.ts';
import { causeFaults } from './oracle-faults.ts';
import type { Act, Scenario } from './oracle-scenario.ts';
import { openWatch, type Watch, type Watched } from './oracle-watch.ts';
import { FILTERS, makeOracleWorld, type OracleWorld, type ViewerPlan } from './oracle-world.ts';
import type { TestPostgres } from './postgres.ts';
import { endPrepared, runSteps, type LaneCounts } from './steps.ts';
import { openPages, openViewer } from './viewer.ts';

export interface Played extends LaneCounts {
  acts: number;
  faults: Map<string, number>;
  /** comparisons with a fresh page that had to be and were equal, looks at who says Live, rows judged for their eyes */
  barriers: number;
  looks: number;
  judged: number;
  /** ms from the end of all faults until the last client was equal, the worst of all acts */
  worstConvergenceMs: number;
  lostWakeUps: number;
  /** changes that only the backstop found, and new reads of windows by reason */
  leaked: number;
  resyncs: Record<string, number>;
  /** of each hub at each barrier */
  memory: { hub: number; ageMs: number; rssBytes: number; ringRows: number }[];
}

export interface PlayOptions {
  postgres: TestPostgres;
  patienceMs: number;
  /** the hubs are faulty ones */
  fault?: string;
  /** what goes on, for a log */
  log?: (line: string) => void;
}

const TEMPLATE = 'oracle_template';

/** One database for each scenario: a copy of one that the real migrations made. */
async function makeDatabase(postgres: TestPostgres): Promise<{ url: string; drop(): Promise<void> }> {
  const execute = async (...statements: string[]): Promise<number> => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    let rows = 0;
    for (const sql of statements) rows = (await client.query(sql)).rowCount ?? 0;
    await client.end();
    return rows;
  };
  if ((await execute(`select from pg_database where datname = '${TEMPLATE}'`)) === 0) {
    await execute(`create database ${TEMPLATE}`);
    await migrate(postgres.urlOf(TEMPLATE));
  }
  const name = `oracle_${Math.random().toString(36).slice(2)}`;
  await execute(`create database ${name} template ${TEMPLATE}`);
  return { url: postgres.urlOf(name), drop: async () => void (await execute(`drop database ${name} with (force)`)) };
}

export async function play(scenario: Scenario, options: PlayOptions): Promise<Played> {
  const { postgres, log = () => {} } = options;
  const database = await makeDatabase(postgres);
  const { url } = database;
  const world = await makeOracleWorld(url, scenario.world);
  const pages = openPages(url);
  const hubs: HubProcess[] = [];
  const watched: Watched[] = [];
  const played: Played = {
    ...{
      acts: 0,
      commits: 0,
      aborts: 0,
      deadlocks: 0,
      refused: [],
      faults: new Map(),
      barriers: 0,
      looks: 0,
      judged: 0
    },
    ...{ worstConvergenceMs: 0, lostWakeUps: 0, leaked: 0, resyncs: {}, memory: [] }
  };
  let watch: Watch | null = null;
  let next = 0;
  /** as behind a balancer that knows no session; with nobody behind it nothing answers */
  const port = (): number => {
    const up = hubs.filter((hub) => hub.port !== null);
    return up.length === 0 ? 1 : up[next++ % up.length]!.port!;
  };
  const reopen = async (one: Watched): Promise<void> => {
    if (one.viewer && !one.viewer.hasLeft) return;
    one.viewer?.close();
    const told = (row: HubPage['rows'][number]): void => watch?.told(one.person.id, row);
    const { viewer: _, ...what } = one;
    one.viewer = await openViewer({ ...what, port, told }).catch(() => null);
  };
  try {
    for (let i = 0; i < scenario.hubs; i++) hubs.push(await openHubProcess(url, options.fault));
    for (const plan of scenario.world.viewers) watched.push({ ...toWatched(world, plan), pages, viewer: null });
    watch = openWatch(world, watched);
    for (const act of scenario.acts) {
      await Promise.all(watched.map(reopen));
      await playAct(act, { url, postgres, world, hubs, watched, played });
      const from = performance.now();
      await Promise.all(watched.map((one, at) => converge(world, one, at, options.patienceMs)));
      const took = performance.now() - from;
      played.worstConvergenceMs = Math.max(played.worstConvergenceMs, took);
      played.barriers += watched.length;
      played.acts++;
      await note(hubs, played);
      log(`act ${played.acts}: equal after ${Math.round(took)} ms`);
    }
    await watch.close();
    [played.looks, played.judged] = [watch.looks, watch.judged];
    if (played.refused.length > 0) throw new Error(`Writers were refused: ${played.refused.slice(0, 3).join('; ')}`);
    const defects = hubs.flatMap((hub) => hub.defects);
    if (defects.length > 0) throw new Error(defects.join('; '));
    return played;
  } catch (error) {
    // What was found on the way says more than where it led to.
    await watch?.close().catch((lie: Error) => {
      (error as Error).message += `\n${lie.message}`;
    });
    throw error;
  } finally {
    for (const { viewer } of watched) viewer?.close();
    await Promise.all(hubs.map((hub) => hub.close()));
    await Promise.all([pages.close(), world.close()]);
    await database.drop();
  }
}

async function playAct(
  { lanes, faults }: Act,
  parts: {
    url: string;
    postgres: TestPostgres;
    world: OracleWorld;
    hubs: HubProcess[];
    watched: Watched[];
    played: Played;
  }
): Promise<void> {
  const { url, postgres, world, hubs, watched, played } = parts;
  const sweeping = setInterval(() => void endPrepared(world.owner, 10_000).catch(() => {}), 2_000);
  try {
    // All to their end, also where one fails: a server that is being restarted must stand again before anything else.
    const ended = await Promise.allSettled([
      ...lanes.map((lane) => runSteps(world, lane, played)),
      causeFaults(faults, { url, postgres, hubs, viewers: watched.map(({ viewer }) => viewer) }, played.faults)
    ]);
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    await endPrepared(world.owner, 0);
    for (const { viewer } of watched) viewer?.list.resume();
  } finally {
    clearInterval(sweeping);
  }
}

/** Until this client shows what a fresh query returns, and says Live. */
async function converge(world: OracleWorld, one: Watched, at: number, patienceMs: number): Promise<void> {
  const until = performance.now() + patienceMs;
  const fail = (what: string): never => {
    const { person, scope, filter, overHttp } = one;
    const { tab, outcomes, types, problemClass } = filter!;
    const who = JSON.stringify({ person: person.id, ...scope, tab, outcomes, types, problemClass, overHttp });
    throw new Error(`viewer ${at} ${who}: ${what}`);
  };
  for (;;) {
    const wrong = await differs(world, one).catch((error: Error) => `the fresh page cannot be read: ${error.message}`);
    if (wrong === null) break;
    if (performance.now() > until) fail(wrong);
    await pause(100);
  }
  if (one.viewer && one.viewer.wentBack.length > 0) fail(one.viewer.wentBack.join('; '));
}

/** null where all is equal: ids, order, revisions, fields, numbers. */
async function differs(world: OracleWorld, one: Watched): Promise<string | null> {
  const { viewer, person, scope, pageSize, filter, pages } = one;
  const fresh = await pages.read(person, scope, pageSize, filter);
  if (viewer === null) return null; // there was nothing to see when it came
  if (viewer.hasLeft) {
    if (fresh === null) return null;
    // It may have been right at that time: then access was changed at least twice.
    const { rows } = await world.owner.query<{ version: number }>(
      'select version from oracle_access where user_id = $1',
      [person.id]
    );
    return rows[0]!.version > 1 ? null : 'it left, although it may see this and always could';
  }
  if (fresh === null) return 'it does not know that it may see nothing here';
  viewer.list.showWaiting();
  const rows = fresh.rows.slice(0, pageSize);
  for (const [index, row] of rows.entries()) {
    const shown = viewer.rows[index];
    if (!isDeepStrictEqual(shown, row))
      return `row ${index} is ${JSON.stringify(shown)} instead of ${JSON.stringify(row)}; it says ${viewer.state}`;
  }
  if (viewer.rows.length > rows.length) return `${viewer.rows.length - rows.length} rows too many`;
  const [numbers, freshNumbers] = [numbersOf(viewer.summary), numbersOf(mergeSummaries(fresh.summaries))];
  if (!isDeepStrictEqual(numbers, freshNumbers))
    return `its numbers are ${JSON.stringify(numbers)} instead of ${JSON.stringify(freshNumbers)}`;
  return viewer.state === 'live' ? null : `it says ${viewer.state}`;
}

/** What of a summary must be the same whenever it was read. */
function numbersOf(summary: Summary | null): unknown {
  return summary && [summary.counts, summary.groups.map(({ row, count }) => [row.id, row.revision, count])];
}

function toWatched(world: OracleWorld, plan: ViewerPlan): Omit<Watched, 'pages' | 'viewer'> {
  const person = world.pick(world.people, plan.person);
  const { id, environments } = world.pick(person.workspaces, plan.workspace);
  const environmentId =
    plan.environment === null || environments.length === 0 ? null : world.pick(environments, plan.environment);
  return {
    person,
    scope: { workspaceId: id, environmentId },
    pageSize: plan.pageSize,
    filter: FILTERS[plan.filter]!,
    overHttp: plan.overHttp
  };
}

async function note(hubs: HubProcess[], played: Played): Promise<void> {
  played.resyncs = {}; // they count since each hub's start
  for (const [at, hub] of hubs.entries()) {
    const figures = await hub.figures();
    if (!figures) continue;
    played.memory.push({ hub: at, ageMs: hub.ageMs, rssBytes: figures.rssBytes, ringRows: figures.ringRows });
    played.leaked = Math.max(played.leaked, figures.leaked);
    for (const [reason, count] of Object.entries(figures.resyncs))
      played.resyncs[reason] = (played.resyncs[reason] ?? 0) + count;
  }
  played.lostWakeUps = hubs.reduce((sum, { network }) => sum + network.lost, 0);
}
