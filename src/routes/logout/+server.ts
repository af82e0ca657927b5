/** Signing out: by POST only, from a plain form, so that no link or image does it and no script's memory survives it. */
import { redirect } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

export const POST: RequestHandler = async ({ locals, cookies }) => {
  if (locals.session) {
    const { name, value, options } = await locals.access.sessions.signOut(locals.session.id);
    cookies.set(name, value, options);
    locals.accessed('signed out');
  }
  redirect(303, '/login');
};

/** Somebody typed the address: nothing happens. */
export const GET: RequestHandler = () => redirect(303, '/admin');
