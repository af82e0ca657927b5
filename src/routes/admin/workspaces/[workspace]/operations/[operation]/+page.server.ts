import { error } from '@sveltejs/kit';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readOperation } from '#lib/server/operations/detail.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import { labelOf } from '#lib/operations/wording.ts';
import type { DetailPage } from '#lib/operations/pages.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, params, depends }) => {
  depends('watchfloor:operation');
  const person = locals.person!;
  const [workspaceId, operationId] = [parseId(params.workspace), parseId(params.operation)];
  if (workspaceId === null || operationId === null) error(404, 'Not found');

  const detail = await readWorkspace(
    locals.database.people,
    person.id,
    workspaceId,
    async (client, visible): Promise<DetailPage | null> => {
      const operation = await readOperation(client, workspaceId, operationId);
      if (operation === null) return null;
      return {
        ...operation,
        workspace: visible.workspace,
        environment: visible.environments.find(({ id }) => id === operation.row.environmentId) ?? null,
        typeLabel: labelOf(operation.row.type, visible.typeLabels),
        token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
        readAt: visible.readAt
      };
    }
  );
  if (detail === null) error(404, 'Not found');
  return { detail };
};
