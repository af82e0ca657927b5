/**
 * Signing in. `next` says where to go afterwards, if that is a path of ours. Wrong password, unknown account and
 * disabled account get one answer.
 */
import { fail, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import { hasDemoWorkspace } from '#lib/server/access/workspaces.ts';
import { toReturnPath } from '#lib/server/access/return-path.ts';
import { readForm } from '#lib/server/web/forms.ts';
import { toOffer } from './oidc-offer.ts';
import type { Actions, PageServerLoad } from './$types';

const REFUSED =
  'This e-mail and password do not belong to an active account. Check both, or ask whoever administers Watchfloor.';
/** Enough for any e-mail and password that can be right (passwords.ts); what is longer is wrong. */
const formSchema = z.object({
  email: z.string().trim().max(254).catch(''),
  // Of 1024 characters, each may be two of those that JavaScript counts.
  password: z.string().max(2048).catch(''),
  next: z.string().max(2048).catch('')
});

export const load: PageServerLoad = async ({ locals, url }) => {
  const next = toReturnPath(url.searchParams.get('next'));
  if (locals.person) redirect(303, next ?? '/admin');
  const oidc = toOffer(locals.access.oidc?.label, next, url);
  return { next, oidc, hasDemo: await hasDemoWorkspace(locals.database.access) };
};

export const actions: Actions = {
  async default({ request, locals, cookies, setHeaders }) {
    const { email, password, next } = formSchema.parse(await readForm(request));
    if (!email || !password) return fail(400, { email, message: 'Enter your e-mail and your password.' });

    const answer = await locals.access.signIn.attempt({
      email,
      password,
      address: locals.address
    });
    if (answer.kind === 'refused' || answer.kind === 'limited')
      locals.denied({
        door: 'sign-in',
        why: answer.kind === 'limited' ? 'too many attempts' : 'refused',
        account: email
      });
    if (answer.kind === 'limited') {
      const minutes = Math.ceil(answer.retryAfterSeconds / 60);
      setHeaders({ 'retry-after': String(answer.retryAfterSeconds) });
      const when = minutes === 1 ? 'in a minute' : `in ${minutes} minutes`;
      return fail(429, { email, message: `Too many attempts to sign in. Try again ${when}.` });
    }
    if (answer.kind === 'busy')
      return fail(503, { email, message: 'Many people are signing in right now. Try again in a moment.' });
    if (answer.kind === 'refused') return fail(400, { email, message: REFUSED });

    // Whoever was signed in here before is not any more.
    if (locals.session) await locals.access.sessions.signOut(locals.session.id);
    const { sessionId, setCookie } = await locals.access.sessions.signIn(
      answer.personId,
      toBrowserName(request.headers.get('user-agent'))
    );
    cookies.set(setCookie.name, setCookie.value, setCookie.options);
    locals.accessed('signed in', { personId: answer.personId, sessionId });
    redirect(303, toReturnPath(next) ?? '/admin');
  }
};
