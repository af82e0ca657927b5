/**
 * Passkeys of one's own account: made, renamed, removed, each with the password. Making one takes a code, too, where signing in
 * with the password does: else the password alone would make what signs in without the code. It takes scripts, since the
 * browser speaks with the device; the rest are plain forms. Making and removing end every session but the one that is made
 * for this browser in the same breath.
 */
import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { z } from 'zod';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import { LONGEST_PASSKEY_NAME, MOST_PASSKEYS } from '#lib/server/access/passkeys.ts';
import type { RelyingParty } from '#lib/server/access/relying-party.ts';
import { readForm } from '#lib/server/web/forms.ts';
import { confirmPassword, refuseCode, renewSession } from '../own-session.ts';
import type { Actions, PageServerLoad } from './$types';

const current = z.string().max(2048).catch('');
// Nothing that a page could not show in a line; too long is cut.
const name = z
  .string()
  .transform((text) => [...text.replace(/\p{C}/gu, '').trim()].slice(0, LONGEST_PASSKEY_NAME).join(''))
  .catch('');
const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).catch(0);
const beginSchema = z.object({ current, code: z.string().max(100).catch('') });
const createSchema = z.object({ name, response: z.string().max(65_536).catch('') });
const renameSchema = z.object({ current, name, id });
const removeSchema = z.object({ current, id });
const NONE = 'This passkey is not there any more.';

export const load: PageServerLoad = async ({ locals, request, url }) => {
  const party = locals.access.toRelyingParty(url);
  return {
    passkeys: await locals.access.passkeys.readOwn(locals.person!.id),
    needsCode: (await locals.access.authenticators.read(locals.person!.id)) !== null,
    whyNone: typeof party === 'string' ? party : null,
    suggestedName: toBrowserName(request.headers.get('user-agent')) ?? 'This device',
    readAt: Date.now()
  };
};

/** `id`: of the passkey whose form it is about; 0 = of making one. */
const refuse = (status: number, refusedId: number, field: 'current' | 'code' | 'name', message: string) =>
  fail(status, { refusal: { id: refusedId, field, message } });

async function fieldsOf<T>({ request }: RequestEvent, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(await readForm(request));
}
const toParty = ({ locals, url }: RequestEvent): RelyingParty | null => {
  const party = locals.access.toRelyingParty(url);
  return typeof party === 'string' ? null : party;
};

export const actions: Actions = {
  async begin(event) {
    const { locals, cookies } = event;
    const { authenticators } = locals.access;
    const fields = await fieldsOf(event, beginSchema);
    const party = toParty(event);
    if (!party) redirect(303, '/account/passkeys');
    const needsCode = (await authenticators.read(locals.person!.id)) !== null;
    if (needsCode && !fields.code.trim()) return refuse(400, 0, 'code', 'Enter a code of the app, or a recovery code.');
    const refusal = await confirmPassword(event, fields.current);
    if (refusal) return refuse(refusal.status, 0, 'current', refusal.message);
    if (needsCode) {
      const answer = await authenticators.spend(locals.person!.id, fields.code, locals.address);
      if (answer.kind !== 'accepted') {
        const { status, message } = refuseCode(event, answer);
        return refuse(status, 0, 'code', message);
      }
    }
    const begun = await locals.access.passkeys.beginCreation(locals.person!, locals.session!.id, party);
    if (!begun) return refuse(400, 0, 'current', `You have ${MOST_PASSKEYS} passkeys: remove one first.`);
    cookies.set(begun.setCookie.name, begun.setCookie.value, begun.setCookie.options);
    return { options: begun.options };
  },

  async create(event) {
    const { locals, cookies } = event;
    const fields = await fieldsOf(event, createSchema);
    const party = toParty(event);
    if (!party) redirect(303, '/account/passkeys');
    const { passkeys } = locals.access;
    const answer = await passkeys.create({
      person: locals.person!,
      sessionId: locals.session!.id,
      challenge: cookies.get(passkeys.cookieName),
      response: toJson(fields.response),
      name: fields.name || 'Passkey',
      party
    });
    const { name: cookieName, value, options } = passkeys.blankCookie;
    cookies.set(cookieName, value, options);
    if (answer.kind !== 'created') {
      locals.denied({ door: 'passkey', why: answer.kind === 'over' ? 'signed out' : 'refused' });
      const why = answer.kind === 'over' ? 'That took too long.' : 'The browser made no passkey that can be used here.';
      return refuse(400, 0, 'current', `${why} Enter your password to begin again.`);
    }
    await renewSession(event, answer.proven, 'passkey added');
    redirect(303, '/account?done=passkey-added');
  },

  async rename(event) {
    const { locals } = event;
    const fields = await fieldsOf(event, renameSchema);
    if (!fields.name) return refuse(400, fields.id, 'name', 'Enter a name.');
    const refusal = await confirmPassword(event, fields.current);
    if (refusal) return refuse(refusal.status, fields.id, 'current', refusal.message);
    if (!(await locals.access.passkeys.rename(locals.person!.id, fields.id, fields.name)))
      return refuse(400, fields.id, 'name', NONE);
    locals.accessed('passkey renamed');
    redirect(303, '/account?done=passkey-renamed');
  },

  async remove(event) {
    const { locals } = event;
    const fields = await fieldsOf(event, removeSchema);
    const refusal = await confirmPassword(event, fields.current);
    if (refusal) return refuse(refusal.status, fields.id, 'current', refusal.message);
    const me = { personId: locals.person!.id, sessionId: locals.session!.id };
    const proven = await locals.access.passkeys.remove(me, fields.id);
    if (!proven) return refuse(400, fields.id, 'name', NONE);
    await renewSession(event, proven, 'passkey removed');
    redirect(303, '/account?done=passkey-removed');
  }
};

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
