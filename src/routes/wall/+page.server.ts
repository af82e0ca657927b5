/** The wall: its first snapshot where it is paired, else that it is not. Never a sign-in, never a redirect. */
import { readWall } from './read-wall.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => ({ wall: await readWall(event), origin: event.url.origin });
