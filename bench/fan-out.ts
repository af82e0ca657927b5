/**
 * Fan-out: thousands of clients who watch the same workspace, and a steady rate of changes, against a raw server that
 * frames each change once and writes it to everyone. Counted is the server's time on the processor for each change that
 * reached a client, what a client costs in resident memory, how late changes are, and how long after the last one
 * everybody had everything: where that grows, a backlog did.
 */
import pg from 'pg';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld, type TestPerson, type World } from '../tests/harness/world.ts';
import {
  affordable,
  latencyOf,
  makePeople,
  makeRows,
  revisionsOf,
  seatsOf,
  startCrowd,
  startWriting,
  waitForAll,
  type Crowd
} from './crowd.ts';
import { count, kilobytes, round, Runs } from './figures.ts';
import { tell, type Part, type Size } from './part.ts';
import { makeDatabase, startOwn, startProduction, type BenchServer } from './servers.ts';
import { NOTIFY_EACH_ROW } from './writers.ts';

const LEVELS: Record<Size, number[]> = { quick: [40], normal: [1_000, 5_000], full: [1_000, 5_000, 10_000] };
const RATES = [10, 50];
const SECONDS: Record<Size, number> = { quick: 0.5, normal: 10, full: 20 };
/** Deliveries that the raw server is given at most in one run: it is slower, and each of its frames waits in memory. */
const MOST_RAW = 1_500_000;
const RUNS: Record<Size, number> = { quick: 1, normal: 3, full: 3 };
const PROCESSES: Record<Size, number> = { quick: 1, normal: 2, full: 2 };
/** As many as change in a second at the higher rate: every change is delivered, none is overtaken. */
const ROWS = 50;
const PATIENCE_MS = 60_000;
const SETTLE_MS: Record<Size, number> = { quick: 200, normal: 3_000, full: 3_000 };
/** Before the first figure of memory: what is compiled and cached once is no client's. */
const WARM_UP = 50;
const KINDS = ['raw', 'hub'] as const;
type Kind = (typeof KINDS)[number];

interface Subject {
  url: string;
  world: World;
  people: TestPerson[];
  ids: number[];
}

export const fanOut: Part = {
  async run(postgres, size) {
    const levels = affordable(LEVELS[size], 'fan-out');
    const subjects: Record<Kind, Subject> = {
      raw: await prepare(postgres, 'raw', levels),
      hub: await prepare(postgres, 'hub', levels)
    };
    const runs = new Runs();
    for (let run = 0; run < RUNS[size]; run++)
      for (const level of levels)
        for (const kind of KINDS) {
          tell(`fan-out: run ${run + 1}, ${kind}, ${level} clients`);
          await measure(kind, subjects[kind], level, size, runs);
        }
    await Promise.all(Object.values(subjects).map(({ world }) => world.close()));
    const pair = (level: number, rate: number, figure: string): string[] => {
      const [raw, hub] = KINDS.map((kind) => runs.median(`${kind} ${level} ${rate} ${figure}`)) as [number, number];
      return [round(raw), round(hub)];
    };
    const table = {
      title: `Changes to ${ROWS} operations that everybody watches, runs of ${SECONDS[size]} s, medians of ${RUNS[size]}`,
      head: [
        'clients',
        'changes/s',
        'server µs for a delivered change (raw)',
        '(hub)',
        'ratio',
        'server % of a core (raw)',
        '(hub)',
        'p99 ms (raw)',
        '(hub)',
        'p50 ms (hub)',
        'all had all after, ms (raw)',
        '(hub)',
        'incomplete (raw, hub)',
        'load generator: busiest, % of a core (raw)',
        '(hub)',
        'its loop, p99 ms (hub)'
      ],
      rows: levels.flatMap((level) =>
        RATES.map((rate) => {
          const [raw, hub] = KINDS.map((kind) => runs.median(`${kind} ${level} ${rate} µs`)) as [number, number];
          const incomplete = KINDS.map((kind) => runs.sum(`${kind} ${level} ${rate} incomplete`));
          return [
            count(level),
            String(rate),
            round(raw),
            round(hub),
            round(hub / raw),
            ...pair(level, rate, 'core'),
            ...pair(level, rate, 'p99'),
            round(runs.median(`hub ${level} ${rate} p50`)),
            ...pair(level, rate, 'drained'),
            incomplete.join(', '),
            ...pair(level, rate, 'busy'),
            round(runs.median(`hub ${level} ${rate} late`))
          ];
        })
      )
    };
    const memory = {
      title: 'Resident memory for each client, KB, after two collections',
      head: ['clients', 'raw', 'hub'],
      rows: levels.map((level) => [
        count(level),
        ...KINDS.map((kind) => kilobytes(runs.median(`${kind} ${level} each`)))
      ])
    };
    return { tables: [table, memory], raw: runs };
  }
};

