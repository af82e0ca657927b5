/**
 * One connection of a pool that its holder keeps between statements: a check-out for each of them is two turns of the
 * event loop and a time-out to set and clear, in the way of every change. It owns when the connection is given back.
 * Invariant: after a loss or a statement that failed the next one runs on another connection, as with the pool itself.
 */
import pg from 'pg';
import type { Queryable } from '../database/pool.ts';

export interface SteadyConnection {
  db: Queryable;
  /** Gives the connection back; the pool could not end without. */
  close(): void;
}

/** Anything but a pool is taken as it is. */
export function holdConnection(db: Queryable): SteadyConnection {
  if (!(db instanceof pg.Pool)) return { db, close: () => {} };
  let held: { client: pg.PoolClient; giveBack: (isBroken: boolean) => void } | null = null;
  const take = async (): Promise<NonNullable<typeof held>> => {
    const client = await db.connect();
    const lost = (): void => taken.giveBack(true);
    const taken = {
      client,
      giveBack(isBroken: boolean): void {
        if (held !== taken) return;
        held = null;
        client.off('end', lost);
        client.release(isBroken);
      }
    };
    // A connection that ends while nothing runs on it is not the next statement's failure.
    client.once('end', lost);
    held = taken;
    return taken;
  };
  const query = async (...statement: Parameters<pg.PoolClient['query']>): Promise<unknown> => {
    const { client, giveBack } = held ?? (await take());
    try {
      return await client.query(...statement);
    } catch (error) {
      giveBack(true);
      throw error;
    }
  };
  return { db: { query: query as Queryable['query'] }, close: () => held?.giveBack(false) };
}
