/** A session for somebody of whom a test takes for granted that they have proven who they are. */
import type pg from 'pg';
import type { Proven } from '../../src/lib/server/access/sign-outs.ts';
import type { SessionCookie, Sessions } from '../../src/lib/server/access/sessions.ts';

/** As if they had proven it just now. `pool`: of any role that may read people. */
export async function proveNow(pool: pg.Pool, personId: number): Promise<Proven> {
  const { rows } = await pool.query<Proven>(
    'select id as "personId", sign_outs as "signOuts" from public.users where id = $1',
    [personId]
  );
  return rows[0]!;
}

/** Throws where they are disabled. */
export async function signInNow(
  { sessions, pool }: { sessions: Sessions; pool: pg.Pool },
  personId: number,
  agent: string | null = null
): Promise<{ sessionId: string; setCookie: SessionCookie }> {
  const made = await sessions.signIn(await proveNow(pool, personId), agent);
  if (!made) throw new Error('They are disabled, or were signed out everywhere meanwhile.');
  return made;
}
