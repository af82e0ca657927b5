/**
 * How the node that serves this page delivers, for who may read it: its own figures of the last hour, the recount of this
 * workspace, and a place in the stream, so that the browser's own half can be measured. 403 is said only to members.
 */
import { error } from '@sveltejs/kit';
import { can } from '#lib/server/access/capabilities.ts';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readSelfProof } from '#lib/server/metrics/own-node.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import { nothingThere } from '../../../nothing-there.ts';
import type { PageServerLoad } from './$types';

const CAPABILITY = 'delivery.read';
const MAY_NOT = 'Only owners of this workspace can read how it is delivered.';

export const load: PageServerLoad = async ({ locals, params, depends }) => {
  depends('watchfloor:delivery');
  const person = locals.person!;
  const workspaceId = parseId(params.workspace);
  const denial = { door: 'delivery', workspaceId: workspaceId ?? params.workspace } as const;
  if (workspaceId === null) nothingThere(locals, denial);
  const watched = await readWorkspace(locals.database.people, person.id, workspaceId, async (_, visible) => {
    if (!can(visible.role, CAPABILITY)) return 'forbidden';
    return {
      workspace: visible.workspace,
      workspaceId,
      seesAll: visible.seesAllEnvironments,
      token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
      readAt: visible.readAt
    };
  });
  if (watched === null) nothingThere(locals, denial);
  if (watched === 'forbidden') {
    locals.denied({ ...denial, why: 'capability', capability: CAPABILITY });
    error(403, MAY_NOT);
  }
  const proof = readSelfProof(workspaceId);
  // The recount is of the whole workspace: who sees a part of it is not told of the rest.
  return { watched, proof: proof && !watched.seesAll ? { ...proof, recount: null } : proof };
};
