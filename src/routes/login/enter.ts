/** How every way in ends: whoever was signed in here before is not any more, the new session's cookie, a line in the log. */
import type { RequestEvent } from '@sveltejs/kit';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import { toReturnPath } from '#lib/server/access/return-path.ts';

/**
 * Makes the session of somebody who has proven who they are. `next`: where they wanted to go; answered is where they are
 * led, which is a path of ours.
 */
export async function enter(
  { locals, cookies, request }: RequestEvent,
  personId: number,
  next: string
): Promise<string> {
  if (locals.session) await locals.access.sessions.signOut(locals.session.id);
  const { sessionId, setCookie } = await locals.access.sessions.signIn(
    personId,
    toBrowserName(request.headers.get('user-agent'))
  );
  cookies.set(setCookie.name, setCookie.value, setCookie.options);
  locals.accessed('signed in', { personId, sessionId });
  return toReturnPath(next) ?? '/admin';
}
