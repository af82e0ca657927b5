/**
 * Signing in. `next` says where to go afterwards, if that is a path of ours. Wrong password, unknown account and
 * disabled account get one answer; only after the right password somebody is asked for a code (./second).
 */
import { fail, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { hasDemoWorkspace } from '#lib/server/access/workspaces.ts';
import { toFirstPath, toReturnPath, toSecondPath } from '#lib/server/access/return-path.ts';
import { toWait } from '#lib/server/access/wait-wording.ts';
import { readForm } from '#lib/server/web/forms.ts';
import { enter } from './enter.ts';
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
  return {
    next,
    oidc: toOffer(locals.access.oidc?.label, next, url),
    isOver: url.searchParams.has('over'),
    isOut: url.searchParams.has('out'),
    canHavePasskeys: typeof locals.access.toRelyingParty(url) !== 'string',
    hasDemo: await hasDemoWorkspace(locals.database.access)
  };
};

export const actions: Actions = {
  async default(event) {
    const { request, locals, cookies, setHeaders } = event;
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
      setHeaders({ 'retry-after': String(answer.retryAfterSeconds) });
      const message = `Too many attempts to sign in. Try again ${toWait(answer.retryAfterSeconds)}.`;
      return fail(429, { email, message });
    }
    if (answer.kind === 'busy')
      return fail(503, { email, message: 'Many people are signing in right now. Try again in a moment.' });
    if (answer.kind === 'refused') return fail(400, { email, message: REFUSED });

    if (answer.kind === 'code needed') {
      const waiting = await locals.access.pendingSignIns.begin(answer);
      if (!waiting) {
        locals.denied({ door: 'sign-in', why: 'signed out', personId: answer.personId });
        redirect(303, toFirstPath(next, 'out'));
      }
      cookies.set(waiting.name, waiting.value, waiting.options);
      redirect(303, toSecondPath(next));
    }
    redirect(303, await enter(event, answer, next));
  }
};
