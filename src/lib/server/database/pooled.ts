/**
 * A pool behind a transaction pooler (PgBouncer with `pool_mode = transaction` and its kin): every transaction may run on
 * another session of Postgres, which others used before and will use after it. So nothing may be kept in a session: role
 * and limits hold for one transaction (SET LOCAL), every query is a transaction of its own, and none is prepared by name
 * (PgBouncer knows prepared statements from 1.21 on; Debian 12 has 1.18).
 * Invariants: no query runs outside a transaction that took on its role first; nothing that we set outlives the
 * transaction. LISTEN, locks of a session and `create index concurrently` do not go this way: see OPERATING.md.
 */
import type pg from 'pg';

type Begin = (mode: string) => Promise<pg.PoolClient>;
const begins = new WeakMap<pg.Pool, Begin>();

/** Turns `pool` into one of transactions; `settings` (`; set local …`) follow each BEGIN. Three round trips a query. */
export function useTransactions(pool: pg.Pool, settings: string): void {
  const connect = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const begin: Begin = async (mode) => {
    const client = await connect();
    try {
      await client.query(`begin ${mode}${settings}`);
      return client;
    } catch (error) {
      client.release(error as Error); // it may stand in a transaction without its role
      throw error;
    }
  };
  begins.set(pool, begin);
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((first: unknown, ...rest: unknown[]) => query(withoutName(first), ...rest)) as never;
  });
  pool.query = (async (query: string, values?: unknown[]) => {
    const client = await begin('');
    let broken: Error | undefined;
    try {
      const result = await client.query(query, values);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }) as never;
  // A connection that was not begun here would act as whoever the address names.
  pool.connect = () => {
    throw new Error('A pooled address is used in transactions only: withTransaction, or query.');
  };
}

/** A connection that stands in a transaction of this mode with its role; null where the pool is none of these. */
export async function beginPooled(pool: pg.Pool, mode: string): Promise<pg.PoolClient | null> {
  return (await begins.get(pool)?.(mode)) ?? null;
}

function withoutName(query: unknown): unknown {
  if (typeof query !== 'object' || query === null || !('name' in query)) return query;
  return { ...query, name: undefined };
}
