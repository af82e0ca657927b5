/**
 * The displays of a workspace with what they said of themselves, and a screen that waits under a code: entering it, seeing
 * what asks, approving it. Codes are tried at a limited rate; a right one costs no try.
 */
import { version } from '$app/environment';
import { fail, redirect } from '@sveltejs/kit';
import { approveDisplay, CodeOverError, findWaiting, readDisplays } from '#lib/server/displays/management.ts';
import { displaysAddress } from '#lib/operations/addresses.ts';
import { parseCode, parseSettings } from '#lib/operations/display-settings.ts';
import { enterDisplays, readForm, toContext } from './door.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

const NOTHING_WAITS =
  'No screen waits under this code. Check it against the screen: a code holds ten minutes, and once.';
const TOO_MANY = 'Too many codes were tried. Wait a quarter of an hour, then try again.';

/** Takes one try, finds what waits, and gives the try back when the code was right. */
async function tryCode(event: RequestEvent, find: () => Promise<boolean>): Promise<'found' | 'nothing' | 'limited'> {
  const tried = await event.locals.access.pairing.mayTry(event.locals.address);
  if (tried === 'limited') {
    event.locals.denied({ door: 'pairing', why: 'too many attempts' });
    return 'limited';
  }
  if (await find()) {
    await tried.gaveBack();
    return 'found';
  }
  event.locals.denied({ door: 'pairing', why: 'refused' });
  return 'nothing';
}

export const load: PageServerLoad = async (event) => {
  event.depends('watchfloor:displays');
  const text = event.url.searchParams.get('code');
  const found = await enterDisplays(event, 'read', async (client, visible) => ({
    workspace: visible.workspace,
    environments: visible.environments,
    mayGiveWorkspace: visible.seesAllEnvironments,
    displays: await readDisplays(client, visible),
    readAt: visible.readAt
  }));
  const base = { ...found, zone: event.locals.timeZone, version, typed: text?.slice(0, 40) ?? null };
  if (text === null) return { ...base, waiting: null, code: null, mistake: null };
  const code = parseCode(text);
  if (code === null) return { ...base, waiting: null, code: null, mistake: NOTHING_WAITS };
  let waiting: Awaited<ReturnType<typeof findWaiting>> = null;
  const answer = await tryCode(event, async () => {
    waiting = await enterDisplays(event, 'read', async (client) => ({ one: await findWaiting(client, code) })).then(
      ({ one }) => one
    );
    return waiting !== null;
  });
  const mistake = answer === 'found' ? null : answer === 'limited' ? TOO_MANY : NOTHING_WAITS;
  return { ...base, waiting, code: waiting === null ? null : code, mistake };
};

export const actions: Actions = {
  async approve(event) {
    const form = await readForm(event.request);
    // Whoever may not is told so before a code is tried: nobody else uses up the tries of those who may.
    await enterDisplays(event, 'read', async () => ({}));
    const code = parseCode(String(form.get('code') ?? ''));
    const name = event.locals.person!.name;
    let mistake: { field: string; message: string } | null = null;
    let workspaceId = 0;
    const approve = async (): Promise<boolean> => {
      const done = await enterDisplays(event, 'change', async (client, visible) => {
        workspaceId = visible.workspace.id;
        const settings = parseSettings(form, toContext(visible));
        if ('message' in settings) return { mistake: settings };
        if (code === null) throw new CodeOverError('No code.');
        await approveDisplay(client, visible.workspace.id, code, settings, name);
        return { mistake: null };
      }).catch((error: unknown) => {
        if (error instanceof CodeOverError) return null;
        throw error;
      });
      mistake = done?.mistake ?? null;
      return done !== null;
    };
    const answer = await tryCode(event, approve);
    if (mistake !== null) return fail(400, mistake as { field: string; message: string });
    if (answer === 'limited') return fail(429, { field: 'code', message: TOO_MANY });
    if (answer === 'nothing') return fail(409, { field: 'code', message: NOTHING_WAITS });
    redirect(303, displaysAddress(workspaceId));
  }
};
