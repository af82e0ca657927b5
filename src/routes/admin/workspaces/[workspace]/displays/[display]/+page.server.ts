/**
 * One display: what is set of it, and everything that a person can do with it. The display hears of each within a second,
 * through the log of changes.
 */
import { version } from '$app/environment';
import { fail, redirect } from '@sveltejs/kit';
import type pg from 'pg';
import {
  changeDisplay,
  identifyDisplay,
  leaveNote,
  readDisplays,
  reloadDisplay,
  revokeDisplay,
  type DisplayId
} from '#lib/server/displays/management.ts';
import { displaysAddress } from '#lib/operations/addresses.ts';
import { parseHandOver, parseSettings } from '#lib/operations/display-settings.ts';
import { enterDisplays, readForm, toContext } from '../door.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

export const load: PageServerLoad = async (event) => {
  event.depends('watchfloor:displays');
  return enterDisplays(event, 'read', async (client, visible, displayId) => {
    const display = (await readDisplays(client, visible)).find(({ id }) => id === displayId);
    if (!display) return 'absent';
    return {
      workspace: visible.workspace,
      environments: visible.environments,
      mayGiveWorkspace: visible.seesAllEnvironments,
      display,
      version,
      readAt: visible.readAt
    };
  });
};

const NO_NOTE = 'Write a note of at most 280 characters, and choose how long it stands.';

/** Does one thing with the display of the address, and shows the page again. */
async function act(
  event: RequestEvent,
  work: (client: pg.PoolClient, of: DisplayId) => Promise<'done' | 'absent'>
): Promise<never> {
  const { of } = await enterDisplays(event, 'change', async (client, { workspace }, displayId) => {
    const id = { workspaceId: workspace.id, id: displayId! };
    return (await work(client, id)) === 'absent' ? 'absent' : { of: id };
  });
  redirect(303, displaysAddress(of.workspaceId, { id: of.id }));
}

export const actions: Actions = {
  async change(event) {
    const form = await readForm(event.request);
    const found = await enterDisplays(event, 'change', async (client, visible, displayId) => {
      const settings = parseSettings(form, toContext(visible));
      if ('message' in settings) return { mistake: settings, workspaceId: visible.workspace.id, id: displayId! };
      const of = { workspaceId: visible.workspace.id, id: displayId! };
      return (await changeDisplay(client, of, settings)) === 'absent' ? 'absent' : { mistake: null, ...of };
    });
    if (found.mistake !== null) return fail(400, found.mistake);
    redirect(303, displaysAddress(found.workspaceId, { id: found.id }));
  },
  identify: (event) => act(event, identifyDisplay),
  reload: (event) => act(event, reloadDisplay),
  async note(event) {
    const note = parseHandOver(await readForm(event.request));
    const by = event.locals.person!.name;
    if (note === null) {
      // Whoever may not, or nothing that is there, is told that first.
      await enterDisplays(event, 'read', async () => ({}));
      return fail(400, { field: 'note', message: NO_NOTE });
    }
    return act(event, (client, of) => leaveNote(client, of, { ...note, by }));
  },
  endNote: (event) => act(event, (client, of) => leaveNote(client, of, null)),
  async revoke(event) {
    const by = event.locals.person!.name;
    const { workspaceId } = await enterDisplays(event, 'change', async (client, { workspace }, displayId) => {
      const of = { workspaceId: workspace.id, id: displayId! };
      return (await revokeDisplay(client, of, by)) === 'absent' ? 'absent' : of;
    });
    redirect(303, displaysAddress(workspaceId));
  }
};
