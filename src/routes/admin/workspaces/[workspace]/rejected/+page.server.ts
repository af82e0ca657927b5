/**
 * Refused reports of a workspace, for who may read them: rows and names of one snapshot. Not live; it says as of when it
 * is. Absent and foreign workspaces are one 404; 403 is said only to members.
 */
import { error } from '@sveltejs/kit';
import { can } from '#lib/server/access/capabilities.ts';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { parseCursor } from '#lib/server/operations/keyset.ts';
import { readRejected } from '#lib/server/operations/rejected.ts';
import { nothingThere } from '../../../nothing-there.ts';
import type { PageServerLoad } from './$types';

const CAPABILITY = 'rejected_reports.read';
const MAY_NOT = 'Only owners of this workspace can read refused reports.';

export const load: PageServerLoad = async ({ locals, params, url }) => {
  const workspaceId = parseId(params.workspace);
  const denial = { door: 'rejected reports', workspaceId: workspaceId ?? params.workspace } as const;
  if (workspaceId === null) nothingThere(locals, denial);
  const [name, text] = cursorOf(url.searchParams);
  const place = text === null ? null : parseCursor(text);

  const refused = await readWorkspace(
    locals.database.people,
    locals.person!.id,
    workspaceId,
    async (client, visible) => {
      if (!can(visible.role, CAPABILITY)) return 'forbidden';
      if (text !== null && place === null) return 'malformed';
      return {
        workspace: visible.workspace,
        typeLabels: visible.typeLabels,
        readAt: visible.readAt,
        ...(await readRejected(client, visible, {
          after: name === 'after' ? place : null,
          before: name === 'before' ? place : null
        }))
      };
    }
  );
  if (refused === null) nothingThere(locals, denial);
  if (refused === 'forbidden') {
    locals.denied({ ...denial, why: 'capability', capability: CAPABILITY });
    error(403, MAY_NOT);
  }
  if (refused === 'malformed')
    error(400, {
      message: `The value of ${name} in the address must be a place in the list, taken from one of its links.`,
      name,
      value: text!.slice(0, 100),
      cleanUrl: url.pathname
    });
  return { refused };
};

function cursorOf(query: URLSearchParams): ['after' | 'before', string | null] {
  const after = query.get('after');
  return after === null ? ['before', query.get('before')] : ['after', after];
}
