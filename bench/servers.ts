/** Databases and servers of the bench: the production build in a process of its own, and what it is compared with. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { freePort, type TestPostgres } from '../tests/harness/postgres.ts';

/** The build that is measured; `npm run bench` makes it unless another place is named, as for browser tests. */
export const BUILD = process.env['WATCHFLOOR_E2E_BUILD'] || new URL('../build', import.meta.url).pathname;
const START_PATIENCE_MS = 60_000;
const METRICS_TOKEN = 'only-for-the-bench';

export interface Usage {
  cpuMs: number;
  rss: number;
}

export interface BenchServer {
  port: number;
  /** after two collections */
  memory(): Promise<NodeJS.MemoryUsage>;
  /** of the process up to now: its time on the processor in ms, and its resident memory as it is */
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

export interface ProductionServer extends BenchServer {
  /** one of /metrics, by its name; 0 before it was ever counted */
  metric(name: string): Promise<number>;
}

/** A migrated database of its own. */
export async function makeDatabase(postgres: TestPostgres, name: string): Promise<string> {
  await asSuperuser(postgres, `create database ${name}`);
  const url = postgres.urlOf(name);
  await migrate(url);
  return url;
}

export async function dropDatabase(postgres: TestPostgres, name: string): Promise<void> {
  await asSuperuser(postgres, `drop database ${name} with (force)`);
}

async function asSuperuser(postgres: TestPostgres, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** The production build on this database, ready to answer. */
export async function startProduction(databaseUrl: string, samePort?: number): Promise<ProductionServer> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-bench-'));
  const port = samePort ?? (await freePort());
  const child = fork(new URL('./server.mjs', import.meta.url), [pathToFileURL(`${BUILD}/`).href], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    cwd: directory,
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      TZ: 'UTC',
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
      HOST: '127.0.0.1',
      PORT: String(port),
      WATCHFLOOR_DATA_DIR: directory,
      WATCHFLOOR_DEMO: '0',
      METRICS_TOKEN,
      DATABASE_URL: databaseUrl
    }
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-10_000)));
  const server = serverOf(child, port, () => rm(directory, { recursive: true, force: true }));
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    const page = answer?.ok ? await fetch(`http://127.0.0.1:${port}/login`).catch(() => null) : null;
    if (page?.ok) return { ...server, metric: (name) => readMetric(port, name) };
    if (child.exitCode !== null) throw new Error(`The server ended instead of starting. It said:\n${said}`);
    if (performance.now() > deadline) {
      await server.stop();
      throw new Error(`The server was not ready in time. It said:\n${said}`);
    }
    await delay(50);
  }
}

async function readMetric(port: number, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers });
  if (!answer.ok) throw new Error(`/metrics was answered ${answer.status}.`);
  const line = (await answer.text()).split('\n').find((text) => text.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? 0);
}

/** The raw yardstick (raw-server.ts). */
export const startRaw = (databaseUrl: string): Promise<BenchServer> =>
  startOwn(new URL('./raw-server.ts', import.meta.url), [databaseUrl]);

/**
 * A server of the bench's own in a process of its own, which tells its port once it listens. `node`: run by another Node
 * than this one.
 */
export async function startOwn(
  file: URL,
  args: string[],
  { env, node = process.execPath }: { env?: Record<string, string>; node?: string } = {}
): Promise<BenchServer> {
  const child = fork(file, args, {
    execPath: node,
    // What is plain JavaScript is not charged with the memory of a compiler.
    execArgv: [...(file.pathname.endsWith('.ts') ? ['--import', 'tsx'] : []), '--expose-gc'],
    env: { ...process.env, ...env }
  });
  return serverOf(child, (await answerOf(child)) as number);
}

function serverOf(child: ChildProcess, port: number, removed: () => Promise<void> = async () => {}): BenchServer {
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    port,
    async memory() {
      child.send('memory');
      return (await answerOf(child)) as NodeJS.MemoryUsage;
    },
    async usage() {
      child.send('usage');
      const { user, system, rss } = (await answerOf(child)) as NodeJS.CpuUsage & { rss: number };
      return { cpuMs: (user + system) / 1_000, rss };
    },
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
      await removed();
    }
  };
}

/** The next message of a child; fails when it ends instead. */
export async function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`A process of the bench ended with ${code}.`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message);
    });
  });
}
