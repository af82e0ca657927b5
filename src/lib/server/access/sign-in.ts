/**
 * Signing in: from an e-mail, a password and an address to a person, or to a refusal that tells nothing. It owns when a
 * hash is made anew; sign-in-limits.ts owns how often one may fail, sessions.ts makes the session afterwards.
 * Invariant: unknown, disabled and wrong take the same path (the same statements, one verification) to the same answer.
 */
import type pg from 'pg';
import { signInAnswered } from '../metrics/channels.ts';
import { hashPassword, isWeakHash, verifyPassword } from './passwords.ts';
import { openSignInLimits } from './sign-in-limits.ts';
import type { Proven } from './sign-outs.ts';
import { TooManyWaitingError } from './turns.ts';

export interface Attempt {
  email: string;
  password: string;
  /** of the client, as text; null where a proxy hides it, and only the account's own limit can hold */
  address: string | null;
}

export type SignInAnswer =
  | ({ kind: 'signed in' } & Proven)
  | { kind: 'refused' }
  /** too many failures; says nothing about whether the account exists */
  | { kind: 'limited'; retryAfterSeconds: number }
  /** more people at once than passwords can be verified; nobody was judged */
  | { kind: 'busy' };

type Judged = Exclude<SignInAnswer, { kind: 'signed in' }> | ({ kind: 'signed in'; needsCode: boolean } & Proven);

export interface SignIn {
  /** `code needed`: the password is right, and nobody is signed in before a code is, too (pending-sign-ins.ts). */
  attempt(attempt: Attempt): Promise<SignInAnswer | ({ kind: 'code needed' } & Proven)>;
  /** Is it their password, asked of somebody who is signed in? The same limits and work, and no sign-in is counted. */
  confirm(attempt: Attempt): Promise<SignInAnswer>;
}

/** `pool` acts as the role `access`. Throws only when the database cannot be asked. */
export function openSignIn(pool: pg.Pool): SignIn {
  const limits = openSignInLimits(pool);

  const judge = async ({ email, password, address }: Attempt): Promise<Judged> => {
    const accountName = toAccountName(email);
    // Counted before verifying, so that a hundred attempts at once are no way around.
    const taken = await limits.take(accountName, address);
    if (typeof taken === 'number') return { kind: 'limited', retryAfterSeconds: taken };

    const found = await findAccount(pool, accountName);
    let matches: boolean;
    try {
      matches = await verifyPassword(found?.password_hash ?? null, password);
    } catch (error) {
      if (!(error instanceof TooManyWaitingError)) throw error;
      await taken.giveBack();
      return { kind: 'busy' };
    }
    if (!found || !matches || found.disabled) return { kind: 'refused' };

    await taken.forgive();
    if (isWeakHash(found.password_hash)) await renewHash(pool, found, password);
    // As of the statement that read the hash: whatever changed while it was verified, the session is not made (sign-outs.ts).
    return { kind: 'signed in', personId: found.id, signOuts: found.sign_outs, needsCode: found.needs_code };
  };
  return {
    async confirm(attempt) {
      const answer = await judge(attempt);
      return answer.kind === 'signed in' ? toSignedIn(answer) : answer;
    },
    async attempt(attempt) {
      const answer = await judge(attempt);
      if (answer.kind === 'signed in' && answer.needsCode) return { ...toSignedIn(answer), kind: 'code needed' };
      signInAnswered.tell({ answer: answer.kind });
      return answer.kind === 'signed in' ? toSignedIn(answer) : answer;
    }
  };
}

const toSignedIn = ({ personId, signOuts }: Proven) => ({ kind: 'signed in' as const, personId, signOuts });

interface Account {
  id: number;
  password_hash: string;
  disabled: boolean;
  sign_outs: number;
  needs_code: boolean;
}

/** Only now is the password known. Not where it was changed meanwhile, and a crowd's turn comes before this. */
async function renewHash(
  pool: pg.Pool,
  { id, password_hash }: { id: number; password_hash: string },
  password: string
): Promise<void> {
  try {
    const sql = 'update public.users set password_hash = $2 where id = $1 and password_hash = $3';
    await pool.query(sql, [id, await hashPassword(password), password_hash]);
  } catch (error) {
    // The next time is as good.
    if (!(error instanceof TooManyWaitingError)) throw error;
  }
}

async function findAccount(pool: pg.Pool, accountName: string): Promise<Account | undefined> {
  // Asked of everybody alike, and told only to who knows the password.
  const { rows } = await pool.query<Account>(
    `select id, password_hash, disabled_at is not null as disabled, sign_outs,
       exists (select from watchfloor.authenticators a where a.user_id = u.id) as needs_code
     from public.users u where lower(email) = lower($1)`,
    [accountName]
  );
  return rows[0];
}

/** Postgres refuses NUL in text: no account has one, and an error would be a different answer. */
function toAccountName(email: string): string {
  return email.replaceAll('\0', '').trim().toLowerCase();
}
