/**
 * A Postgres server for tests: fast to make (no fsync), private to the run, in a temporary directory on a free port of
 * 127.0.0.1. `WATCHFLOOR_TEST_POSTGRES_BIN` (a bin directory) chooses other binaries than the embedded ones. A small
 * shell process ends the server when the test process dies in whatever way, so that a killed run leaves nothing behind.
 */
import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPackagedPostgres, placeBinaries } from '../../src/lib/server/database/embedded-binaries.ts';
import {
  initializeCluster,
  postgresMajor,
  startPostmaster,
  type Cluster,
  type Postmaster
} from '../../src/lib/server/database/embedded-process.ts';
import { findRunAs } from '../../src/lib/server/database/embedded-place.ts';

export interface TestPostgres {
  /** of the superuser `postgres` in the database `postgres`; stays the same over stop and start */
  url: string;
  port: number;
  /** of the running postmaster; changes with every start */
  pid: number;
  major: number;
  dataDir: string;
  /** `fast` ends sessions in order; `immediate` is a crash: the next start recovers and empties unlogged tables */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** the server's address in another database */
  urlOf(database: string): string;
  /** Stops the server and removes its directory. */
  remove(): Promise<void>;
}

/** A free port of 127.0.0.1 at the time of asking. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Makes and starts a server of its own for a test that stops, kills or reconfigures it. About a second. */
export async function startPostgres(
  options: { port?: number; settings?: Record<string, string> } = {}
): Promise<TestPostgres> {
  const home = await mkdtemp(join(tmpdir(), 'watchfloor-test-postgres-'));
  await chmod(home, 0o755);
  const runAs = await findRunAs();
  const binDirectory =
    process.env['WATCHFLOOR_TEST_POSTGRES_BIN'] || (await placeBinaries(await findPackagedPostgres(), home));
  const dataDir = join(home, 'data');
  const passwordFile = join(home, 'password');
  await mkdir(dataDir, { mode: 0o700 });
  await writeFile(passwordFile, 'test\n', { mode: 0o600 });
  if (runAs) {
    await chown(dataDir, runAs.uid, runAs.gid);
    await chown(passwordFile, runAs.uid, runAs.gid);
  }
  const cluster: Cluster = { binDirectory, dataDirectory: dataDir, runAs };
  const major = await postgresMajor(cluster);
  await initializeCluster(cluster, {
    superuser: 'postgres',
    passwordFile,
    authentication: 'password',
    major,
    sync: false
  });
  const port = options.port ?? (await freePort());
  const settings = {
    fsync: 'off',
    timezone: 'UTC',
    max_connections: '200',
    max_prepared_transactions: '20',
    log_checkpoints: 'off',
    // Clones and drops of databases force checkpoints; spread ones would make every test file wait for seconds.
    checkpoint_timeout: '1h',
    max_wal_size: '4GB',
    ...options.settings
  };
  let postmaster: Postmaster;
  let unwatch: () => void;

  const server: TestPostgres = {
    url: `postgres://postgres:test@127.0.0.1:${port}/postgres`,
    port,
    pid: 0,
    major,
    dataDir,
    async start() {
      postmaster = await startPostmaster(cluster, { port, settings, logFile: join(home, 'log') });
      unwatch = endWithUs(postmaster.pid);
      server.pid = postmaster.pid;
    },
    async stop(mode) {
      await postmaster.stop(mode);
      unwatch();
    },
    urlOf: (database) => `postgres://postgres:test@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    async remove() {
      await server.stop('immediate');
      await rm(home, { recursive: true, force: true });
    }
  };
  await server.start();
  return server;
}

/** A shell that waits for our end of a pipe to close, which the kernel does even after SIGKILL, and then ends `pid`. */
function endWithUs(pid: number): () => void {
  const watcher = spawn('/bin/sh', ['-c', 'read done || kill -QUIT "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  watcher.stdin.on('error', () => undefined);
  return () => watcher.stdin.end('done\n');
}
