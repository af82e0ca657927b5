import { error } from '@sveltejs/kit';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readPageOfRows } from '#lib/server/operations/first-page.ts';
import { MalformedValueError, NoSuchEnvironmentError, parseListRequest } from '#lib/server/operations/requests.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import type { HubPage } from '#lib/operations/pages.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, params, url, depends }) => {
  depends('watchfloor:operations');
  const person = locals.person!;
  const workspaceId = parseId(params.workspace);
  const request = readRequest(url);
  if (workspaceId === null || request === null) error(404, 'Not found');

  const hub = await readWorkspace(
    locals.database.people,
    person.id,
    workspaceId,
    async (client, visible): Promise<HubPage | null> => {
      const environment = visible.environments.find(({ id }) => id === request.environmentId) ?? null;
      // One answer for an environment that is absent, foreign or narrowed away.
      if (request.environmentId !== null && environment === null) return null;
      const { rows, position, hasAny } = await readPageOfRows(client, visible, request);
      return {
        workspace: visible.workspace,
        environment,
        environments: visible.environments,
        typeLabels: visible.typeLabels,
        rows,
        position,
        hasAny,
        pageSize: request.pageSize,
        token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
        readAt: visible.readAt
      };
    }
  );
  if (hub === null) error(404, 'Not found');
  return { hub };

  function readRequest(address: URL): ReturnType<typeof parseListRequest> | null {
    try {
      return parseListRequest(address.searchParams);
    } catch (cause) {
      if (cause instanceof NoSuchEnvironmentError) return null;
      if (!(cause instanceof MalformedValueError)) throw cause;
      error(400, { message: cause.message, name: cause.parameter, value: cause.value, cleanUrl: address.pathname });
    }
  }
};
