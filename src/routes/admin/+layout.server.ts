/**
 * The workspaces of whoever is signed in, for the chooser, the switch and the links of the top bar; hooks.server.ts lets
 * nobody else in. What a role may is told as what it may, never as its name.
 */
import { can } from '#lib/server/access/capabilities.ts';
import { readWorkspaces } from '#lib/server/access/workspaces.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ locals }) => ({
  workspaces: locals.person
    ? (await readWorkspaces(locals.database.access, locals.person.id)).map(({ role, ...workspace }) => ({
        ...workspace,
        mayReadRefused: can(role, 'rejected_reports.read'),
        mayReadDelivery: can(role, 'delivery.read'),
        mayManageDisplays: can(role, 'displays.manage')
      }))
    : []
});
