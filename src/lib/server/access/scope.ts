/**
 * What a person may see, as the database enforces it: one transaction, one person, one workspace. Every page that shows
 * anything of a workspace reads inside `readWorkspace`, so rows, names and the place in the stream are of one snapshot
 * and row-level security stands behind every query.
 * Invariant: absent and forbidden are one answer from one query; nothing here tells them apart.
 */
import type pg from 'pg';
import type { Role } from './capabilities.ts';
import { withTransaction } from '../database/pool.ts';
import type { Named, Workspace } from '../../operations/pages.ts';

/** The workspace as this person may see it, all read in the snapshot of the transaction. */
export interface VisibleWorkspace {
  workspace: Workspace;
  role: Role;
  /** by name */
  environments: Named[];
  /** false = narrowed to `environments` and the workspace's own operations */
  seesAllEnvironments: boolean;
  typeLabels: Record<string, string>;
  /** where the stream of changes stands in this snapshot, as Postgres prints it; epoch null right after a crash */
  snapshot: string;
  epoch: string | null;
  /** ms, the database's clock at the start of the transaction */
  readAt: number;
}

/** A workspace id as it stands in an address; null for whatever is none. */
export function parseId(text: string | null | undefined): number | null {
  if (!text || !/^[1-9]\d{0,15}$/.test(text)) return null;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : null;
}

/**
 * Runs `work` in one REPEATABLE READ READ ONLY transaction as this person in this workspace; null where they may not see
 * it or it does not exist. Three statements before `work` (begin, who and where, what), whatever the size of anything.
 */
export async function readWorkspace<T>(
  pool: pg.Pool,
  userId: number,
  workspaceId: number,
  work: (client: pg.PoolClient, visible: VisibleWorkspace) => Promise<T>
): Promise<T | null> {
  return enter(pool, 'isolation level repeatable read read only', userId, workspaceId, work);
}

/**
 * The same in a transaction that may write what the policies let this person write; what was checked in it may change
 * before it commits, so policies and conditions stand on the statements themselves.
 */
export async function changeWorkspace<T>(
  pool: pg.Pool,
  userId: number,
  workspaceId: number,
  work: (client: pg.PoolClient, visible: VisibleWorkspace) => Promise<T>
): Promise<T | null> {
  return enter(pool, '', userId, workspaceId, work);
}

/** `userId`: a person, or a display as the negative of its id (decision 0016). */
async function enter<T>(
  pool: pg.Pool,
  mode: Parameters<typeof withTransaction>[1],
  userId: number,
  workspaceId: number,
  work: (client: pg.PoolClient, visible: VisibleWorkspace) => Promise<T>
): Promise<T | null> {
  return withTransaction(pool, mode, async (client) => {
    await client.query(
      `select set_config('watchfloor.user_id', $1, true), set_config('watchfloor.workspace_id', $2, true)`,
      [String(userId), String(workspaceId)]
    );
    const { rows } = await client.query<{
      id: number;
      name: string;
      is_demo: boolean;
      role: Role;
      sees_all: boolean;
      environments: Named[];
      type_labels: Record<string, string>;
      snapshot: string;
      epoch: string | null;
      read_at: Date;
    }>(
      `select w.id, w.name, w.is_demo, watchfloor.role_in_workspace() as role,
         watchfloor.sees_all_environments() as sees_all,
         coalesce((select jsonb_agg(jsonb_build_object('id', e.id, 'name', e.name) order by lower(e.name), e.id)
           from public.managed_environments e where e.workspace_id = w.id), '[]') as environments,
         (select jsonb_object_agg(code, label) from public.operation_types) as type_labels,
         pg_current_snapshot()::text as snapshot, watchfloor.read_epoch() as epoch, now() as read_at
       from public.workspaces w where w.id = $1`,
      [workspaceId]
    );
    const row = rows[0];
    if (!row) return null;
    return work(client, {
      workspace: { id: row.id, name: row.name, isDemo: row.is_demo },
      role: row.role,
      environments: row.environments,
      seesAllEnvironments: row.sees_all,
      typeLabels: row.type_labels,
      snapshot: row.snapshot,
      epoch: row.epoch,
      readAt: row.read_at.getTime()
    });
  });
}
