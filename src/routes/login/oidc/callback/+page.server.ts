/**
 * The way back from the identity provider: ends what this browser began, once, and signs in as a password does. Whatever
 * failed is said on the sign-in page, whose address has no code in it.
 */
import { error, redirect } from '@sveltejs/kit';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import { toReturnPath } from '#lib/server/access/return-path.ts';
import { toFailedPath } from '../../oidc-offer.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, cookies, request, url }) => {
  const { oidc, sessions } = locals.access;
  if (oidc === null) error(404, 'Not Found');
  const answer = await oidc.finish({
    callback: url.origin + url.pathname,
    search: url.search,
    cookie: cookies.get(oidc.cookieName) ?? null
  });
  if (answer.setCookie) cookies.set(answer.setCookie.name, answer.setCookie.value, answer.setCookie.options);
  const next = toReturnPath(answer.next);
  if (answer.kind === 'failed') {
    locals.denied({ door: 'sign-in', why: 'identity provider', reason: answer.reason });
    redirect(303, toFailedPath(answer.failure, next));
  }

  // Whoever was signed in here before is not any more.
  if (locals.session) await sessions.signOut(locals.session.id);
  const { sessionId, setCookie } = await sessions.signIn(
    answer.personId,
    toBrowserName(request.headers.get('user-agent'))
  );
  cookies.set(setCookie.name, setCookie.value, setCookie.options);
  locals.accessed('signed in', { personId: answer.personId, sessionId });
  redirect(303, next ?? '/admin');
};
