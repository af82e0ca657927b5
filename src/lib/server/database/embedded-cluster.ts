/**
 * The embedded cluster on disk: made once, with generated passwords, and found again at every start. It starts nothing.
 * Files below the data directory: `postgres-<version>/` (binaries), `cluster/data` (Postgres's own), `cluster/connection.json`
 * (passwords and port, 0600), `pgpass` (for psql, 0600).
 * Invariant: `cluster/` is complete or absent, because it is made under another name and renamed.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { StartupError } from '../startup-error.ts';
import { findPackagedPostgres, placeBinaries } from './embedded-binaries.ts';
import { findRunAs, makeDataDirectory } from './embedded-place.ts';
import { initializeCluster, postgresMajor, PostgresProcessError, type Cluster } from './embedded-process.ts';
import { settleSwap } from './embedded-swap.ts';

/** The one database of the embedded server, and its superuser. */
export const EMBEDDED_DATABASE = 'watchfloor';
const SUPERUSER = 'watchfloor';

const connectionSchema = z.object({
  port: z.number().int().min(1).max(65_535),
  superuserPassword: z.string().min(1),
  writerPassword: z.string().min(1)
});
export type EmbeddedConnection = z.infer<typeof connectionSchema>;

export interface EmbeddedCluster extends Cluster {
  /** the directory of everything embedded */
  directory: string;
  connection: EmbeddedConnection;
}

/**
 * Finds the cluster below `directory`, or makes it: binaries (below `binaries`), initdb, passwords. About 2 s the first
 * time.
 */
export async function prepareCluster(
  directory: string,
  { binaries = directory }: { binaries?: string } = {}
): Promise<EmbeddedCluster> {
  const runAs = await findRunAs();
  await makeDataDirectory(directory, runAs);
  await settleSwap(directory);
  const binDirectory = await placeBinaries(await findPackagedPostgres(), binaries);
  const place = { binDirectory, runAs };
  const major = await postgresMajor(place).catch((cause: NodeJS.ErrnoException) => {
    throw new StartupError(
      cause.code === 'EACCES'
        ? `The data directory ${directory} cannot be reached by the system user that runs Postgres. ` +
            'Set WATCHFLOOR_DATA_DIR to a directory below one that everybody may pass through, such as /var/lib.'
        : `The embedded Postgres does not run on this system (${cause.message.trim()}). ` +
            'Set DATABASE_URL to a Postgres 15 to 18 of your own.',
      { cause }
    );
  });

  const dataDirectory = join(directory, 'cluster', 'data');
  if ((await readConnection(directory)) === null) await makeCluster(directory, place, major);
  const connection = await readConnection(directory);
  const dataMajor = await readDataMajor(directory);
  if (connection === null || dataMajor === null) {
    throw new StartupError(
      `The data directory ${directory} is damaged: files of the database are missing. Restore a backup ` +
        '(npm run watchfloor -- restore --from FILE --replace), or move it away to start with an empty one.'
    );
  }
  if (dataMajor !== major) {
    throw new StartupError(
      `The data in ${directory} was written by Postgres ${dataMajor}, and this version brings Postgres ${major}. ` +
        'Nothing was changed. Run: npm run watchfloor -- upgrade (it keeps the old data until you remove them), then start again.'
    );
  }
  return { directory, binDirectory, runAs, dataDirectory, connection };
}

/** The major version that wrote the data; null when there are none. */
export async function readDataMajor(directory: string): Promise<number | null> {
  const text = await readFile(join(directory, 'cluster', 'data', 'PG_VERSION'), 'utf8').catch(() => '');
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

/** Gives a cluster that was made anew the port and the reporting role's password of the former one: reporters keep both. */
export async function adoptConnection(directory: string, former: EmbeddedConnection): Promise<void> {
  const connection = await readConnection(directory);
  const { port, writerPassword } = former;
  await writeSecret(connectionFile(directory), JSON.stringify({ ...connection, port, writerPassword }));
}

/** What `connection.json` says; null when there is no cluster yet. Throws a StartupError when it may not be read. */
export async function readConnection(directory: string): Promise<EmbeddedConnection | null> {
  try {
    return connectionSchema.parse(JSON.parse(await readFile(connectionFile(directory), 'utf8')));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new StartupError(
      code === 'EACCES'
        ? `The database in ${directory} belongs to another user. Run this as the user who starts Watchfloor.`
        : `The file ${connectionFile(directory)} is damaged. Put it back, or restore a backup: npm run watchfloor -- restore --from FILE --replace`,
      { cause }
    );
  }
}

/** Remembers the port, so that psql lines and other tools keep working over a restart. */
export async function savePort(cluster: EmbeddedCluster, port: number): Promise<void> {
  if (cluster.connection.port === port) return;
  cluster.connection = { ...cluster.connection, port };
  const file = connectionFile(cluster.directory);
  await writeSecret(`${file}.new`, JSON.stringify(cluster.connection));
  await rename(`${file}.new`, file);
}

/** The superuser's address. */
export function embeddedUrl(connection: EmbeddedConnection, database = EMBEDDED_DATABASE): string {
  return `postgres://${SUPERUSER}:${connection.superuserPassword}@127.0.0.1:${connection.port}/${database}`;
}

/** A port of 127.0.0.1 that is free now: `wanted` if it can be had. */
export async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const probe = createServer();
    const found = await new Promise<number | null>((resolve) => {
      probe.once('error', () => resolve(null));
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as AddressInfo).port));
    });
    if (found === null) continue;
    await new Promise((resolve) => probe.close(resolve));
    return found;
  }
  throw new StartupError('No free port is left on 127.0.0.1 for the embedded Postgres.');
}

export async function writeSecret(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  // An existing file keeps its mode when it is written.
  await chmod(file, 0o600);
}

async function makeCluster(
  directory: string,
  place: Pick<Cluster, 'binDirectory' | 'runAs'>,
  major: number
): Promise<void> {
  const unfinished = await mkdtemp(join(directory, 'cluster.new-'));
  try {
    const dataDirectory = join(unfinished, 'data');
    const passwordFile = join(unfinished, 'password');
    const connection: EmbeddedConnection = {
      port: await freePort(0),
      superuserPassword: randomBytes(24).toString('hex'),
      writerPassword: randomBytes(18).toString('hex')
    };
    if (place.runAs) await chmod(unfinished, 0o711);
    await mkdir(dataDirectory, { mode: 0o700 });
    await writeSecret(passwordFile, `${connection.superuserPassword}\n`);
    if (place.runAs) {
      await chown(dataDirectory, place.runAs.uid, place.runAs.gid);
      await chown(passwordFile, place.runAs.uid, place.runAs.gid);
    }
    await initializeCluster(
      { ...place, dataDirectory },
      { superuser: SUPERUSER, passwordFile, authentication: 'scram-sha-256', major, sync: true }
    );
    await rm(passwordFile);
    await writeSecret(join(unfinished, 'connection.json'), JSON.stringify(connection));
    await rename(unfinished, join(directory, 'cluster'));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Somebody else finished the same work meanwhile: theirs is the cluster.
    if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return;
    if (!(error instanceof PostgresProcessError)) throw error;
    throw new StartupError(`${error.message} It said:\n${error.log}`, { cause: error });
  }
}

function connectionFile(directory: string): string {
  return join(directory, 'cluster', 'connection.json');
}
