/**
 * Between the right password and the right code: a random token in a cookie of this browser, its SHA-256 in a table, for
 * five minutes and one sign-in. It is no session and opens nothing; what it is worth is that a code may be judged for it.
 * Invariants: a copy of the table signs nobody in; a code and what waits for it are used up by one statement; it ends when
 * the person is signed out everywhere (a trigger), with the authenticator and with the account, also one that is just begun.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { signInAnswered } from '../metrics/channels.ts';
import { toUse, type Authenticators, type Judgement, type Proof } from './authenticators.ts';
import type { SessionCookie } from './sessions.ts';
import type { Proven } from './sign-outs.ts';

const PENDING_MINUTES = 5;
/** Of one person at once: some browsers, and not what somebody's loop makes. The oldest go first. */
export const MOST_PENDING = 10;
const TOKEN_FORM = /^[A-Za-z0-9_-]{43}$/;

export type SecondAnswer =
  | ({ kind: 'signed in'; byRecoveryCode: boolean } & Proven)
  /** nothing waits in this browser, or not any more */
  | { kind: 'over' }
  | (Exclude<Judgement, { kind: 'accepted' }> & { personId: number });

export interface PendingSignIns {
  readonly cookieName: string;
  /** clears the cookie */
  readonly blankCookie: SessionCookie;
  /**
   * For somebody whose password was verified just now, and who has an authenticator. null: since then they were signed out
   * everywhere, or the authenticator was taken away, and they are to sign in again.
   */
  begin(proven: Proven): Promise<SessionCookie | null>;
  /** Does a sign-in wait in this browser? `token`: the cookie's value. */
  isPending(token: string | undefined): Promise<boolean>;
  /** Judges the code of the one that waits. The session is the caller's to make. */
  finish(attempt: { token: string | undefined; code: string; address: string | null }): Promise<SecondAnswer>;
}

/** `pool` acts as the role `access`. `secure` as of the sessions' cookie. */
export function openPendingSignIns(
  pool: pg.Pool,
  { authenticators, secure }: { authenticators: Pick<Authenticators, 'judge'>; secure: boolean }
): PendingSignIns {
  const cookieName = secure ? '__Host-watchfloor-second' : 'watchfloor-second';
  const toCookie = (value: string, maxAge: number): SessionCookie => ({
    name: cookieName,
    value,
    options: { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge }
  });

  const readPerson = async (token: string | undefined): Promise<number | null> => {
    if (!token || !TOKEN_FORM.test(token)) return null;
    const { rows } = await pool.query<{ id: number }>(
      `select u.id from watchfloor.pending_sign_ins p join public.users u on u.id = p.user_id
       where p.token_hash = $1 and p.expires_at > now() and u.disabled_at is null`,
      [toHash(token)]
    );
    return rows[0]?.id ?? null;
  };

  /**
   * The code is used up first: of two browsers with one code the second finds it used, and goes on waiting. Answered is what
   * the person had been signed out by then; null = it was not good any more.
   */
  const accept = async (token: string, personId: number, proof: Proof): Promise<number | null> => {
    const { sql, values } = toUse(proof);
    const { rows } = await pool.query<{ signOuts: number }>(
      `with used as (${sql})
       delete from watchfloor.pending_sign_ins p using used, public.users u
       where p.token_hash = $${values.length + 2} and p.user_id = used.user_id and p.expires_at > now() and u.id = p.user_id
       returning u.sign_outs as "signOuts"`,
      [personId, ...values, toHash(token)]
    );
    return rows[0]?.signOuts ?? null;
  };

  return {
    cookieName,
    blankCookie: toCookie('', 0),

    async begin({ personId, signOuts }) {
      const token = randomBytes(32).toString('base64url');
      const { rowCount } = await pool.query(
        `with person as (
           select u.id from public.users u where u.id = $2 and u.sign_outs = $5 and u.disabled_at is null for share
         ), swept as (
           delete from watchfloor.pending_sign_ins where expires_at < now() or token_hash in (
             select token_hash from watchfloor.pending_sign_ins where user_id = $2
             order by expires_at desc, token_hash offset $4)
         )
         insert into watchfloor.pending_sign_ins (token_hash, user_id, expires_at)
         select $1, person.id, now() + make_interval(mins => $3)
         from person join watchfloor.authenticators a on a.user_id = person.id`,
        [toHash(token), personId, PENDING_MINUTES, MOST_PENDING - 1, signOuts]
      );
      if (rowCount !== 1) return null;
      return toCookie(token, PENDING_MINUTES * 60);
    },

    isPending: async (token) => (await readPerson(token)) !== null,

    async finish({ token, code, address }) {
      const personId = await readPerson(token);
      if (personId === null || token === undefined) return { kind: 'over' };
      let signOuts: number | null = null;
      const answer = await authenticators.judge(personId, code, address, async (proof) => {
        signOuts = await accept(token, personId, proof);
        return signOuts !== null;
      });
      if (answer.kind === 'limited') signInAnswered.tell({ answer: 'limited' });
      else if (answer.kind !== 'unreadable')
        signInAnswered.tell({ answer: answer.kind === 'accepted' ? 'signed in' : 'refused' });
      if (answer.kind !== 'accepted') return { ...answer, personId };
      // It was accepted by the number that this is.
      return { kind: 'signed in', personId, signOuts: signOuts!, byRecoveryCode: answer.byRecoveryCode };
    }
  };
}

const toHash = (token: string): string => createHash('sha256').update(token).digest('hex');
