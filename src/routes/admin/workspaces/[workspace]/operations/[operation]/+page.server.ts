/**
 * One operation: what its page reads, all in one snapshot, and what a person may do there (mark it reviewed, take that
 * back, open its diagnostics). Absent and not entitled are one 404; 403 is said only about what a person can see.
 */
import { error, fail, redirect } from '@sveltejs/kit';
import { can, type Capability } from '#lib/server/access/capabilities.ts';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readOperation } from '#lib/server/operations/detail.ts';
import { openDiagnostics } from '#lib/server/operations/diagnostics.ts';
import { askAtDoor, isThere, type DoorRequest } from '#lib/server/operations/door.ts';
import { reviewOperation } from '#lib/server/operations/review.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import { operationAddress } from '#lib/operations/addresses.ts';
import { labelOf } from '#lib/operations/wording.ts';
import type { DetailPage } from '#lib/operations/pages.ts';
import { nothingThere } from '../../../../nothing-there.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

export const load: PageServerLoad = async ({ locals, params, depends }) => {
  depends('watchfloor:operation');
  const person = locals.person!;
  const [workspaceId, operationId] = [parseId(params.workspace), parseId(params.operation)];
  const denial = { door: 'operation', ...toAsked(params) } as const;
  if (workspaceId === null || operationId === null) nothingThere(locals, denial);

  const detail = await readWorkspace(
    locals.database.people,
    person.id,
    workspaceId,
    async (client, visible): Promise<DetailPage | null> => {
      if (!(await isThere(client, visible, operationId))) return null;
      const operation = await readOperation(client, workspaceId, operationId);
      if (operation === null) return null;
      return {
        ...operation,
        workspace: visible.workspace,
        environment: visible.environments.find(({ id }) => id === operation.row.environmentId) ?? null,
        typeLabel: labelOf(operation.row.type, visible.typeLabels),
        mayReview: can(visible.role, 'operations.review'),
        mayOpenDiagnostics: can(visible.role, 'diagnostics.read'),
        token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
        readAt: visible.readAt
      };
    }
  );
  if (detail === null) nothingThere(locals, denial);
  return { detail };
};

/** Who asks about which operation, once they may: 404 where they do not see it, 403 where they see it and may not. */
async function openDoor(
  { locals, params }: RequestEvent,
  door: 'review' | 'diagnostics',
  capability: Capability,
  refusal: string
) {
  const [workspaceId, operationId] = [parseId(params.workspace), parseId(params.operation)];
  const denial = { door, ...toAsked(params) } as const;
  if (workspaceId === null || operationId === null) nothingThere(locals, denial);
  const request: DoorRequest = { personId: locals.person!.id, workspaceId, operationId };
  const answer = await askAtDoor(locals.database.people, request, capability);
  if (answer === 'absent') nothingThere(locals, denial);
  if (answer === 'forbidden') {
    locals.denied({ ...denial, why: 'capability', capability });
    error(403, refusal);
  }
  return { ...request, absent: () => nothingThere(locals, denial) };
}

function toAsked({ workspace, operation }: { workspace: string; operation: string }) {
  return { workspaceId: parseId(workspace) ?? workspace, operationId: parseId(operation) ?? operation };
}

const MAY_NOT_REVIEW = 'Owners, managers and operators of this workspace can mark an operation reviewed.';
const MAY_NOT_DIAGNOSE = 'Only support of this workspace can open diagnostics.';

async function review(event: RequestEvent, isReviewed: boolean) {
  const door = await openDoor(event, 'review', 'operations.review', MAY_NOT_REVIEW);
  const answer = await reviewOperation(event.locals.database.people, { ...door, isReviewed });
  switch (answer) {
    case 'absent':
      return door.absent();
    case 'busy':
      return fail(409, { review: 'This operation is being reported right now. Try again in a moment.' });
    case 'no follow-up':
      return fail(409, { review: 'This operation has no follow-up, so there is nothing to review.' });
  }
  // The page again, and a reload of it repeats nothing.
  redirect(303, operationAddress(door.workspaceId, door.operationId));
}

export const actions: Actions = {
  review: (event) => review(event, true),
  undo: (event) => review(event, false),
  async diagnostics(event) {
    const door = await openDoor(event, 'diagnostics', 'diagnostics.read', MAY_NOT_DIAGNOSE);
    const diagnostics = await openDiagnostics(event.locals.database.people, door);
    if (diagnostics === null) return door.absent();
    return { diagnostics: { ...diagnostics, operationId: door.operationId } };
  }
};
