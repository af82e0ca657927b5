/**
 * Between the right password and the right code: a random token in a cookie of this browser, its SHA-256 in a table, for
 * five minutes and one sign-in. It is no session and opens nothing; what it is worth is that a code may be judged for it.
 * Invariants: a copy of the table signs nobody in; a code and what waits for it are used up by one statement; it ends with
 * another password (a trigger), with the authenticator and with the account.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { signInAnswered } from '../metrics/channels.ts';
import type { Authenticators, Judgement, Proof } from './authenticators.ts';
import type { SessionCookie } from './sessions.ts';

const PENDING_MINUTES = 5;
/** Of one person at once: some browsers, and not what somebody's loop makes. The oldest go first. */
export const MOST_PENDING = 10;
const TOKEN_FORM = /^[A-Za-z0-9_-]{43}$/;

export type SecondAnswer =
  | { kind: 'signed in'; personId: number; byRecoveryCode: boolean }
  /** nothing waits in this browser, or not any more */
  | { kind: 'over' }
  | (Exclude<Judgement, { kind: 'accepted' }> & { personId: number });

export interface PendingSignIns {
  readonly cookieName: string;
  /** clears the cookie */
  readonly blankCookie: SessionCookie;
  /** For somebody whose password was verified just now, and who has an authenticator. */
  begin(personId: number): Promise<SessionCookie>;
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

  /** The code is used up first: of two browsers with one code the second finds it used, and goes on waiting. */
  const accept = async (token: string, personId: number, proof: Proof): Promise<boolean> => {
    const [used, values] =
      proof.kind === 'step'
        ? [
            `update watchfloor.authenticators set last_step = $3, sealed = coalesce($4, sealed)
             where user_id = $2 and last_step < $3 returning user_id`,
            [proof.step, proof.resealed]
          ]
        : [
            'delete from watchfloor.recovery_codes where user_id = $2 and code_hash = $3 returning user_id',
            [proof.hash]
          ];
    const { rowCount } = await pool.query(
      `with used as (${used})
       delete from watchfloor.pending_sign_ins p using used
       where p.token_hash = $1 and p.user_id = used.user_id and p.expires_at > now()`,
      [toHash(token), personId, ...values]
    );
    return rowCount === 1;
  };

  return {
    cookieName,
    blankCookie: toCookie('', 0),

    async begin(personId) {
      const token = randomBytes(32).toString('base64url');
      await pool.query(
        `with swept as (
           delete from watchfloor.pending_sign_ins where expires_at < now() or token_hash in (
             select token_hash from watchfloor.pending_sign_ins where user_id = $2
             order by expires_at desc, token_hash offset $4)
         )
         insert into watchfloor.pending_sign_ins (token_hash, user_id, expires_at)
         values ($1, $2, now() + make_interval(mins => $3))`,
        [toHash(token), personId, PENDING_MINUTES, MOST_PENDING - 1]
      );
      return toCookie(token, PENDING_MINUTES * 60);
    },

    isPending: async (token) => (await readPerson(token)) !== null,

    async finish({ token, code, address }) {
      const personId = await readPerson(token);
      if (personId === null || token === undefined) return { kind: 'over' };
      const answer = await authenticators.judge(personId, code, address, (proof) => accept(token, personId, proof));
      if (answer.kind === 'limited') signInAnswered.tell({ answer: 'limited' });
      else if (answer.kind !== 'unreadable')
        signInAnswered.tell({ answer: answer.kind === 'accepted' ? 'signed in' : 'refused' });
      if (answer.kind !== 'accepted') return { ...answer, personId };
      return { kind: 'signed in', personId, byRecoveryCode: answer.byRecoveryCode };
    }
  };
}

const toHash = (token: string): string => createHash('sha256').update(token).digest('hex');
