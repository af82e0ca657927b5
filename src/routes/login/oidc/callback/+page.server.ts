/**
 * The way back from the identity provider: ends what this browser began, once, and signs in as a password does. Whatever
 * failed is said on the sign-in page, whose address has no code in it.
 */
import { error, redirect } from '@sveltejs/kit';
import { toReturnPath } from '#lib/server/access/return-path.ts';
import { enter } from '../../enter.ts';
import { toFailedPath } from '../../oidc-offer.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
  const { locals, cookies, url } = event;
  const { oidc } = locals.access;
  if (oidc === null) error(404, 'Not Found');
  const answer = await oidc.finish({
    callback: url.origin + url.pathname,
    search: url.search,
    cookie: cookies.get(oidc.cookieName) ?? null,
    address: locals.address
  });
  if (answer.setCookie) cookies.set(answer.setCookie.name, answer.setCookie.value, answer.setCookie.options);
  if (answer.kind === 'failed') {
    const why = answer.failure === 'limited' ? 'too many attempts' : 'identity provider';
    locals.denied({ door: 'sign-in', why, reason: answer.reason });
    redirect(303, toFailedPath(answer.failure, toReturnPath(answer.next)));
  }
  redirect(303, await enter(event, answer, answer.next ?? ''));
};
