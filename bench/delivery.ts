/**
 * From the writer's statement to the client's callback: the production server against raw `pg` LISTEN with the row in the
 * payload and raw `ws`, interleaved, same writers, same machine; with one client and with many, on this disk and on one
 * that flushes in 2 ms. The server is a process of its own; one clock times both ends. Times include the commit itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { emitGap } from '../src/lib/server/live/outbox.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { drive, isComplete, score } from './delivery-load.ts';
import { openHub, openRaw, WATCHING, type Listeners, type Subject } from './delivery-subjects.ts';
import { median, percentile, round, Runs, type Table } from './figures.ts';
import type { Heard } from './listeners.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { startOnSlowDisk } from './shim/slow-disk.ts';

/** Commits a second and how many seconds of it; one a second is slow to gather, and each of its clients is idle before. */
type Loads = [rate: number, seconds: number][];
const LOADS: Record<Size, Loads> = {
  quick: [
    [20, 0.5],
    [100, 0.5]
  ],
  normal: [
    [1, 10],
    [100, 4],
    [500, 4],
    [1_000, 4]
  ],
  full: [
    [1, 20],
    [100, 10],
    [500, 10],
    [1_000, 10]
  ]
};
const CLIENTS: Record<Size, number> = { quick: 20, normal: 500, full: 500 };
const LOADS_OF_MANY: Record<Size, Loads> = {
  quick: [[20, 0.5]],
  normal: [
    [1, 10],
    [100, 3],
    [500, 3],
    [1_000, 3]
  ],
  full: [
    [1, 15],
    [100, 5],
    [500, 5],
    [1_000, 5]
  ]
};
/** Frames a second that raw is asked for: beyond it one core can send no more, and what waits would fill the memory. */
const MOST_RAW_FRAMES = 100_000;
const LOADS_OF_SLOW: Record<Size, Loads> = {
  quick: [],
  normal: [
    [100, 4],
    [500, 4],
    [1_000, 4]
  ],
  full: [
    [100, 10],
    [500, 10],
    [1_000, 10]
  ]
};
/** What has not arrived by then is lost. */
const PATIENCE_MS = 3_000;

export const delivery: Part = {
  async run(postgres, size) {
    const runs = new Runs();
    const tables = await onDisk(postgres, 'here', size, LOADS[size], CLIENTS[size], runs);
    const slow = size === 'quick' ? { why: 'only in longer runs' } : await startOnSlowDisk({ fsync: 'on' });
    if ('why' in slow) tell(`delivery: nothing on a slow disk, ${slow.why}`);
    else {
      try {
        tables.push(...(await onDisk(slow.postgres, 'a flush of 2 ms', size, LOADS_OF_SLOW[size], null, runs)));
      } finally {
        await slow.remove();
      }
    }
    return { tables, raw: runs };
  }
};

async function onDisk(
  postgres: TestPostgres,
  disk: string,
  size: Size,
  loads: Loads,
  many: number | null,
  runs: Runs
): Promise<Table[]> {
  const subjects = { raw: await openRaw(postgres), hub: await openHub(postgres) };
  const compare = async (
    label: string,
    chosen: Loads,
    clients: number,
    open: (subject: Subject) => Promise<Listeners>
  ) => {
    const listeners = { raw: await open(subjects.raw), hub: await open(subjects.hub) };
    for (let run = 0; run < runsOf(size); run++) {
      tell(`delivery, ${label}: run ${run + 1}`);
      for (const [rate, seconds] of chosen)
        for (const name of ['raw', 'hub'] as const) {
          if (name === 'raw' && rate * clients > MOST_RAW_FRAMES) continue;
          await measure(subjects[name], listeners[name], rate, seconds, `${label} ${name} ${rate}`, runs);
        }
    }
    for (const one of Object.values(listeners)) one.close();
    return toTable(label, chosen, clients, runs);
  };
  const where = disk === 'here' ? '' : `, ${disk}`;
  const tables = [await compare(`one client${where}`, loads, 1, (subject) => subject.openOne())];
  if (many !== null)
    tables.push(
      await compare(`${many} clients${where}`, LOADS_OF_MANY[size], many, (subject) => subject.openMany(many))
    );
  for (const subject of Object.values(subjects)) await subject.close();
  return tables;
}

async function measure(
  subject: Subject,
  listeners: Listeners,
  rate: number,
  seconds: number,
  key: string,
  runs: Runs
): Promise<void> {
  const lateBefore = await subject.foundLate();
  await listeners.heard();
  const sent = await drive(subject.url, subject.world, rate, seconds);
  const heard: Heard[] = await listeners.heard();
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until;) {
    if (isComplete(sent, heard, listeners.watching)) break;
    await delay(50);
    for (const one of await listeners.heard()) heard.push(one);
  }
  const { times, lost } = score(sent, heard, listeners.watching);
  runs.add(`${key} found late`, (await subject.foundLate()) - lateBefore);
  runs.add(`${key} p50`, median(times));
  runs.add(`${key} p99`, percentile(times, 0.99));
  runs.add(`${key} lost`, lost);
  runs.add(`${key} reached`, sent.reached);
}

function toTable(label: string, loads: Loads, clients: number, runs: Runs): Table {
  const pair = (rate: number, figure: string): string[] => {
    const [raw, hub] = [runs.median(`${label} raw ${rate} ${figure}`), runs.median(`${label} hub ${rate} ${figure}`)];
    return [round(raw), round(hub), runs.spread(`${label} hub ${rate} ${figure}`), round(hub / raw)];
  };
  const both = (rate: number, tellOf: (key: string) => string): string =>
    ['raw', 'hub'].map((name) => tellOf(`${label} ${name} ${rate}`)).join(', ');
  const gap = emitGap(clients);
  return {
    title: `Statement → client's callback in ms, ${label}${gap < 1 ? '' : ` (${Math.min(WATCHING, clients)} of them measured; the gap between two emits is ${round(gap)} ms)`}`,
    head: [
      'commits/s',
      'raw p50',
      'hub p50',
      'spread',
      'ratio',
      'raw p99',
      'hub p99',
      'spread',
      'ratio',
      'reached (raw, hub)',
      'lost (raw, hub)',
      'found late'
    ],
    rows: loads.map(([rate]) => [
      String(rate),
      ...pair(rate, 'p50'),
      ...pair(rate, 'p99'),
      both(rate, (key) => round(runs.median(`${key} reached`))),
      both(rate, (key) => String(runs.sum(`${key} lost`))),
      String(runs.sum(`${label} hub ${rate} found late`))
    ])
  };
}
