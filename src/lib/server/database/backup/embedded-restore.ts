/**
 * Restores a backup as the embedded data: a new cluster beside the present one, loaded and compared, and only then put in
 * its place. Invariants: the present data are never written to, and stay beside the new ones until somebody removes them;
 * whatever breaks it off before the last step leaves them as they were.
 */
import { access, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../log.ts';
import { StartupError } from '../../startup-error.ts';
import { adoptConnection, readConnection } from '../embedded-cluster.ts';
import { findRunAs, makeDataDirectory } from '../embedded-place.ts';
import { settleSwap, swapCluster } from '../embedded-swap.ts';
import { openEmbedded, refuseWhileRunning } from '../embedded.ts';
import { loadBackup, type LoadOptions } from './load.ts';
import type { BackupHeader, BackupTotals } from './file.ts';

export interface EmbeddedRestoreOptions extends LoadOptions {
  /** data that are there may be put aside */
  replace: boolean;
  /** what the folder of the former data is called after: `restore`, `upgrade` */
  reason: 'restore' | 'upgrade';
  /** Ctrl-C */
  signal: AbortSignal;
  log: Log;
}

/** Returns where the former data are now; null when there were none. */
export async function restoreEmbedded(
  directory: string,
  file: string,
  backup: { header: BackupHeader; totals: BackupTotals },
  { replace, reason, signal, log, ...options }: EmbeddedRestoreOptions
): Promise<{ aside: string | null }> {
  await makeDataDirectory(directory, await findRunAs());
  await settleSwap(directory);
  const isThere = await exists(join(directory, 'cluster'));
  if (isThere && !replace)
    throw new StartupError(
      `There are data in ${directory} already. Add --replace to put the backup in their place; ` +
        'they are kept beside it until you remove them. Nothing was changed.'
    );
  await refuseWhileRunning(directory);
  const work = join(directory, 'restore.new');
  await clear(work);
  try {
    const database = await openEmbedded(work, log, { binaries: directory });
    const stop = (): void => void database.close();
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      await loadBackup(database.url, file, backup, options);
    } finally {
      signal.removeEventListener('abort', stop);
      await database.close();
    }
    // Somebody may have started on the present data meanwhile: what is written now would be lost to them.
    await refuseWhileRunning(directory);
    const former = await readConnection(directory).catch(() => null);
    if (former !== null) await adoptConnection(work, former);
    const now = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    // The note says that a database is the demo's, and lets a writer of demo data loose on it.
    if (!backup.header.isDemo && (await exists(join(directory, 'demo.json'))))
      await rename(join(directory, 'demo.json'), join(directory, `demo.json.before-${reason}-${now}`));
    const aside = `cluster.before-${reason}-${now}`;
    signal.throwIfAborted();
    await swapCluster(directory, { fresh: join('restore.new', 'cluster'), aside });
    return { aside: isThere ? join(directory, aside) : null };
  } catch (cause) {
    if (signal.aborted) throw new StartupError('Stopped. Nothing was changed.', { cause });
    throw cause;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What a restore left that was killed; refuses when one is under way. */
async function clear(work: string): Promise<void> {
  if (!(await exists(work))) return;
  await refuseWhileRunning(work);
  await rm(work, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
