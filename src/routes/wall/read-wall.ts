/**
 * What a wall is told when it asks for its page, by the load and by /wall/data alike: whether it is a display, and what it
 * begins with, in one snapshot read as that display. It renews the display's secret on the way.
 */
import { version } from '$app/environment';
import type { RequestEvent } from '@sveltejs/kit';
import { readWorkspace } from '#lib/server/access/scope.ts';
import { readWallPage } from '#lib/server/displays/wall-page.ts';
import { sealPage } from '#lib/server/stream/token.ts';
import type { WallAnswer } from '#lib/operations/wall-answer.ts';

export async function readWall({ locals, request, cookies }: RequestEvent): Promise<WallAnswer> {
  const checked = await locals.access.displays.check(request.headers.get('cookie'));
  if (checked.state === 'revoked') return { version, state: 'revoked', at: checked.at };
  if (checked.state === 'unknown') return { version, state: 'unpaired' };
  const { displayId, workspaceId, setCookie } = checked;
  const userId = -displayId;
  const page = await readWorkspace(locals.database.people, userId, workspaceId, async (client, visible) => {
    const found = await readWallPage(client, visible, displayId);
    return found && { ...found, token: await sealPage(locals.database.access, visible, { userId, workspaceId }) };
  });
  // It was revoked a moment ago: its next question says when.
  if (page === null) return { version, state: 'unpaired' };
  if (setCookie) cookies.set(setCookie.name, setCookie.value, setCookie.options);
  return { version, state: 'paired', page };
}
