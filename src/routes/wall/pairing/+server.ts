/**
 * A screen asks for a code to show (RFC 8628, 3.1). One that is a display already is told so, and keeps its trust: a second
 * tab must not unpair the first.
 */
import { json } from '@sveltejs/kit';
import { z } from 'zod';
import type { PairingAnswer } from '#lib/operations/wall-answer.ts';
import type { RequestHandler } from './$types';

const side = z.number().int().min(1).max(100_000).nullable().catch(null);
const bodySchema = z.object({ width: side, height: side }).catch({ width: null, height: null });
/** Shown to nobody but a screen that waits. */
const RETRY_SECONDS = 60;

export const POST: RequestHandler = async (event) => {
  const { request, locals, cookies } = event;
  const cookieHeader = request.headers.get('cookie');
  if (await locals.access.displays.read(cookieHeader)) return json({ state: 'paired' } satisfies PairingAnswer);
  const { width, height } = bodySchema.parse(await request.json().catch(() => null));
  const found = await locals.access.pairing.ask(cookieHeader, {
    address: event.locals.address,
    browser: request.headers.get('user-agent') ?? '',
    width,
    height
  });
  if (found === 'limited') {
    locals.denied({ door: 'pairing', why: 'too many attempts' });
    return json({ state: 'limited', retryInSeconds: RETRY_SECONDS } satisfies PairingAnswer, { status: 429 });
  }
  const { setCookie, ...open } = found;
  if (setCookie) cookies.set(setCookie.name, setCookie.value, setCookie.options);
  return json({ state: 'waiting', ...open } satisfies PairingAnswer);
};
