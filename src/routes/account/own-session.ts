/**
 * What every change of how one signs in has in common: the present password is asked for again, with the limits of signing
 * in; afterwards this browser gets the only session that there is, and the log a line.
 */
import type { RequestEvent } from '@sveltejs/kit';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
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

/** The change has ended every session of theirs; this browser goes on with a new one. */
export async function renewSession(
  { locals, cookies, request }: RequestEvent,
  what: Parameters<App.Locals['accessed']>[0]
): Promise<void> {
  const personId = locals.person!.id;
  const { sessionId, setCookie } = await locals.access.sessions.signIn(
    personId,
    toBrowserName(request.headers.get('user-agent'))
  );
  cookies.set(setCookie.name, setCookie.value, setCookie.options);
  // What the same answer shows is read for it.
  locals.session = { id: sessionId };
  locals.accessed(what, { personId, sessionId });
}
