/** A display says how it is: the one thing that it can write, of itself alone (server/displays/presence.ts). */
import { json } from '@sveltejs/kit';
import { notePresence, presenceSchema } from '#lib/server/displays/presence.ts';
import type { RequestHandler } from './$types';

export const POST: RequestHandler = async ({ request, locals }) => {
  const display = await locals.access.displays.read(request.headers.get('cookie'));
  if (display === null) return json({}, { status: 401 });
  const said = presenceSchema.safeParse(await request.json().catch(() => null));
  if (!said.success) return json({}, { status: 400 });
  await notePresence(locals.database.access, display.displayId, said.data);
  return new Response(null, { status: 204 });
};
