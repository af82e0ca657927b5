/**
 * The overview's page: environments, their summaries and hours, and the place in the stream, all of one snapshot. Absent,
 * foreign and malformed workspaces are one 404, as everywhere.
 */
import { error } from '@sveltejs/kit';
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readOverview, withSilenceLimits } from '#lib/server/operations/overview.ts';
import { readSummaries } from '#lib/server/operations/summary.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import type { OverviewPage } from '#lib/operations/pages.ts';
import { parseTileOrder } from '#lib/operations/tile.ts';
import { nothingThere } from '../../nothing-there.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, params, url, depends }) => {
  depends('watchfloor:overview');
  const person = locals.person!;
  const workspaceId = parseId(params.workspace);
  if (workspaceId === null) nothingThere(locals, { door: 'overview', workspaceId: params.workspace });
  const text = url.searchParams.get('order');
  const order = parseTileOrder(text);

  const overview = await readWorkspace(
    locals.database.people,
    person.id,
    workspaceId,
    async (client, visible): Promise<OverviewPage> => ({
      workspace: visible.workspace,
      ...(await readOverview(client, visible)),
      summaries: await withSilenceLimits(
        client,
        workspaceId,
        await readSummaries(
          client,
          workspaceId,
          ['itself', ...visible.environments.map(({ id }) => id)],
          visible.readAt
        )
      ),
      typeLabels: visible.typeLabels,
      token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
      readAt: visible.readAt
    })
  );
  if (overview === null) nothingThere(locals, { door: 'overview', workspaceId });
  if (order === undefined)
    error(400, {
      message: 'The value of order in the address must be worst or name.',
      name: 'order',
      value: text!.slice(0, 100),
      cleanUrl: url.pathname
    });
  return { overview, order };
};
