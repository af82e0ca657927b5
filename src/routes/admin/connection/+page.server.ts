/**
 * What the connection page needs to open a connection like any live page's: a place in the stream of one workspace, the one
 * that the person came from (`?workspace=`) or the first they have. One that is absent, foreign or malformed is one 404.
 */
import { parseId, readWorkspace } from '#lib/server/access/scope.ts';
import { readNodeName } from '#lib/server/metrics/own-node.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import { PROTOCOL_VERSION } from '#lib/live/protocol.ts';
import { nothingThere } from '../nothing-there.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ locals, url, parent, depends }) => {
  depends('watchfloor:connection');
  const person = locals.person!;
  const text = url.searchParams.get('workspace');
  const workspaceId = text === null ? ((await parent()).workspaces[0]?.id ?? null) : parseId(text);
  if (text !== null && workspaceId === null) nothingThere(locals, { door: 'connection', workspaceId: text });
  const watched =
    workspaceId === null
      ? null
      : await readWorkspace(locals.database.people, person.id, workspaceId, async (_, visible) => ({
          workspace: visible.workspace,
          workspaceId,
          token: await sealPage(locals.database.access, visible, { userId: person.id, workspaceId }),
          readAt: visible.readAt
        }));
  if (text !== null && watched === null) nothingThere(locals, { door: 'connection', workspaceId: workspaceId! });
  return { watched, server: { node: readNodeName(), protocol: PROTOCOL_VERSION } };
};
