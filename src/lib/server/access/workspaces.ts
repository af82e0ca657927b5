/**
 * The workspaces that a person is a member of. Read with the role `access`, because a transaction of the role `people`
 * has entered one workspace and sees no other. It owns no environment and no capability.
 */
import type { Workspace } from '../../operations/pages.ts';
import type { MemberRole } from './capabilities.ts';
import type { Queryable } from '../database/pool.ts';

/** A workspace with what the person is in it. */
export interface OwnWorkspace extends Workspace {
  role: MemberRole;
}

/** By name, then id; empty for somebody without a membership. One statement. */
export async function readWorkspaces(db: Queryable, personId: number): Promise<OwnWorkspace[]> {
  const { rows } = await db.query<OwnWorkspace>(
    `select w.id, w.name, w.is_demo as "isDemo", m.role
     from public.memberships m join public.workspaces w on w.id = m.workspace_id
     where m.user_id = $1
     order by lower(w.name), w.id`,
    [personId]
  );
  return rows;
}

/** Is any workspace a demo? Every page says so then, also the one to sign in. */
export async function hasDemoWorkspace(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    'select exists (select from public.workspaces where is_demo) as found'
  );
  return rows[0]!.found;
}
