/** How every way in ends: whoever was signed in here before is not any more, the new session's cookie, a line in the log. */
import type { RequestEvent } from '@sveltejs/kit';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import { toFirstPath, toReturnPath } from '#lib/server/access/return-path.ts';
import type { Proven } from '#lib/server/access/sign-outs.ts';

/**
 * Makes the session of somebody who has proven who they are. `next`: where they wanted to go; answered is where they are
 * led, which is a path of ours: to the sign-in page, where they were signed out everywhere while they signed in.
 */
export async function enter(
  { locals, cookies, request }: RequestEvent,
  { personId, signOuts }: Proven,
  next: string
): Promise<string> {
  if (locals.session) await locals.access.sessions.signOut(locals.session.id);
  const made = await locals.access.sessions.signIn(
    { personId, signOuts },
    toBrowserName(request.headers.get('user-agent'))
  );
  if (!made) {
    locals.denied({ door: 'sign-in', why: 'signed out', personId });
    return toFirstPath(next, 'out');
  }
  const { sessionId, setCookie } = made;
  cookies.set(setCookie.name, setCookie.value, setCookie.options);
  locals.accessed('signed in', { personId, sessionId });
  return toReturnPath(next) ?? '/admin';
}
