/** The workspaces of whoever is signed in, for the chooser and the switch; hooks.server.ts lets nobody else in. */
import { readWorkspaces } from '#lib/server/access/workspaces.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ locals }) => ({
  workspaces: locals.person ? await readWorkspaces(locals.database.access, locals.person.id) : []
});
