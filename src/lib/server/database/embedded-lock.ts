/**
 * One Watchfloor per embedded data directory: a session-level advisory lock on a connection that stays open as long as
 * the process. It dies with its holder, whatever kills it, so that there is no stale lock file to explain.
 */
import pg from 'pg';

/** Two numbers of our own; advisory locks are per database, and this one is taken in `postgres`. */
const INSTANCE_LOCK = [0x57a7c4, 1] as const;

/** Another process holds the lock. */
export interface LockHolder {
  /** the process id that it gave, as text */
  holder: string;
}

export interface InstanceLock {
  release(): Promise<void>;
  /** resolves when the connection, and with it the lock, is lost or released */
  lost: Promise<void>;
}

/** Takes the lock or tells who has it. Throws when the server cannot be reached. */
export async function takeInstanceLock(url: string): Promise<InstanceLock | LockHolder> {
  const client = new pg.Client({
    connectionString: url,
    application_name: `watchfloor instance ${process.pid}`,
    connectionTimeoutMillis: 5_000
  });
  const lost = new Promise<void>((resolve) => client.once('end', () => resolve()));
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, $2) as taken', [
      ...INSTANCE_LOCK
    ]);
    if (rows[0]?.taken) return { lost, release: () => client.end() };
    const holders = await client.query<{ application_name: string }>(
      `select application_name from pg_stat_activity
       where pid in (select pid from pg_locks where locktype = 'advisory' and granted and classid = $1 and objid = $2)`,
      [...INSTANCE_LOCK]
    );
    await client.end();
    return { holder: /\d+/.exec(holders.rows[0]?.application_name ?? '')?.[0] ?? 'unknown' };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}
