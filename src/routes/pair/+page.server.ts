/**
 * The short address that a screen shows: leads to the Displays page of the workspace, with the code if there is one. Who
 * looks after displays of several chooses; who looks after none is told so. It looks up nothing by the code.
 */
import { redirect } from '@sveltejs/kit';
import { can } from '#lib/server/access/capabilities.ts';
import { readWorkspaces } from '#lib/server/access/workspaces.ts';
import { displaysAddress } from '#lib/operations/addresses.ts';
import { parseCode } from '#lib/operations/display-settings.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, url }) => {
  const code = parseCode(url.searchParams.get('code') ?? '');
  const all = await readWorkspaces(locals.database.access, locals.person!.id);
  const places = all
    .filter(({ role }) => can(role, 'displays.manage'))
    .map(({ id, name }) => ({ id, name, href: displaysAddress(id, code === null ? {} : { code }) }));
  if (places.length === 1) redirect(303, places[0]!.href);
  return { places };
};
