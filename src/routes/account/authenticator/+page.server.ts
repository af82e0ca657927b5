/**
 * The authenticator app of one's own account: set up (password, then the first code), or turned off (password and a code).
 * Plain forms; each change ends every session but the one that is made for this browser in the same breath.
 */
import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { z } from 'zod';
import { readForm } from '#lib/server/web/forms.ts';
import { qrPathOf } from '#lib/ui/wall/qr-path.ts';
import { confirmPassword, refuseCode, renewSession, WRONG_CODE } from '../own-session.ts';
import type { Actions, PageServerLoad } from './$types';

const beginSchema = z.object({ current: z.string().max(2048).catch('') });
const codeSchema = z.object({ code: z.string().max(100).catch('') });

export const load: PageServerLoad = async ({ locals }) => {
  const { authenticators } = locals.access;
  const authenticator = await authenticators.read(locals.person!.id);
  const setUp = authenticator ? null : await authenticators.readSetUp(locals.person!, locals.session!.id);
  return {
    authenticator,
    // Encoded here: browsers need no encoder for one picture.
    setUp: setUp && { ...setUp, code: qrPathOf(setUp.uri) },
    readAt: Date.now()
  };
};

const refuse = (status: number, field: 'current' | 'code', message: string) => fail(status, { field, message });

async function fieldsOf<T>({ request }: RequestEvent, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(await readForm(request));
}

export const actions: Actions = {
  async begin(event) {
    const { current } = await fieldsOf(event, beginSchema);
    const refusal = await confirmPassword(event, current);
    if (refusal) return refuse(refusal.status, 'current', refusal.message);
    await event.locals.access.authenticators.begin(event.locals.person!.id, event.locals.session!.id);
    redirect(303, '/account/authenticator');
  },

  async confirm(event) {
    const { locals } = event;
    const { code } = await fieldsOf(event, codeSchema);
    const answer = await locals.access.authenticators.confirm(locals.person!.id, locals.session!.id, code);
    if (answer.kind === 'over')
      return refuse(400, 'current', 'That took too long. Enter your password to begin again.');
    if (answer.kind === 'wrong') return refuse(400, 'code', WRONG_CODE);
    await renewSession(event, answer.proven, 'authenticator set up');
    // In the answer itself, and never again: only their hashes are kept.
    return { recoveryCodes: answer.recoveryCodes };
  },

  async turnOff(event) {
    const { locals } = event;
    const { current, code } = await fieldsOf(event, beginSchema.extend(codeSchema.shape));
    if (!code.trim()) return refuse(400, 'code', 'Enter a code of the app, or a recovery code.');
    const refusal = await confirmPassword(event, current);
    if (refusal) return refuse(refusal.status, 'current', refusal.message);
    const me = { personId: locals.person!.id, sessionId: locals.session!.id };
    const answer = await locals.access.authenticators.turnOff(me, code, locals.address);
    if (answer.kind !== 'off') {
      const { status, message } = refuseCode(event, answer);
      return refuse(status, 'code', message);
    }
    await renewSession(event, answer.proven, 'authenticator removed');
    redirect(303, '/account?done=authenticator-removed');
  }
};
