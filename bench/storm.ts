/**
 * Storm: 2,000 commits a second for a minute while 5,000 clients watch, of whom 50 take nothing. The healthy must not
 * notice (the same storm without the stalled is the baseline), the server's memory must stay bounded, and the stalled
 * must be cut off or, where they read again, have everything. Once with few operations that change very often (told row
 * by row), once with so many that each second is a burst (told as lists), and once with so few clients that each is told
 * more than the system holds for whoever takes nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { makeWorld, type World } from '../tests/harness/world.ts';
import {
  affordable,
  latencyOf,
  makePeople,
  makeRows,
  revisionsOf,
  seatsOf,
  startCrowd,
  startWriting,
  waitForAll
} from './crowd.ts';
import { count, megabytes, round, Runs } from './figures.ts';
import { tell, type Part, type Size } from './part.ts';
import { dropDatabase, makeDatabase, startProduction, type ProductionServer } from './servers.ts';

const CLIENTS: Record<Size, number> = { quick: 40, normal: 5_000, full: 5_000 };
const RATE: Record<Size, number> = { quick: 200, normal: 2_000, full: 2_000 };
const SECONDS: Record<Size, number> = { quick: 1, normal: 60, full: 60 };
const RUNS: Record<Size, number> = { quick: 1, normal: 1, full: 3 };
const PROCESSES: Record<Size, number> = { quick: 1, normal: 2, full: 2 };
const CONNECTIONS = 16;
/**
 * Of those who take nothing half read again a while after the first was found out, or after so long, when the system still
 * holds whatever was sent to them; the heartbeat ends the others.
 */
const READ_AGAIN_MS = 5_000;
const READ_AGAIN_AT_LATEST_MS = 12_000;
/** `crowd`: of the size's clients; `stalled`: of these, who take nothing */
const VARIANTS = [
  { name: '40 operations', rows: 40, crowd: 1, stalled: 0 },
  { name: '40 operations, 1 % stalled', rows: 40, crowd: 1, stalled: 0.01 },
  { name: '1,000 operations, 1 % stalled', rows: 1_000, crowd: 1, stalled: 0.01 },
  // Few clients are told more often: so much that what the system holds for those who take nothing is soon full.
  { name: '160 operations, 4 % of the clients, 5 % stalled', rows: 160, crowd: 0.04, stalled: 0.05 }
];
/** Of more than are told row by row only those on the first page are told to everyone. */
const MOST_TOLD = 200;
const LISTED = 25;
const PATIENCE_MS = 60_000;

export const storm: Part = {
  async run(postgres, size) {
    const clients = affordable([CLIENTS[size]], 'storm')[0] ?? 1_000;
    const runs = new Runs();
    for (let run = 0; run < RUNS[size]; run++)
      for (const variant of VARIANTS) {
        tell(`storm: run ${run + 1}, ${variant.name}`);
        const name = `bench_storm_${run}_${VARIANTS.indexOf(variant)}`;
        const url = await makeDatabase(postgres, name);
        const world = await makeWorld(url);
        try {
          await weather(url, world, variant, Math.round(clients * variant.crowd), size, runs);
        } finally {
          await world.close();
          await dropDatabase(postgres, name);
        }
      }
    const of = (name: string, figure: string): number => runs.median(`${name} ${figure}`);
    const table = {
      title: `${count(clients)} clients, ${count(RATE[size])} commits a second for ${SECONDS[size]} s`,
      head: [
        'storm',
        'commits/s reached',
        'healthy: p50 ms',
        'p99 ms',
        'healthy with everything at the end',
        'after, ms',
        'stalled: left',
        'came back',
        'cut off',
        'ended by the heartbeat',
        'read again and have everything',
        'server RSS before, MB',
        'highest',
        'at the end',
        'server, % of a core',
        'load generator: busiest, % of a core'
      ],
      rows: VARIANTS.map(({ name }) => [
        name,
        count(Math.round(of(name, 'reached'))),
        round(of(name, 'p50')),
        round(of(name, 'p99')),
        `${of(name, 'healthy right')} of ${of(name, 'healthy')}`,
        round(of(name, 'drained')),
        String(of(name, 'left')),
        String(of(name, 'recovered')),
        String(of(name, 'cut')),
        String(of(name, 'heartbeat')),
        `${of(name, 'stalled right')} of ${of(name, 'reading again')}`,
        ...['before', 'highest', 'after'].map((when) => megabytes(of(name, `rss ${when}`))),
        round(of(name, 'core')),
        round(of(name, 'busy'))
      ])
    };
    return { tables: [table], raw: runs };
  }
};

