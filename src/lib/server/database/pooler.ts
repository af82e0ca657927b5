/**
 * Does an address lead through a transaction pooler? Watchfloor listens, and its connections take on roles: behind one
 * that hands each transaction another session it would hear nothing, and one connection's role would reach another.
 * So it is looked for at the start and whenever the listener is lost, and named with what to do.
 */
import pg from 'pg';
import { StartupError } from '../startup-error.ts';
import { openPool } from './pool.ts';

export const POOLER_SENTENCE =
  'DATABASE_URL leads through a transaction-pooling proxy (such as PgBouncer with pool_mode = transaction): two ' +
  'connections shared one session of Postgres, so notifications get lost and the rights of one connection reach another. ' +
  "Write Postgres's own address into DATABASE_URL; the proxy's may stand in WATCHFLOOR_POOLED_URL, for the queries of " +
  'pages and of the hub.';

const ROUNDS = 3;

/**
 * True when two connections that are open at once have the same session of Postgres, or one of them has two of them.
 * Directly, and through a pooler of sessions, neither can be. Throws what connecting throws.
 */
export async function sharesSessions(url: string): Promise<boolean> {
  const clients = [openClient(url), openClient(url)];
  try {
    await Promise.all(clients.map((client) => client.connect()));
    const seen = clients.map(() => new Set<number>());
    for (let round = 0; round < ROUNDS; round += 1) {
      // One after the other: what the first gave back is what a pooler gives the second.
      for (const [at, client] of clients.entries()) {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        seen[at]!.add(rows[0]!.pid);
      }
    }
    const all = new Set(seen.flatMap((pids) => [...pids]));
    return all.size < clients.length || seen.some((pids) => pids.size > 1);
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
  }
}

/** Throws a StartupError where it is a pooler; what cannot be connected to is for the start itself to explain. */
export async function refuseTransactionPooler(url: string): Promise<void> {
  if (await sharesSessions(url).catch(() => false)) throw new StartupError(POOLER_SENTENCE);
}

/** Throws a StartupError unless `pooledUrl` leads to the same database as `url`, with a login that may take on the roles. */
export async function checkPooled(url: string, pooledUrl: string): Promise<void> {
  const read = async (address: string, pooled: boolean): Promise<string> => {
    const pool = openPool({ url: address, role: 'people', max: 1, applicationName: 'watchfloor start', pooled });
    try {
      const { rows } = await pool.query<{ place: string }>(
        `select concat_ws(' ', extract(epoch from pg_postmaster_start_time()), oid) as place
         from pg_database where datname = current_database()`
      );
      return rows[0]!.place;
    } finally {
      await pool.end();
    }
  };
  const direct = await read(url, false);
  const through = await read(pooledUrl, true).catch((cause: Error) => {
    throw new StartupError(`Watchfloor cannot use the proxy of WATCHFLOOR_POOLED_URL: ${cause.message}.`, { cause });
  });
  if (direct !== through)
    throw new StartupError(
      'WATCHFLOOR_POOLED_URL leads to another database than DATABASE_URL: both must name the same one, on the primary.'
    );
}

function openClient(url: string): pg.Client {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'watchfloor start',
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000
  });
  client.on('error', () => {});
  return client;
}
