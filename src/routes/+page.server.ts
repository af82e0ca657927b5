/** The bare address leads to the workspaces (and from there, signed out, to sign-in). */
import { redirect } from '@sveltejs/kit';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = () => redirect(303, '/admin');