async function prepare(postgres: TestPostgres, kind: Kind, levels: number[]): Promise<Subject> {
  const url = await makeDatabase(postgres, `bench_fan_out_${kind}`);
  const world = await makeWorld(url);
  if (kind === 'raw') {
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    // What the other triggers fill in is not the raw server's business, but its rows need an order.
    await owner.query(
      NOTIFY_EACH_ROW.replace(
        'to_jsonb(new)',
        `(to_jsonb(new) || jsonb_build_object('revision', new.progress_processed))`
      )
    );
    await owner.end();
  }
  const people = kind === 'hub' ? await makePeople(world, levels.at(-1) ?? 0) : [];
  return { url, world, people, ids: await makeRows(world, ROWS) };
}

async function measure(kind: Kind, subject: Subject, level: number, size: Size, runs: Runs): Promise<void> {
  const { url, world, people, ids } = subject;
  const server: BenchServer =
    kind === 'hub' ? await startProduction(url) : await startOwn(new URL('./raw-fan-out.ts', import.meta.url), [url]);
  const crowd = startCrowd(PROCESSES[size]);
  const epoch = Date.now();
  await crowd.track(ids, epoch);
  const seats =
    kind === 'hub'
      ? await seatsOf(url, world, people, level, server.port)
      : Array.from({ length: level }, () => ({ port: server.port, cookie: null, workspaceId: 0, token: '' }));
  try {
    await crowd.open(seats.slice(0, Math.min(WARM_UP, level)));
    await crowd.close();
    await settle(size);
    const { rss } = await server.memory();
    const { results } = await crowd.open(seats);
    if (results['caught_up'] !== level) throw new Error(`The clients were answered ${JSON.stringify(results)}.`);
    await settle(size);
    runs.add(`${kind} ${level} each`, ((await server.memory()).rss - rss) / level);
    for (const rate of RATES) await load(kind, subject, { server, crowd, level, rate, epoch, size, runs });
  } finally {
    crowd.stop();
    await server.stop();
  }
}

const settle = (size: Size): Promise<void> => new Promise((done) => setTimeout(done, SETTLE_MS[size]));

async function load(
  kind: Kind,
  { url, world, ids }: Subject,
  {
    server,
    crowd,
    level,
    rate,
    epoch,
    size,
    runs
  }: { server: BenchServer; crowd: Crowd; level: number; rate: number; epoch: number; size: Size; runs: Runs }
): Promise<void> {
  const changes = Math.ceil(
    Math.min(rate * SECONDS[size], kind === 'raw' && size !== 'quick' ? MOST_RAW / level : Infinity)
  );
  await crowd.begin();
  const [before, from] = [await server.usage(), performance.now()];
  const writing = await startWriting(url, ids, { rate, changes, epoch });
  const made = await writing.done;
  const wanted = kind === 'hub' ? await revisionsOf(world, ids) : await valuesOf(world, ids);
  const drained = await waitForAll(crowd, level, wanted, PATIENCE_MS);
  const after = await server.usage();
  const passed = performance.now() - from;
  const report = await crowd.report();
  const add = (figure: string, value: number): void => runs.add(`${kind} ${level} ${rate} ${figure}`, value);
  add('µs', ((after.cpuMs - before.cpuMs) * 1_000) / (made * level));
  add('core', ((after.cpuMs - before.cpuMs) / passed) * 100);
  add('p50', latencyOf(report, 0.5));
  add('p99', latencyOf(report, 0.99));
  add('drained', drained);
  add('incomplete', Number.isNaN(drained) ? level - (await crowd.compare(wanted)) : 0);
  add('busy', report.busy * 100);
  add('late', report.lateMs);
}

/** In a raw crowd the value itself is the revision. */
async function valuesOf({ owner }: World, ids: number[]): Promise<number[]> {
  const { rows } = await owner.query<{ id: number; value: number }>(
    'select id, progress_processed as value from operation_runs where id = any ($1::bigint[])',
    [ids]
  );
  const found = new Map(rows.map(({ id, value }) => [id, value]));
  return ids.map((id) => found.get(id) ?? 0);
}
