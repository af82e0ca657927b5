/** A screen that shows a code asks whether somebody approved it (RFC 8628, 3.4), at the interval that it was told. */
import { json } from '@sveltejs/kit';
import type { PollAnswer } from '#lib/operations/wall-answer.ts';
import type { RequestHandler } from './$types';

export const POST: RequestHandler = async ({ request, locals }) =>
  json((await locals.access.pairing.poll(request.headers.get('cookie'))) satisfies PollAnswer);
