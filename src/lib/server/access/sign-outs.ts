/**
 * What was proven, and until when that counts: until the person is signed out everywhere. It owns the count of these
 * (migration 0018, whose trigger ends sessions and what waits for a code) and the order in which things happen: every
 * change of how somebody signs in holds their row alone, every session is made while that row is shared. Invariant: what was
 * proven before a change opens nothing after it.
 */
import type pg from 'pg';
import { withTransaction } from '../database/pool.ts';

/** Who has proven who they are, and how often they had been signed out everywhere when they did. */
export interface Proven {
  personId: number;
  signOuts: number;
}

/**
 * Changes how somebody signs in, by one of their sessions, and signs them out everywhere: `change` runs in the same transaction,
 * and says whether there was anything to change. Answered is what makes the one session that follows; null = nothing was
 * changed, because `change` said so or because that session is over (its person was signed out while they asked).
 * `pool` acts as the role `access`.
 */
export async function changeAndSignOut(
  pool: pg.Pool,
  { personId, sessionId }: { personId: number; sessionId: string },
  change: (client: pg.ClientBase) => Promise<boolean>
): Promise<Proven | null> {
  return withTransaction(pool, '', async (client) => {
    // First of all: of two changes at once the second finds what the first has left.
    await client.query('select from public.users where id = $1 for no key update', [personId]);
    const here = await client.query('select from public.sessions where id = $1 and user_id = $2', [
      sessionId,
      personId
    ]);
    if (here.rowCount !== 1 || !(await change(client))) return null;
    const { rows } = await client.query<Proven>(
      `update public.users set sign_outs = sign_outs + 1 where id = $1
       returning id as "personId", sign_outs as "signOuts"`,
      [personId]
    );
    return rows[0] ?? null;
  });
}
