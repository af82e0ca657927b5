/**
 * A program that the cluster runs beside itself: in a process group of its own, so that Ctrl-C reaches the cluster alone,
 * which ends things in order; and ended with the cluster, whatever ends that, by a small shell that waits for it.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Child {
  readonly pid: number;
  /** resolves with the exit code; null where a signal ended it */
  readonly ended: Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
}

/** Every line that it says is told. Throws nothing: what cannot be run has ended. */
export function startChild(
  program: string,
  args: string[],
  parts: { environment: NodeJS.ProcessEnv; tell: (line: string) => void }
): Child {
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: parts.environment
  });
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') parts.tell(line);
  });
  const stopWatching = child.pid === undefined ? () => {} : endWithUs(child.pid);
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      parts.tell(error.message);
      resolve(1);
    });
    child.once('exit', resolve);
  });
  void ended.then(stopWatching);
  return {
    pid: child.pid ?? 0,
    ended,
    signal: (signal) => void child.kill(signal)
  };
}

/** Debian keeps servers where an ordinary user's PATH does not lead. */
export function findProgram(
  name: string,
  folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
): string | null {
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not there.
    }
  }
  return null;
}

/** The kernel closes our end of the pipe even after SIGKILL. */
function endWithUs(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', 'read done || kill -TERM "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true
  });
  watcher.on('error', () => {});
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  watcher.stdin.on('error', () => {});
  return () => watcher.stdin.end('done\n');
}
