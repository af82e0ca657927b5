/**
 * One Postgres cluster on disk and one postmaster process over it: initdb, start, wait until ready, stop. Used by the
 * embedded server (embedded.ts, which owns recovery and supervision) and by the tests. It keeps no state but the child.
 * Invariant: the postmaster is a session of its own, so that neither Ctrl-C in the terminal nor a closing terminal
 * reaches it before its owner has closed what depends on it.
 */
import { spawn, execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** The system user that Postgres runs as; `null` is the present user. Postgres refuses to run as root. */
export type RunAs = { uid: number; gid: number } | null;

/** Postgres said no. `log` is the end of what it wrote. */
export class PostgresProcessError extends Error {
  override readonly name = 'PostgresProcessError';
  readonly log: string;
  constructor(message: string, log: string) {
    super(message);
    this.log = log;
  }
}

export interface Cluster {
  binDirectory: string;
  /** must exist, empty before initdb, owned by `runAs` and closed to everybody else */
  dataDirectory: string;
  runAs: RunAs;
}

/** Environment of our Postgres processes: nothing of the caller's PG* variables, locale or time zone may leak in. */
function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** The major version of the binaries, such as 18. */
export async function postgresMajor(cluster: Pick<Cluster, 'binDirectory' | 'runAs'>): Promise<number> {
  const { stdout } = await promisify(execFile)(join(cluster.binDirectory, 'postgres'), ['--version'], {
    ...cluster.runAs,
    env: postgresEnvironment(),
    cwd: '/'
  });
  return Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1]);
}

/**
 * Creates a UTF-8 cluster with one superuser whose password is in `passwordFile` (readable by `runAs`). From version 17
 * on Postgres's own C.UTF-8 collation is used, so that an upgrade of the system's C library cannot corrupt indexes.
 */
export async function initializeCluster(
  cluster: Cluster,
  options: { superuser: string; passwordFile: string; authentication: string; major: number; sync: boolean }
): Promise<void> {
  const locale =
    options.major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : [`--locale=${process.platform === 'linux' ? 'C.UTF-8' : 'C'}`];
  const args = [
    `--pgdata=${cluster.dataDirectory}`,
    `--username=${options.superuser}`,
    `--pwfile=${options.passwordFile}`,
    `--auth=${options.authentication}`,
    '--encoding=UTF8',
    ...locale,
    ...(options.sync ? [] : ['--no-sync'])
  ];
  try {
    await promisify(execFile)(join(cluster.binDirectory, 'initdb'), args, {
      ...cluster.runAs,
      env: postgresEnvironment(),
      cwd: '/'
    });
  } catch (error) {
    const said = error as Error & { stderr?: string };
    throw new PostgresProcessError('Postgres could not create its data directory.', said.stderr || said.message);
  }
}

export interface Postmaster {
  pid: number;
  process: ChildProcess;
  /** resolves when the process has ended, however that came about */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /**
   * `fast` ends the clients' sessions and writes a checkpoint; `immediate` leaves recovery to the next start. Turns to
   * immediate by itself after `patienceMs`. Resolves when the process is gone; harmless when it is gone already.
   */
  stop(mode: 'fast' | 'immediate', patienceMs?: number): Promise<void>;
}

/**
 * Starts a postmaster on 127.0.0.1:`port` and resolves once it accepts connections; what it prints before its own log
 * begins goes to `logFile`. Throws a PostgresProcessError when it ends instead or is not ready after `patienceMs`.
 */
export async function startPostmaster(
  cluster: Cluster,
  options: { port: number; settings: Record<string, string>; logFile: string; patienceMs?: number }
): Promise<Postmaster> {
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...options.settings };
  const args = ['-D', cluster.dataDirectory, '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const log = await open(options.logFile, 'w', 0o600);
  const child = spawn(join(cluster.binDirectory, 'postgres'), args, {
    ...cluster.runAs,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: postgresEnvironment(),
    cwd: '/'
  });
  let failure: Error | null = null;
  let running = true;
  const ended: Postmaster['ended'] = new Promise((resolve) => {
    child.once('error', (error) => {
      failure = error;
      running = false;
      resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => {
      running = false;
      resolve({ code, signal });
    });
  });
  await log.close();
  const stop: Postmaster['stop'] = async (mode, patienceMs = 30_000) => {
    if (!running) return;
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    const impatience = setTimeout(() => running && child.kill('SIGQUIT'), patienceMs);
    await ended;
    clearTimeout(impatience);
  };

  const deadline = performance.now() + (options.patienceMs ?? 60_000);
  while (running) {
    const status = await readPostmasterFile(cluster.dataDirectory);
    if (status !== null && status.ready && status.pid === child.pid) {
      return { pid: status.pid, process: child, ended, stop };
    }
    if (performance.now() > deadline) {
      await stop('immediate');
      throw new PostgresProcessError('Postgres did not become ready in time.', await readEnd(options.logFile));
    }
    // Its own file is the only signal that does not depend on parsing a log or on a password.
    await delay(20);
  }
  const spawnFailure = failure as Error | null;
  throw new PostgresProcessError(
    spawnFailure ? `Postgres could not be run: ${spawnFailure.message}.` : 'Postgres ended while starting.',
    await readEnd(options.logFile)
  );
}

/** What postmaster.pid says, or null when there is none: line 1 the process id, 4 the port, 8 the state. */
export async function readPostmasterFile(
  dataDirectory: string
): Promise<{ pid: number; port: number; ready: boolean } | null> {
  const text = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n');
  return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

async function readEnd(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().slice(-2_000);
}
