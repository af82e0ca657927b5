/**
 * The second step of signing in, after the right password: six digits of an authenticator app, or a recovery code. Without
 * a sign-in that waits in this browser there is nothing here but the way back to the first step.
 */
import { fail, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { toFirstPath, toReturnPath, toSecondPath } from '#lib/server/access/return-path.ts';
import { toWait } from '#lib/server/access/wait-wording.ts';
import { readForm } from '#lib/server/web/forms.ts';
import { enter } from '../enter.ts';
import type { Actions, PageServerLoad } from './$types';

const WRONG = {
  app: 'This code is not right, or was used already. Enter the one that the app shows now.',
  recovery: 'This recovery code is not right, or was used already. Enter another one.'
};
const UNREADABLE =
  'Codes of the app cannot be checked here any more. Use a recovery code, or ask whoever administers Watchfloor.';
const formSchema = z.object({
  code: z.string().max(100).catch(''),
  with: z.enum(['app', 'recovery']).catch('app'),
  next: z.string().max(2048).catch('')
});

export const load: PageServerLoad = async ({ locals, url, cookies }) => {
  const next = toReturnPath(url.searchParams.get('next'));
  if (locals.person) redirect(303, next ?? '/admin');
  const { pendingSignIns } = locals.access;
  const token = cookies.get(pendingSignIns.cookieName);
  // The cookie goes with its five minutes, too: whoever is led here by our own pages has begun before.
  const hasBegun = token !== undefined || url.searchParams.has('next') || url.searchParams.has('with');
  if (!(await pendingSignIns.isPending(token))) redirect(303, hasBegun ? toFirstPath(next) : '/login');
  const isRecovery = url.searchParams.get('with') === 'recovery';
  return { next, isRecovery, otherPath: toSecondPath(next, isRecovery ? {} : { with: 'recovery' }) };
};

export const actions: Actions = {
  async default(event) {
    const { request, locals, cookies, setHeaders } = event;
    const { code, with: kind, next } = formSchema.parse(await readForm(request));
    if (!code.trim())
      return fail(400, { message: kind === 'app' ? 'Enter the six digits.' : 'Enter a recovery code.' });
    const { pendingSignIns } = locals.access;
    const answer = await pendingSignIns.finish({
      token: cookies.get(pendingSignIns.cookieName),
      code,
      address: locals.address
    });
    if (answer.kind === 'over') {
      locals.denied({ door: 'second factor', why: 'signed out' });
      redirect(303, toFirstPath(next));
    }
    if (answer.kind === 'limited') {
      locals.denied({ door: 'second factor', why: 'too many attempts', personId: answer.personId });
      setHeaders({ 'retry-after': String(answer.retryAfterSeconds) });
      return fail(429, { message: `Too many wrong codes. Try again ${toWait(answer.retryAfterSeconds)}.` });
    }
    if (answer.kind === 'wrong') {
      locals.denied({ door: 'second factor', why: 'refused', personId: answer.personId });
      return fail(400, { message: WRONG[kind] });
    }
    if (answer.kind === 'unreadable') {
      locals.denied({ door: 'second factor', why: 'unreadable', personId: answer.personId });
      return fail(503, { message: UNREADABLE });
    }
    const { name, value, options } = pendingSignIns.blankCookie;
    cookies.set(name, value, options);
    if (answer.byRecoveryCode) locals.accessed('recovery code used', { personId: answer.personId });
    redirect(303, await enter(event, answer, next));
  }
};
