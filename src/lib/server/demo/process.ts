/**
 * The process that keeps the demo's operations changing (writer.ts), as its parent sees it: started beside the
 * server, started again when it dies, ended in order. It writes by plain SQL like any other reporting system, and ends
 * by itself when its parent is gone (the IPC channel closes). Nothing depends on it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { Log } from '../log.ts';

export interface DemoWriter {
  /** Resolves when the process is gone. */
  close(): Promise<void>;
}

const RESTART_MS = 5_000;
/** It only writes small rows: a second is plenty to finish one. */
const END_PATIENCE_MS = 2_000;

/** `entry` is the file to run; `execArgv` what Node needs to run it (a TypeScript loader in development). */
export function startDemoWriter(options: {
  entry: string;
  execArgv?: string[];
  databaseUrl: string;
  log: Log;
}): DemoWriter {
  const { entry, databaseUrl, log } = options;
  let child: ChildProcess | null = null;
  let restart: NodeJS.Timeout | null = null;
  let closing = false;

  const start = (): void => {
    const started = fork(entry, [], {
      // A process group of its own: Ctrl-C in the terminal must reach the server only, which ends things in order.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: options.execArgv ?? [],
      env: { ...process.env, DATABASE_URL: databaseUrl }
    });
    child = started;
    started.once('error', () => undefined);
    started.once('exit', (code, signal) => {
      child = null;
      if (closing) return;
      log.warn({ event: 'demo:ended', code, signal }, 'The demo writer ended; starting it again');
      restart = setTimeout(start, RESTART_MS);
    });
  };
  start();

  return {
    async close() {
      closing = true;
      if (restart) clearTimeout(restart);
      const running = child;
      if (running === null) return;
      const gone = new Promise((resolve) => running.once('exit', resolve));
      if (running.connected) running.disconnect();
      running.kill('SIGTERM');
      const impatience = setTimeout(() => running.kill('SIGKILL'), END_PATIENCE_MS);
      await gone;
      clearTimeout(impatience);
    }
  };
}
