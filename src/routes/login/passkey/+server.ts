/**
 * Signing in with a passkey, for the scripts of the sign-in page: without an answer of a device it says what to ask of one,
 * with one it signs in. Device and person are both proven by it, so no code is asked for. Which accounts have passkeys,
 * or none, nobody is told.
 */
import { json } from '@sveltejs/kit';
import { z } from 'zod';
import { toWait } from '#lib/server/access/wait-wording.ts';
import { enter } from '../enter.ts';
import type { PasskeyAnswer } from './answer.ts';
import type { RequestHandler } from './$types';

const bodySchema = z.object({ response: z.unknown().optional(), next: z.string().max(2048).catch('') });
const REFUSED = 'This passkey does not belong to an active account. Sign in with your password.';
const OVER = 'That took longer than five minutes. Try again.';

const answer = (what: PasskeyAnswer, status = 200, headers: Record<string, string> = {}): Response =>
  json(what, { status, headers });
const refuse = (status: number, message: string, headers?: Record<string, string>): Response =>
  answer({ kind: 'refused', message }, status, headers);

export const POST: RequestHandler = async (event) => {
  const { request, locals, cookies, url } = event;
  const { passkeys, toRelyingParty } = locals.access;
  const party = toRelyingParty(url);
  if (typeof party === 'string') return refuse(404, party);
  const { address } = locals;
  const parsed = bodySchema.safeParse(await request.json().catch(() => null));
  if (!parsed.success) return refuse(400, 'This is no answer of a passkey. Load the page again.');
  const { response, next } = parsed.data;

  if (response === undefined) {
    const begun = await passkeys.beginSignIn(party);
    cookies.set(begun.setCookie.name, begun.setCookie.value, begun.setCookie.options);
    return answer({ kind: 'asked', options: begun.options });
  }

  const found = await passkeys.signIn({ challenge: cookies.get(passkeys.cookieName), response, address, party });
  const { name, value, options } = passkeys.blankCookie;
  cookies.set(name, value, options);
  if (found.kind === 'limited') {
    locals.denied({ door: 'passkey', why: 'too many attempts' });
    const seconds = found.retryAfterSeconds;
    return refuse(429, `Too many attempts to sign in. Try again ${toWait(seconds)}.`, {
      'retry-after': String(seconds)
    });
  }
  if (found.kind !== 'signed in') {
    locals.denied({ door: 'passkey', why: found.kind === 'over' ? 'signed out' : 'refused' });
    return refuse(400, found.kind === 'over' ? OVER : REFUSED);
  }
  return answer({ kind: 'signed in', to: await enter(event, found, next) });
};
