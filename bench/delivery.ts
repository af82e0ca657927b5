/**
 * From the writer's statement to the client's callback: the production server against raw `pg` LISTEN with the row in the
 * payload and raw `ws`, interleaved, same writers, same machine. The server is a process of its own; writers and client
 * share this one, so one clock times both ends. Times include the commit itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import WebSocket from 'ws';
import { openReader } from '../tests/harness/live.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld, openWriter, type World } from '../tests/harness/world.ts';
import { median, percentile, round, Runs } from './figures.ts';
import { openLiveClient } from './live-client.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { makeDatabase, startProduction, startRaw } from './servers.ts';
import { NOTIFY_EACH_ROW } from './writers.ts';

/** Commits a second and how many seconds of it; one a second is slow to gather, and each of its clients is idle before. */
const LOADS: Record<Size, [rate: number, seconds: number][]> = {
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
/** Each with a row of its own, from 100 commits a second on: one connection alone cannot commit that often everywhere. */
const CONNECTIONS = 8;
/** What has not arrived by then is lost. */
const PATIENCE_MS = 3_000;

type Arrived = (id: number, value: number) => void;
interface Subject {
  world: World;
  url: string;
  onArrival(callback: Arrived): void;
  /** changes that nobody woke for, and that the feed found when it looked by itself; raw has no such thing */
  foundLate(): Promise<number>;
  close(): Promise<void>;
}

export const delivery: Part = {
  async run(postgres, size) {
    const subjects = { raw: await openRaw(postgres), hub: await openHub(postgres) };
    const runs = new Runs();
    for (let run = 0; run < runsOf(size); run++) {
      tell(`delivery: run ${run + 1}`);
      for (const [rate, seconds] of LOADS[size])
        for (const [name, subject] of Object.entries(subjects)) {
          const before = await subject.foundLate();
          const { times, lost, reached } = await measure(subject, rate, seconds);
          runs.add(`${name} ${rate} found late`, (await subject.foundLate()) - before);
          runs.add(`${name} ${rate} p50`, median(times));
          runs.add(`${name} ${rate} p99`, percentile(times, 0.99));
          runs.add(`${name} ${rate} lost`, lost);
          runs.add(`${name} ${rate} reached`, reached);
        }
    }
    for (const subject of Object.values(subjects)) await subject.close();
    const pair = (rate: number, figure: string): string[] => {
      const [raw, hub] = [runs.median(`raw ${rate} ${figure}`), runs.median(`hub ${rate} ${figure}`)];
      return [round(raw), round(hub), round(hub / raw)];
    };
    const table = {
      title: `Statement → client's callback in ms, one client`,
      head: [
        'commits/s',
        'raw p50',
        'hub p50',
        'ratio',
        'raw p99',
        'hub p99',
        'ratio',
        'reached (raw, hub)',
        'lost (raw, hub)',
        'found late'
      ],
      rows: LOADS[size].map(([rate]) => [
        String(rate),
        ...pair(rate, 'p50'),
        ...pair(rate, 'p99'),
        `${runs.median(`raw ${rate} reached`).toFixed(0)}, ${runs.median(`hub ${rate} reached`).toFixed(0)}`,
        `${runs.sum(`raw ${rate} lost`)}, ${runs.sum(`hub ${rate} lost`)}`,
        String(runs.sum(`hub ${rate} found late`))
      ])
    };
    return { tables: [table], raw: runs };
  }
};

/** Milliseconds of each change; what a later one of the same row overtook counts with the arrival of that later one. */
async function measure(
  { world, url, onArrival }: Subject,
  rate: number,
  seconds: number
): Promise<{ times: number[]; lost: number; reached: number }> {
  const sent = new Map<number, { value: number; at: number }[]>();
  const times: number[] = [];
  onArrival((id, value) => {
    const now = performance.now();
    const waiting = sent.get(id);
    while (waiting?.[0] && waiting[0].value <= value) times.push(now - waiting.shift()!.at);
  });
  const free = await Promise.all(
    Array.from({ length: rate >= 100 ? CONNECTIONS : 1 }, async () => {
      const writer = await openWriter(url);
      const { rows } = await writer.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, status, progress_processed)
         values ($1, $2, 'policy.sync', 'running', 0) returning id`,
        [world.a, world.a1]
      );
      const id = Number(rows[0].id);
      sent.set(id, []);
      return { writer, id, value: 0 };
    })
  );
  const all = [...free];
  const total = Math.max(2, Math.round(rate * seconds));
  const start = performance.now();
  const writing = new Set<Promise<void>>();
  const send = ({ ...one }: (typeof free)[number], done: () => void): void => {
    sent.get(one.id)!.push({ value: one.value, at: performance.now() });
    const wrote = one.writer
      .query({
        name: 'progress',
        text: 'update operation_runs set progress_processed = $2 where id = $1',
        values: [one.id, one.value]
      })
      .then(() => {
        writing.delete(wrote);
        done();
      });
    writing.add(wrote);
  };
  for (let made = 0; made < total;) {
    while (made < total && free.length > 0 && performance.now() >= start + (made * 1_000) / rate) {
      const one = free.shift()!;
      one.value++;
      made++;
      send(one, () => void free.push(one));
    }
    await delay(1);
  }
  await Promise.all(writing);
  const reached = (total * 1_000) / (performance.now() - start);
  const waiting = (): number => [...sent.values()].reduce((sum, changes) => sum + changes.length, 0);
  for (const until = performance.now() + PATIENCE_MS; waiting() > 0 && performance.now() < until;) await delay(5);
  onArrival(() => {});
  await Promise.all(all.map(({ writer }) => writer.end()));
  return { times, lost: waiting(), reached };
}

async function openRaw(postgres: TestPostgres): Promise<Subject> {
  const url = await makeDatabase(postgres, 'bench_raw');
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(NOTIFY_EACH_ROW);
  await owner.end();
  const server = await startRaw(url);
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  await new Promise((open) => socket.once('open', open));
  let callback: Arrived = () => {};
  socket.on('message', (data) => {
    const row = JSON.parse(String(data)) as { id: number; progress_processed: number };
    callback(row.id, row.progress_processed);
  });
  return {
    world,
    url,
    onArrival: (next) => (callback = next),
    foundLate: async () => 0,
    close: async () => {
      socket.close();
      await Promise.all([server.stop(), world.close()]);
    }
  };
}

async function openHub(postgres: TestPostgres): Promise<Subject> {
  const url = await makeDatabase(postgres, 'bench_hub');
  const world = await makeWorld(url);
  const server = await startProduction(url);
  const reader = openReader(url);
  const { token } = (await reader.read(world.everyone, { workspaceId: world.a, environmentId: null }))!;
  const { cookie } = world.everyone;
  const socket = await openLiveClient({ port: server.port, cookie, workspaceId: world.a, token });
  let callback: Arrived = () => {};
  socket.on('rows:changed', ({ rows }) => {
    for (const row of rows) callback(row.id, row.progress.processed ?? 0);
  });
  return {
    world,
    url,
    onArrival: (next) => (callback = next),
    foundLate: () => server.metric('watchfloor_feed_backstop_hits_total'),
    close: async () => {
      socket.disconnect();
      await Promise.all([server.stop(), reader.close(), world.close()]);
    }
  };
}
