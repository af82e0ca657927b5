/**
 * From the writer's statement to the client's callback: our hub against raw `pg` LISTEN with the row in the payload and
 * raw `ws`, interleaved, same writer, same machine. The server is a process of its own; writer and client share this one,
 * so one clock times both ends. Times include the commit itself, which is the same for both.
 */
import { fork } from 'node:child_process';
import pg from 'pg';
import WebSocket from 'ws';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { openReader, TestClient } from '../tests/harness/live.ts';
import type { TestPostgres } from '../tests/harness/postgres.ts';
import { makeWorld, openWriter, type World } from '../tests/harness/world.ts';
import { median, percentile, printTable, round } from './figures.ts';

const RUNS = 5;
const SECONDS = 4;
const RATES = [1, 100, 500];

interface Subject {
  world: World;
  url: string;
  /** calls back with the progress value that arrived */
  onArrival: (callback: (value: number) => void) => void;
  close(): Promise<void>;
}

export async function benchDelivery(postgres: TestPostgres): Promise<void> {
  const subjects = { raw: await openRaw(postgres), hub: await openHubSubject(postgres) };
  const found = new Map<string, number[][]>();
  for (let run = 0; run < RUNS; run++)
    for (const rate of RATES)
      for (const [name, subject] of Object.entries(subjects)) {
        const key = `${name} ${rate}`;
        found.set(key, [...(found.get(key) ?? []), await measure(subject, rate)]);
      }
  const at = (name: string, rate: number, share: number): number =>
    median(found.get(`${name} ${rate}`)!.map((times) => percentile(times, share)));
  printTable(
    `Delivery: statement → client's callback in ms, one client, median of ${RUNS} runs of ${SECONDS} s`,
    ['commits/s', 'raw p50', 'hub p50', 'ratio', 'raw p99', 'hub p99', 'ratio', 'lost (hub)'],
    RATES.map((rate) => {
      const [rawMiddle, hubMiddle, rawHigh, hubHigh] = [
        at('raw', rate, 0.5),
        at('hub', rate, 0.5),
        at('raw', rate, 0.99),
        at('hub', rate, 0.99)
      ];
      const lost = found.get(`hub ${rate}`)!.flat().filter(Number.isNaN).length;
      return [
        String(rate),
        round(rawMiddle),
        round(hubMiddle),
        round(hubMiddle / rawMiddle),
        round(rawHigh),
        round(hubHigh),
        round(hubHigh / rawHigh),
        String(lost)
      ];
    })
  );
  for (const subject of Object.values(subjects)) await subject.close();
}

/** Milliseconds of each change; what a later one of the same row overtook counts with the arrival of that later one. */
async function measure({ world, url, onArrival }: Subject, rate: number): Promise<number[]> {
  const writer = await openWriter(url);
  const { rows } = await writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, progress_processed) values ($1, $2, 'policy.sync', 'running', 0) returning id`,
    [world.a, world.a1]
  );
  const id = rows[0].id as number;
  const sent = new Map<number, number>();
  const times: number[] = [];
  onArrival((value) => {
    const now = performance.now();
    for (const [key, at] of sent)
      if (key <= value) {
        times.push(now - at);
        sent.delete(key);
      }
  });
  const total = Math.max(4, rate * SECONDS);
  const start = performance.now();
  const base = ++counter * 1_000_000;
  for (let i = 1; i <= total; i++) {
    const due = start + (i * 1_000) / rate;
    while (performance.now() < due)
      await new Promise((done) => (due - performance.now() > 2 ? setTimeout(done, 1) : setImmediate(done)));
    sent.set(base + i, performance.now());
    await writer.query({
      name: 'p',
      text: 'update operation_runs set progress_processed = $2 where id = $1',
      values: [id, base + i]
    });
  }
  const patience = performance.now() + 3_000;
  while (sent.size > 0 && performance.now() < patience) await new Promise((done) => setTimeout(done, 5));
  await writer.end();
  return [...times, ...[...sent].map(() => NaN)];
}
let counter = 0;

async function makeDatabase(postgres: TestPostgres, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = postgres.urlOf(name);
  await migrate(url);
  return url;
}

async function startServer(kind: 'hub' | 'raw', url: string): Promise<{ port: number; stop: () => void }> {
  const child = fork(new URL('./delivery-server.ts', import.meta.url), [kind, url], { execArgv: ['--import', 'tsx'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number));
    child.once('exit', (code) => reject(new Error(`The ${kind} server ended with ${code}.`)));
  });
  return { port, stop: () => child.disconnect() };
}

async function openRaw(postgres: TestPostgres): Promise<Subject> {
  const url = await makeDatabase(postgres, 'bench_raw');
  const world = await makeWorld(url);
  const owner = new pg.Client({ connectionString: url });
  await owner.connect();
  await owner.query(`alter table operation_runs disable trigger user;
    create function notify_row() returns trigger language plpgsql as $$ begin
      perform pg_notify('rows', to_jsonb(new)::text); return null; end $$;
    create trigger zz after insert or update on operation_runs for each row execute function notify_row()`);
  await owner.end();
  const { port, stop } = await startServer('raw', url);
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await new Promise((open) => socket.once('open', open));
  let callback: (value: number) => void = () => {};
  socket.on('message', (data) => callback(JSON.parse(String(data)).progress_processed as number));
  return {
    world,
    url,
    onArrival: (next) => (callback = next),
    close: async () => {
      socket.close();
      stop();
      await world.close();
    }
  };
}

async function openHubSubject(postgres: TestPostgres): Promise<Subject> {
  const url = await makeDatabase(postgres, 'bench_hub');
  const world = await makeWorld(url);
  const { port, stop } = await startServer('hub', url);
  const reader = openReader(url);
  const client = new TestClient(port, world.everyone.cookie);
  await client.connected();
  const scope = { workspaceId: world.a, environmentId: null };
  await client.follow(scope, (await reader.read(world.everyone, scope))!);
  let callback: (value: number) => void = () => {};
  client.socket.on('rows:changed', ({ rows }) => {
    for (const row of rows) callback(row.progress.processed ?? 0);
  });
  return {
    world,
    url,
    onArrival: (next) => (callback = next),
    close: async () => {
      client.close();
      stop();
      await Promise.all([reader.close(), world.close()]);
    }
  };
}
