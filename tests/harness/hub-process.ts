/**
 * Hubs as real processes, each behind a network of its own (fault-proxy.ts): killed, frozen, restarted, asked how they
 * are. A small shell ends a hub, also a frozen one, when the test process dies in whatever way.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LiveFigures } from '../../src/lib/server/live/figures.ts';
import { openFaultProxy, type FaultProxy } from './fault-proxy.ts';

export type HubFigures = LiveFigures & { rssBytes: number };
/** What a hub's process says. */
export type HubReport = { port: number } | { figures: HubFigures };

export interface HubProcess {
  /** its way to Postgres */
  network: FaultProxy;
  /** null while there is none */
  readonly port: number | null;
  readonly pid: number | null;
  /** ms since this process was started */
  readonly ageMs: number;
  /** Starts it again, sound. */
  start(): Promise<void>;
  /** `SIGKILL`: gone at once; `SIGTERM`: in order */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** it ended although nobody had asked for it */
  readonly defects: readonly string[];
  /** null where it does not answer */
  figures(): Promise<HubFigures | null>;
  close(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('./oracle-hub.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_PATIENCE_MS = 60_000;

/** `url` is the database's own; the hub goes there through its network. */
export async function openHubProcess(url: string, fault: string | null = null): Promise<HubProcess> {
  const direct = new URL(url);
  const network = await openFaultProxy(Number(direct.port));
  const through = new URL(url);
  through.port = String(network.port);
  let child: ChildProcess | null = null;
  let unwatch = (): void => {};
  let port: number | null = null;
  let startedAt = performance.now();
  const defects: string[] = [];
  let asking: ((figures: HubFigures) => void)[] = [];

  const hub: HubProcess = {
    network,
    defects,
    get port() {
      return port;
    },
    get pid() {
      return child?.pid ?? null;
    },
    get ageMs() {
      return performance.now() - startedAt;
    },
    async start() {
      if (child) return;
      startedAt = performance.now();
      const started = spawn(process.execPath, ['--import', 'tsx', ENTRY], {
        cwd: ROOT,
        env: {
          PATH: process.env['PATH'],
          TZ: 'UTC',
          NODE_ENV: 'production',
          ORACLE_DATABASE_URL: through.href,
          ...(fault !== null && { ORACLE_FAULT: fault })
        },
        stdio: ['ignore', 'ignore', 'pipe', 'ipc']
      });
      child = started;
      unwatch = killWithUs(started.pid!);
      let said = '';
      started.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)));
      started.on('message', (report: HubReport) => {
        if ('port' in report) port = report.port;
        else for (const answer of asking.splice(0)) answer(report.figures);
      });
      const ended = new Promise<never>((_, reject) => {
        started.once('exit', (code, signal) => reject(new Error(`A hub ended by itself (${code ?? signal}): ${said}`)));
      });
      ended.catch((error: Error) => {
        if (child !== started) return;
        [child, port] = [null, null];
        defects.push(error.message);
      });
      const sound = new Promise<void>((resolve, reject) => {
        const until = performance.now() + START_PATIENCE_MS;
        const look = (): void => {
          if (port !== null) resolve();
          else if (performance.now() > until)
            reject(new Error(`A hub was not sound in ${START_PATIENCE_MS} ms: ${said}`));
          else setTimeout(look, 20);
        };
        look();
      });
      await Promise.race([sound, ended]);
    },
    async end(signal) {
      const ending = child;
      if (!ending) return;
      [child, port, asking] = [null, null, []];
      const gone = new Promise((done) => ending.once('exit', done));
      ending.kill('SIGCONT');
      ending.kill(signal);
      const impatience = setTimeout(() => ending.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(impatience);
      unwatch();
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    figures() {
      if (!child?.connected) return Promise.resolve(null);
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(null), 5_000);
        asking.push((figures) => {
          clearTimeout(timer);
          resolve(figures);
        });
        child?.send('figures', () => {});
      });
    },
    async close() {
      await hub.end('SIGKILL');
      await network.close();
    }
  };
  await hub.start();
  return hub;
}

/** A shell that waits for our end of a pipe to close, which the kernel does even after SIGKILL, and then ends `pid`. */
function killWithUs(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', 'read done || kill -KILL "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  watcher.stdin.on('error', () => undefined);
  return () => watcher.stdin.end('done\n');
}
