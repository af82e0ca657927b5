/**
 * A running Watchfloor for browser tests: the built server as a process of its own, on a free port, with its own embedded
 * Postgres in a temporary directory (or on a given DATABASE_URL). It builds nothing. A small shell process ends the server
 * when the test process dies in whatever way, so that a killed run leaves nothing behind.
 * Invariant: `baseURL` stays the same over kill and start, so an open page can find its server again.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findRunningEmbedded } from '../../src/lib/server/database/embedded.ts';
import { freePort } from '../../tests/harness/postgres.ts';

/** The demo people's password in every instance. */
export const DEMO_PASSWORD = 'the demo of the browser tests';

export const PROJECT = new URL('../..', import.meta.url).pathname;
/** The build under test; another place than `build` lets tests run while somebody builds there. */
export const BUILD = process.env['WATCHFLOOR_E2E_BUILD'] || join(PROJECT, 'build');
/** Fresh embedded data: binaries, initdb, migrations and 50,000 demo operations, on a busy machine. */
const START_PATIENCE_MS = 90_000;

export interface Instance {
  baseURL: string;
  directory: string;
  /** the superuser's address of its database; with embedded Postgres it may change with a start */
  databaseUrl(): Promise<string>;
  /** of the server process; changes with every start */
  pid(): number;
  /** Ends the server process in no order at all; its embedded Postgres lives on. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, and waits until it is ready; `build` = another release. */
  start(build?: string): Promise<void>;
  /** Stops in order and removes the data. */
  remove(): Promise<void>;
  /** everything that the server has printed */
  output(): string;
}

export interface InstanceOptions {
  demo?: boolean;
  /** `npm run dev` instead of the build */
  development?: boolean;
  /** null = embedded */
  databaseUrl?: string | null;
  /** more of the server's environment */
  environment?: Record<string, string>;
}

export async function startInstance({
  demo = false,
  development = false,
  databaseUrl = null,
  environment = {}
}: InstanceOptions = {}): Promise<Instance> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-e2e-'));
  const port = await freePort();
  const baseURL = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  let unwatch = (): void => undefined;
  let ended: Promise<void> = Promise.resolve();
  let output = '';

  const instance: Instance = {
    baseURL,
    directory,
    async databaseUrl() {
      const url = databaseUrl ?? (await findRunningEmbedded(directory));
      if (url === null) throw new Error('The embedded Postgres of this instance does not run.');
      return url;
    },
    pid: () => child!.pid!,
    output: () => output,
    async start(build = BUILD) {
      const entry = development ? join(PROJECT, 'scripts', 'dev.mjs') : join(build, 'watchfloor', 'server.js');
      const started = spawn(process.execPath, [entry], {
        cwd: development ? PROJECT : directory,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          HOME: directory,
          TZ: 'UTC',
          ...(!development && { NODE_ENV: 'production' }),
          HOST: '127.0.0.1',
          PORT: String(port),
          WATCHFLOOR_DATA_DIR: directory,
          WATCHFLOOR_DEMO: demo ? '1' : '0',
          WATCHFLOOR_DRAIN_SECONDS: '0',
          WATCHFLOOR_DEMO_PASSWORD: DEMO_PASSWORD,
          ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }),
          ...environment
        }
      });
      child = started;
      unwatch = endWithUs(started.pid!);
      ended = new Promise((resolve) => started.once('exit', () => resolve()));
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-100_000)));
      }
      await untilReady(baseURL, started, () => output);
    },
    async kill() {
      child?.kill('SIGKILL');
      await ended;
      unwatch();
    },
    async remove() {
      child?.kill('SIGTERM');
      await ended;
      unwatch();
      await endLeftPostgres(directory);
      await rm(directory, { recursive: true, force: true });
    }
  };
  try {
    await instance.start();
  } catch (error) {
    await instance.remove();
    throw error;
  }
  return instance;
}

/** Ready is said by the process's own banner (the demo is seeded, pages are served) and by /readyz (the feed is sound). */
async function untilReady(baseURL: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`The server ended instead of starting. It said:\n${output()}`);
    const answer = await fetch(`${baseURL}/readyz`).catch(() => null);
    const page = answer?.ok ? await fetch(`${baseURL}/login`).catch(() => null) : null;
    if (page?.ok) return;
    if (performance.now() > deadline) throw new Error(`The server was not ready in time. It said:\n${output()}`);
    await delay(100);
  }
}

/** A server that was killed leaves its Postgres running, and nobody will start on that data again. */
async function endLeftPostgres(directory: string): Promise<void> {
  const pidFile = join(directory, 'cluster', 'data', 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  try {
    process.kill(pid, 'SIGINT');
    for (const deadline = performance.now() + 20_000; performance.now() < deadline; await delay(50))
      process.kill(pid, 0);
  } catch {
    // gone
  }
}

/** A shell that waits for our end of a pipe to close, which the kernel does even after SIGKILL, and then ends `pid`. */
function endWithUs(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', 'read done || kill -TERM "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  watcher.stdin.on('error', () => undefined);
  return () => watcher.stdin.end('done\n');
}
