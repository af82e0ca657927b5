/**
 * The smoke's sign-in: takes a single-use token and makes a short session. Off unless WATCHFLOOR_SMOKE_SIGN_IN=1; then, and
 * for every token that does not count, nothing says why.
 */
import { readForm } from '#lib/server/web/forms.ts';
import { error, fail, redirect } from '@sveltejs/kit';
import { z } from 'zod';
import { useSmokeToken } from '#lib/server/access/smoke-sign-in.ts';
import type { Actions, PageServerLoad } from './$types';

const formSchema = z.object({ token: z.string().trim().max(100).catch('') });
const NOTHING_HERE = 'Not Found';

export const load: PageServerLoad = ({ locals }) => {
  if (!locals.access.smokeSignIn) error(404, NOTHING_HERE);
  return {};
};

export const actions: Actions = {
  async default({ request, locals, cookies }) {
    if (!locals.access.smokeSignIn) error(404, NOTHING_HERE);
    const { token } = formSchema.parse(await readForm(request));
    const proven = await useSmokeToken(locals.database.access, token);
    if (locals.session && proven) await locals.access.sessions.signOut(locals.session.id);
    const made = proven && (await locals.access.sessions.signIn(proven));
    if (!made) {
      locals.denied({ door: 'sign-in', why: 'refused' });
      return fail(400, { message: 'This token does not count, or not any more. Make a new one.' });
    }
    const { setCookie } = made;
    cookies.set(setCookie.name, setCookie.value, setCookie.options);
    redirect(303, '/admin');
  }
};
