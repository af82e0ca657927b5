/**
 * Where the embedded Postgres keeps its data and as whom it runs. An ordinary user: in the project, as that user. Root:
 * Postgres refuses to run as root, and a clone below root's home (mode 0700) cannot be reached by anybody else, so data
 * and binaries live below /var/lib and the server runs as `postgres` or `nobody`. It creates directories, nothing more.
 * Invariant: what is secret is readable by its owner only; what others must pass through is writable by its owner only.
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from '../startup-error.ts';
import type { RunAs } from './embedded-process.ts';

/** The system users that may run Postgres for root, in order of preference. */
const SYSTEM_USERS = ['postgres', 'nobody'];

/** As whom to run Postgres: the present user, or for root one of the system users. Throws a StartupError without any. */
export async function findRunAs(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return null;
  const users = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  for (const name of SYSTEM_USERS) {
    const [, , uid, gid] = users.find((fields) => fields[0] === name) ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new StartupError(
    'Postgres does not run as root, and this system has neither a user "postgres" nor "nobody" to run it as. ' +
      'Start Watchfloor as an ordinary user, or set DATABASE_URL to a Postgres of your own.'
  );
}

/**
 * The directory of everything embedded: `configured` (WATCHFLOOR_DATA_DIR), or .watchfloor in the project, or for root a
 * directory of /var/lib named by a hash of the project's path, so that two clones do not share data.
 */
export function chooseDataDirectory(projectDirectory: string, configured: string | null): string {
  if (configured !== null) return configured;
  if (process.getuid?.() !== 0) return join(projectDirectory, '.watchfloor');
  const hash = createHash('sha256').update(projectDirectory).digest('hex').slice(0, 12);
  return join('/var/lib/watchfloor', hash);
}

/** Creates the directory: for root passable by the user Postgres runs as, else closed to everybody but its owner. */
export async function makeDataDirectory(directory: string, runAs: RunAs): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: runAs ? 0o755 : 0o700 });
    const { uid } = await stat(directory);
    if (process.getuid && uid !== process.getuid()) {
      throw new StartupError(
        `The data directory ${directory} belongs to another user. ` +
          'Start Watchfloor as that user, or set WATCHFLOOR_DATA_DIR to a directory of your own.'
      );
    }
    await chmod(directory, runAs ? 0o711 : 0o700);
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    throw new StartupError(
      `The data directory ${directory} cannot be created (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}). ` +
        'Set WATCHFLOOR_DATA_DIR to a directory that you may write.',
      { cause }
    );
  }
}