async function weather(
  url: string,
  world: World,
  { name, rows, stalled: share }: (typeof VARIANTS)[number],
  clients: number,
  size: Size,
  runs: Runs
): Promise<void> {
  const add = (figure: string, value: number): void => runs.add(`${name} ${figure}`, value);
  const people = await makePeople(world, clients);
  const ids = await makeRows(world, rows);
  const tracked = rows > MOST_TOLD ? ids.slice(-LISTED) : ids;
  const server = await startProduction(url);
  const crowd = startCrowd(PROCESSES[size]);
  const epoch = Date.now();
  try {
    await crowd.track(tracked, epoch);
    const { results } = await crowd.open(await seatsOf(url, world, people, clients, server.port));
    if (results['caught_up'] !== clients) throw new Error(`The clients were answered ${JSON.stringify(results)}.`);
    await delay(size === 'quick' ? 300 : 5_000);
    /** of each process */
    const stalled = share > 0 ? Math.max(2, Math.round((clients * share) / crowd.processes)) : 0;
    const healthy = clients - stalled * crowd.processes;
    await crowd.stall('stall', 0, stalled);
    await crowd.begin();
    const before = await server.usage();
    const changes = RATE[size] * SECONDS[size];
    const from = performance.now();
    const writing = await startWriting(url, ids, { rate: RATE[size], changes, epoch, connections: CONNECTIONS });
    // Those who read again are the second half of each process's stalled ones.
    const first = Math.ceil(stalled / 2);
    const watching = watch(server, () => crowd.stall('resume', first, stalled - first));
    const made = await writing.done;
    add('reached', made / ((performance.now() - from) / 1_000));
    const wanted = await revisionsOf(world, tracked);
    add('drained', await waitForAll(crowd, healthy, wanted, PATIENCE_MS, stalled));
    const after = await server.usage();
    add('core', ((after.cpuMs - before.cpuMs) / (performance.now() - from)) * 100);
    const report = await crowd.report();
    const highest = await watching.stop();
    add('p50', latencyOf(report, 0.5));
    add('p99', latencyOf(report, 0.99));
    add('busy', report.busy * 100);
    add('healthy', healthy);
    add('healthy right', await crowd.compare(wanted, stalled));
    await waitForAll(crowd, clients - first * crowd.processes, wanted, size === 'quick' ? 2_000 : 10_000, first);
    add('stalled right', (await crowd.compare(wanted, first)) - (await crowd.compare(wanted, stalled)));
    add('reading again', (stalled - first) * crowd.processes);
    for (const what of ['left', 'recovered', 'cut'])
      add(what, await server.metric(`watchfloor_laggards_total{event="${what}"}`));
    const cut = await server.metric('watchfloor_laggards_total{event="cut"}');
    add('heartbeat', clients - cut - (await server.metric('watchfloor_sockets')));
    add('rss before', before.rss);
    add('rss highest', Math.max(highest, after.rss));
    add('rss after', (await server.memory()).rss);
  } finally {
    crowd.stop();
    await server.stop();
  }
}

/** Looks at the server each second, and lets half of the stalled read again in time. */
function watch(server: ProductionServer, readAgain: () => Promise<void>): { stop(): Promise<number> } {
  let isStopped = false;
  let highest = 0;
  let isReadingAgain = false;
  const latest = performance.now() + READ_AGAIN_AT_LATEST_MS;
  const work = (async () => {
    while (!isStopped) {
      highest = Math.max(highest, (await server.usage()).rss);
      const isFoundOut = !isReadingAgain && (await server.metric('watchfloor_laggards_total{event="left"}')) > 0;
      if (isFoundOut || (!isReadingAgain && performance.now() > latest)) {
        isReadingAgain = true;
        if (isFoundOut) await delay(READ_AGAIN_MS);
        await readAgain();
      }
      await delay(1_000);
    }
    // A storm that was over before.
    if (!isReadingAgain) await readAgain();
  })();
  return {
    async stop() {
      isStopped = true;
      await work;
      return highest;
    }
  };
}
