/**
 * Which node answers over HTTP, and what it speaks: asked by the connection page, also to learn whether HTTP is answered at
 * all. For whoever is signed in; to others it is what every page of /admin is.
 */
import { json } from '@sveltejs/kit';
import { readNodeName } from '#lib/server/metrics/own-node.ts';
import { PROTOCOL_VERSION } from '#lib/live/protocol.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = () => json({ node: readNodeName() ?? '', protocol: PROTOCOL_VERSION });
