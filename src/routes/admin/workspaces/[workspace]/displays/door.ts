/**
 * The door of the Displays pages: who may read and who may change them, in one transaction as that person. Absent, foreign
 * and narrowed away are one 404; 403 is said only inside one's own workspace. Invariant: a display that cannot be seen is
 * answered before it is asked what the role may.
 */
import { error, type RequestEvent } from '@sveltejs/kit';
import type pg from 'pg';
import { can } from '#lib/server/access/capabilities.ts';
import { changeWorkspace, parseId, readWorkspace, type VisibleWorkspace } from '#lib/server/access/scope.ts';
import { nothingThere } from '../../../nothing-there.ts';

const CAPABILITY = 'displays.manage';
const MAY_NOT = 'Only owners and managers of this workspace can look after its displays.';

type Event = Pick<RequestEvent, 'locals'> & { params: { workspace: string; display?: string } };

/** What happens behind the door; `displayId` is null where the address names none. */
type Work<T> = (client: pg.PoolClient, visible: VisibleWorkspace, displayId: number | null) => Promise<T>;

/** `work` gives 'absent' where what it was about is not there (any more). */
export async function enterDisplays<T>(
  { locals, params }: Event,
  how: 'read' | 'change',
  work: Work<T>
): Promise<Exclude<T, 'absent'>> {
  const workspaceId = parseId(params.workspace);
  const displayId = params.display === undefined ? null : parseId(params.display);
  const denial = { door: 'displays', workspaceId: workspaceId ?? params.workspace } as const;
  if (workspaceId === null || (displayId === null && params.display !== undefined)) nothingThere(locals, denial);
  const enter = how === 'read' ? readWorkspace : changeWorkspace;
  const found = await enter(locals.database.people, locals.person!.id, workspaceId, async (client, visible) => {
    if (displayId !== null && !(await isThere(client, visible, displayId))) return 'absent';
    return can(visible.role, CAPABILITY) ? work(client, visible, displayId) : ('forbidden' as const);
  });
  if (found === null || found === 'absent') nothingThere(locals, denial);
  if (found === 'forbidden') {
    locals.denied({ ...denial, why: 'capability', capability: CAPABILITY });
    error(403, MAY_NOT);
  }
  return found as Exclude<T, 'absent'>;
}

/** Row-level security says which are this person's to see. */
async function isThere(client: pg.PoolClient, { workspace }: VisibleWorkspace, displayId: number): Promise<boolean> {
  const { rowCount } = await client.query(
    'select from public.displays where workspace_id = $1 and id = $2 and revoked_at is null',
    [workspace.id, displayId]
  );
  return rowCount === 1;
}

/** A body that is no form is one without fields: what is hidden answers alike, whatever was sent. */
export function readForm(request: Request): Promise<FormData> {
  return request.formData().catch(() => new FormData());
}

/** What of a form's scope this person may give. */
export function toContext({ environments, seesAllEnvironments }: VisibleWorkspace) {
  return {
    environmentIds: environments.map(({ id }) => id),
    mayGiveWorkspace: seesAllEnvironments,
    isZone
  };
}

function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
