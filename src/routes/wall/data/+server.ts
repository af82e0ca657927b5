/**
 * The wall's page again, as data: asked for by a wall that stays where it is. Not by SvelteKit's own reading of a load,
 * which shows an error page when an answer does not come.
 */
import { json } from '@sveltejs/kit';
import { readWall } from '../read-wall.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = async (event) => json(await readWall(event));
