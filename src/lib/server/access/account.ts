/**
 * What a person changes of their own account: the password. It asks for the present one with the limits of signing in,
 * judges the new one, and ends every session but the one that is made in the same breath: whoever knew the old password,
 * or holds a copy of the cookie, is out, but for a passkey that they made: passkeys are no part of the password, and stay.
 * Limits, hashes and cookies are others'.
 */
import type pg from 'pg';
import type { Person } from '../../operations/pages.ts';
import { findPasswordMistake, hashPassword } from './passwords.ts';
import type { SessionCookie, Sessions } from './sessions.ts';
import type { SignIn } from './sign-in.ts';
import { changeAndSignOut } from './sign-outs.ts';
import { TooManyWaitingError } from './turns.ts';

export type PasswordAnswer =
  | { kind: 'changed'; sessionId: string; setCookie: SessionCookie }
  /** of the new password; a sentence that says what to do */
  | { kind: 'mistake'; sentence: string }
  | { kind: 'wrong' }
  /** they were signed out meanwhile: nothing was changed, or nobody is signed in with it */
  | { kind: 'over' }
  | { kind: 'limited'; retryAfterSeconds: number }
  | { kind: 'busy' };

export interface PasswordChange {
  person: Person;
  /** the session that asks */
  sessionId: string;
  current: string;
  next: string;
  address: string | null;
  /** what the person calls the browser that they do it with */
  agent: string | null;
}

/** `pool` acts as the role `access`. */
export async function changePassword(
  { pool, signIn, sessions }: { pool: pg.Pool; signIn: Pick<SignIn, 'confirm'>; sessions: Pick<Sessions, 'signIn'> },
  { person, sessionId, current, next, address, agent }: PasswordChange
): Promise<PasswordAnswer> {
  // First what costs nothing and tells nothing: only the person themselves learns that their new password is weak.
  const sentence =
    current === next
      ? 'This is the password that you have: choose another one.'
      : await findPasswordMistake(next, { email: person.email, name: person.name });
  if (sentence !== null) return { kind: 'mistake', sentence };
  const answer = await signIn.confirm({ email: person.email, password: current, address });
  if (answer.kind === 'refused') return { kind: 'wrong' };
  if (answer.kind !== 'signed in') return answer;
  // Two people may have had one e-mail, one after the other: the session's person is whose password it is.
  if (answer.personId !== person.id) return { kind: 'wrong' };
  let passwordHash: string;
  try {
    passwordHash = await hashPassword(next);
  } catch (error) {
    if (error instanceof TooManyWaitingError) return { kind: 'busy' };
    throw error;
  }
  const proven = await changeAndSignOut(pool, { personId: person.id, sessionId }, async (client) => {
    await client.query('update public.users set password_hash = $2 where id = $1', [person.id, passwordHash]);
    return true;
  });
  const made = proven && (await sessions.signIn(proven, agent));
  return made ? { kind: 'changed', ...made } : { kind: 'over' };
}
