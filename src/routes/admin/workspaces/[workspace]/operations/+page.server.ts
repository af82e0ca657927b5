import { can } from '#lib/server/access/capabilities.ts';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readListCounts } from '#lib/server/operations/counts.ts';
import { readPageOfRows } from '#lib/server/operations/first-page.ts';
import { normaliseSearch, readOptions } from '#lib/server/operations/options.ts';
import { toListQuery } from '#lib/server/operations/requests.ts';
import { readSummaries, summaryPlaces } from '#lib/server/operations/summary.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import type { HubPage } from '#lib/operations/pages.ts';
import { nothingThere } from '../../../nothing-there.ts';
import { readRequest, toAsked } from './read-request.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, params, url, depends }) => {
  depends('watchfloor:operations');
  const person = locals.person!;
  const workspaceId = parseId(params.workspace);
  const request = readRequest(url, url.pathname);
  const denial = { door: 'operations', ...toAsked(params, url) } as const;
  if (workspaceId === null || request === null) nothingThere(locals, denial);
  const { environmentId, pageSize } = request;

  const hub = await readWorkspace(
    locals.database.people,
    person.id,
    workspaceId,
    async (client, visible): Promise<HubPage | null> => {
      const environment = visible.environments.find(({ id }) => id === environmentId) ?? null;
      // One answer for an environment that is absent, foreign or narrowed away.
      if (environmentId !== null && environment === null) return null;
      const filter = request.filter;
      if (filter.text !== null) filter.textNormal = await normaliseSearch(client, filter.text);
      const { rows, position, hasAny } = await readPageOfRows(client, visible, request);
      return {
        workspace: visible.workspace,
        environment,
        environments: visible.environments,
        typeLabels: visible.typeLabels,
        filter,
        query: toListQuery(request, position.isFirst),
        summaries: await readSummaries(client, workspaceId, summaryPlaces(visible, environmentId), visible.readAt),
        listCounts: await readListCounts(client, visible, environmentId, filter),
        options: await readOptions(client, workspaceId, environmentId),
        mayReview: can(visible.role, 'operations.review'),
        rows,
        position,
        hasAny,
        pageSize,
        token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
        readAt: visible.readAt
      };
    }
  );
  if (hub === null) nothingThere(locals, denial);
  return { hub };
};
