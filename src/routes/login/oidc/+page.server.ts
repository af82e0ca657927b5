/**
 * The way to the identity provider: remembers in a cookie what was begun, and sends the browser there. Begun by our own
 * page or by the person's own hand; a link of another site (a tile in a portal, or somebody's trick) ends at the sign-in
 * page, where one click goes on. Without a provider there is nothing at this address.
 */
import { error, redirect } from '@sveltejs/kit';
import { toReturnPath } from '#lib/server/access/return-path.ts';
import { toFailedPath } from '../oidc-offer.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, cookies, request, url }) => {
  const { oidc } = locals.access;
  if (oidc === null) error(404, 'Not Found');
  const next = toReturnPath(url.searchParams.get('next'));
  const site = request.headers.get('sec-fetch-site') ?? 'none';
  if (site !== 'none' && site !== 'same-origin')
    redirect(303, next === null ? '/login' : `/login?next=${encodeURIComponent(next)}`);

  const begun = await oidc.begin({ callback: `${url.origin}/login/oidc/callback`, next });
  if (begun.kind === 'failed') {
    locals.denied({ door: 'sign-in', why: 'identity provider', reason: begun.reason });
    redirect(303, toFailedPath(begun.failure, next));
  }
  cookies.set(begun.setCookie.name, begun.setCookie.value, begun.setCookie.options);
  redirect(303, begun.location);
};
