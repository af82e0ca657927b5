/** How many rows a list has now, for the page that shows it: the same address, the same answers for what is absent. */
import { json } from '@sveltejs/kit';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readListCounts } from '#lib/server/operations/counts.ts';
import { normaliseSearch } from '#lib/server/operations/options.ts';
import { nothingThere } from '../../../../nothing-there.ts';
import { readRequest, toAsked } from '../read-request.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async ({ locals, params, url }) => {
  const workspaceId = parseId(params.workspace);
  const request = readRequest(url, url.pathname.replace(/\/counts$/, ''));
  const denial = { door: 'counts', ...toAsked(params, url) } as const;
  if (workspaceId === null || request === null) nothingThere(locals, denial);
  const { environmentId, filter } = request;
  const counts = await readWorkspace(
    locals.database.people,
    locals.person!.id,
    workspaceId,
    async (client, visible) => {
      if (environmentId !== null && !visible.environments.some(({ id }) => id === environmentId)) return null;
      if (filter.text !== null) filter.textNormal = await normaliseSearch(client, filter.text);
      return readListCounts(client, visible, environmentId, filter);
    }
  );
  if (counts === null) nothingThere(locals, denial);
  return json(counts);
};
