/**
 * One's own account: the password, the sessions that are open, and how this browser shows things. All of it works by plain
 * forms; each ends in a page that says what was done, so that a reload repeats nothing.
 */
import { fail, redirect, type RequestEvent } from '@sveltejs/kit';
import { z } from 'zod';
import { changePassword } from '#lib/server/access/account.ts';
import { toBrowserName } from '#lib/server/access/browser-name.ts';
import { readLink } from '#lib/server/access/oidc-people.ts';
import { toFirstPath } from '#lib/server/access/return-path.ts';
import { toHandle } from '#lib/server/access/sessions.ts';
import { toWait } from '#lib/server/access/wait-wording.ts';
import { readForm } from '#lib/server/web/forms.ts';
import { parseTimeZone, THEME_COOKIE, THEMES, ZONE_CHOICE_COOKIE } from '#lib/server/web/preferences.ts';
import type { Actions, PageServerLoad } from './$types';

const YEAR_SECONDS = 31_536_000;
const DONE = [
  'password',
  'session',
  'sessions',
  'looks',
  'authenticator-removed',
  'passkey-added',
  'passkey-renamed',
  'passkey-removed'
] as const;
const password = z.string().max(2048).catch('');
const passwordSchema = z.object({ current: password, next: password, again: password });
const sessionSchema = z.object({ handle: z.string().regex(/^[0-9a-f]{16}$/) });
const looksSchema = z.object({ theme: z.enum(THEMES).catch('system'), zone: z.string().max(64).catch('') });

export const load: PageServerLoad = async ({ locals, url }) => ({
  whyNoPasskeys: toWhyNone(locals.access.toRelyingParty(url)),
  sessions: await locals.access.sessions.readOwn(locals.person!.id),
  passkeys: await locals.access.passkeys.readOwn(locals.person!.id),
  authenticator: await locals.access.authenticators.read(locals.person!.id),
  here: toHandle(locals.session!.id),
  readAt: Date.now(),
  zones: Intl.supportedValuesOf('timeZone'),
  chosenZone: locals.isZoneChosen ? locals.timeZone : null,
  signsInWith: await readSignsInWith(locals),
  done: DONE.find((what) => what === url.searchParams.get('done')) ?? null
});

/** The provider that this account is linked to, if it is the one there is now. */
async function readSignsInWith({ access, database, person }: App.Locals) {
  if (access.oidc === null) return null;
  const { issuer, label } = access.oidc;
  const link = await readLink(database.access, { personId: person!.id, issuer });
  return link && { label, ...link };
}

const toWhyNone = (party: unknown): string | null => (typeof party === 'string' ? party : null);

async function fieldsOf<T>({ request }: RequestEvent, schema: z.ZodType<T>): Promise<T | null> {
  return schema.safeParse(await readForm(request)).data ?? null;
}

export const actions: Actions = {
  async password(event) {
    const { locals, cookies, request, setHeaders } = event;
    const { current, next, again } = (await fieldsOf(event, passwordSchema))!;
    const refuse = (status: number, field: 'current' | 'next' | 'again', message: string) =>
      fail(status, { password: { field, message } });
    if (!current) return refuse(400, 'current', 'Enter the password that you have.');
    if (next !== again) return refuse(400, 'again', 'The two are not the same: enter the new password twice.');
    const answer = await changePassword(
      { pool: locals.database.access, signIn: locals.access.signIn, sessions: locals.access.sessions },
      {
        person: locals.person!,
        sessionId: locals.session!.id,
        current,
        next,
        address: locals.address,
        agent: toBrowserName(request.headers.get('user-agent'))
      }
    );
    if (answer.kind === 'over') {
      locals.denied({ door: 'account', why: 'signed out' });
      redirect(303, toFirstPath('/account', 'out'));
    }
    switch (answer.kind) {
      case 'mistake':
        return refuse(400, 'next', answer.sentence);
      case 'wrong':
        locals.denied({ door: 'account', why: 'refused' });
        return refuse(400, 'current', 'This is not your password.');
      case 'limited': {
        locals.denied({ door: 'account', why: 'too many attempts' });
        setHeaders({ 'retry-after': String(answer.retryAfterSeconds) });
        return refuse(429, 'current', `Too many attempts. Try again ${toWait(answer.retryAfterSeconds)}.`);
      }
      case 'busy':
        return refuse(503, 'current', 'Many people are signing in right now. Try again in a moment.');
    }
    cookies.set(answer.setCookie.name, answer.setCookie.value, answer.setCookie.options);
    locals.accessed('password changed', { personId: locals.person!.id, sessionId: answer.sessionId });
    redirect(303, '/account?done=password');
  },

  async end(event) {
    const { locals } = event;
    const asked = await fieldsOf(event, sessionSchema);
    // One that is over already, is none, or somebody else's: in any case it is not among them any more.
    if (asked !== null && asked.handle !== toHandle(locals.session!.id))
      await locals.access.sessions.endOwn(locals.person!.id, { handle: asked.handle });
    locals.accessed('sessions ended');
    redirect(303, '/account?done=session');
  },

  async endOthers({ locals }) {
    await locals.access.sessions.endOwn(locals.person!.id, { allBut: locals.session!.id });
    locals.accessed('sessions ended');
    redirect(303, '/account?done=sessions');
  },

  async looks(event) {
    const { theme, zone } = (await fieldsOf(event, looksSchema))!;
    // Scripts may read and write both: the switch in the top bar is the same choice.
    const options = { path: '/', httpOnly: false, sameSite: 'lax', maxAge: YEAR_SECONDS } as const;
    const known = zone !== '' && parseTimeZone(zone) === zone ? zone : '';
    const keep = (name: string, value: string): void =>
      value ? event.cookies.set(name, value, options) : event.cookies.delete(name, { path: '/', httpOnly: false });
    keep(THEME_COOKIE, theme === 'system' ? '' : theme);
    keep(ZONE_CHOICE_COOKIE, known);
    redirect(303, '/account?done=looks');
  }
};
