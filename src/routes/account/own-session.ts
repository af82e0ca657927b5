/**
 * What every change of how one signs in has in common: the present password is asked for again, with the limits of signing
 * in, and a code where that matters; afterwards this browser gets the only session that there is, and the log a line.
 */
import { redirect, type RequestEvent } from '@sveltejs/kit';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import type { Judgement } from '#lib/server/access/authenticators.ts';
import { toFirstPath } from '#lib/server/access/return-path.ts';
import type { Proven } from '#lib/server/access/sign-outs.ts';
import { toWait } from '#lib/server/access/wait-wording.ts';

/** null = it is theirs. A sentence otherwise, which stands in the log, too. */
export async function confirmPassword(
  { locals, setHeaders }: RequestEvent,
  password: string
): Promise<{ status: number; message: string } | null> {
  if (!password) return { status: 400, message: 'Enter the password that you have.' };
  const { id, email } = locals.person!;
  const answer = await locals.access.signIn.confirm({ email, password, address: locals.address });
  if (answer.kind === 'busy')
    return { status: 503, message: 'Many people are signing in right now. Try again in a moment.' };
  if (answer.kind === 'limited') {
    locals.denied({ door: 'account', why: 'too many attempts' });
    setHeaders({ 'retry-after': String(answer.retryAfterSeconds) });
    return { status: 429, message: `Too many attempts. Try again ${toWait(answer.retryAfterSeconds)}.` };
  }
  // Two people may have had one e-mail, one after the other: the session's person is whose password it is.
  if (answer.kind === 'signed in' && answer.personId === id) return null;
  locals.denied({ door: 'account', why: 'refused' });
  return { status: 400, message: 'This is not your password.' };
}

export const WRONG_CODE = 'This code is not right, or was used already. Enter the one that the app shows now.';
const UNREADABLE = 'Codes of the app cannot be checked here any more. Enter a recovery code.';

/** What is said of a code that is asked for beside the password and was not accepted; the log gets a line. */
export function refuseCode(
  { locals, setHeaders }: RequestEvent,
  answer: Exclude<Judgement, { kind: 'accepted' }>
): { status: number; message: string } {
  const door = 'second factor';
  switch (answer.kind) {
    case 'limited':
      locals.denied({ door, why: 'too many attempts' });
      setHeaders({ 'retry-after': String(answer.retryAfterSeconds) });
      return { status: 429, message: `Too many wrong codes. Try again ${toWait(answer.retryAfterSeconds)}.` };
    case 'wrong':
      locals.denied({ door, why: 'refused' });
      return { status: 400, message: WRONG_CODE };
    case 'unreadable':
      locals.denied({ door, why: 'unreadable' });
      return { status: 503, message: UNREADABLE };
  }
}

/** The change has ended every session of theirs; this browser goes on with a new one, unless they all ended once more. */
export async function renewSession(
  { locals, cookies, request }: RequestEvent,
  proven: Proven,
  what: Parameters<App.Locals['accessed']>[0]
): Promise<void> {
  const made = await locals.access.sessions.signIn(proven, toBrowserName(request.headers.get('user-agent')));
  if (!made) redirect(303, toFirstPath('/account', 'out'));
  const { sessionId, setCookie } = made;
  cookies.set(setCookie.name, setCookie.value, setCookie.options);
  // What the same answer shows is read for it.
  locals.session = { id: sessionId };
  locals.accessed(what, { personId: proven.personId, sessionId });
}
