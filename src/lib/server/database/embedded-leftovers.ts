/**
 * What an earlier life may have left on the data directory: a postmaster whose Watchfloor was killed, backends whose
 * postmaster was killed, a postmaster.pid whose process id now belongs to somebody else (usual in containers, where
 * process ids start over). It finds and ends them; it starts nothing.
 * Invariant: a process is ended only when it runs on this very data directory.
 */
import { execFile } from 'node:child_process';
import { readdir, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readPostmasterFile } from './embedded-process.ts';

/** The running postmaster of the directory, or null; removes a postmaster.pid that belongs to none. */
export async function findPostmaster(dataDirectory: string): Promise<{ pid: number; port: number } | null> {
  const file = await readPostmasterFile(dataDirectory);
  if (file === null) return null;
  if (await runsOn(file.pid, dataDirectory)) return file;
  // Postgres itself would refuse to start when any process of ours has that id.
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
  return null;
}

/** Ends a postmaster in order and waits until it is gone; turns to an immediate stop after 20 s. */
export async function endPostmaster(pid: number, dataDirectory: string): Promise<void> {
  signal(pid, 'SIGINT');
  const impatient = performance.now() + 20_000;
  let asked = false;
  while (await runsOn(pid, dataDirectory)) {
    if (!asked && performance.now() > impatient) {
      asked = true;
      signal(pid, 'SIGQUIT');
    }
    await delay(50);
  }
}

/**
 * Ends backends that outlived their postmaster: they hold the shared memory, and a new postmaster refuses to start
 * beside them. Most notice within milliseconds; one inside a long statement does not. Linux only; elsewhere the caller's
 * retries wait for them.
 */
export async function endStrayBackends(dataDirectory: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (Number.isInteger(pid) && pid > 1 && (await runsOn(pid, dataDirectory))) signal(pid, 'SIGQUIT');
  }
}

/** Is `pid` a process of a Postgres on this directory? Every one of them has it as its working directory. */
async function runsOn(pid: number, dataDirectory: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
  if (process.platform === 'linux') {
    const [cwd, data] = await Promise.all([
      readlink(`/proc/${pid}/cwd`).catch(() => null),
      realpath(dataDirectory).catch(() => dataDirectory)
    ]);
    return cwd === data;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: ''
  }));
  return stdout.includes(dataDirectory);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
