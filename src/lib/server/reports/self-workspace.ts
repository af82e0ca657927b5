/**
 * The workspace in which Watchfloor reports its own work, for administrators. The schema has no column for it: it is the
 * workspace, not a demo, that holds an operation marked as our own (source and external_id below, one index probe a
 * workspace), or an empty one with our name. So it may be renamed, and a customer's workspace that happens to be called
 * "Watchfloor" is never taken for ours. It belongs to nobody at first; `watchfloor member add` lets people in.
 */
import type { Queryable } from '../database/pool.ts';

export const SELF_WORKSPACE_NAME = 'Watchfloor';
/** Every operation that we report of ourselves carries these two: together they are the mark. */
export const SELF_SOURCE = 'watchfloor';
export const SELF_EXTERNAL_ID = 'self';

/** Any number of our own: two nodes that start together must not both make the workspace. */
const SELF_WORKSPACE_LOCK = 2_234_200_010;

/** The id of the workspace for self-reports, or null when there is none yet. */
export async function readSelfWorkspace(client: Queryable): Promise<number | null> {
  const { rows } = await client.query<{ id: number }>(
    `select id from (
       select w.id, w.name, exists (
           select from public.operation_runs o
           where o.workspace_id = w.id and o.source = $2 and o.external_id = $3) as is_marked,
         exists (select from public.operation_runs o where o.workspace_id = w.id) as is_used
       from public.workspaces w where not w.is_demo
     ) candidate
     where is_marked or (name = $1 and not is_used)
     order by is_marked desc, (name = $1) desc, id limit 1`,
    [SELF_WORKSPACE_NAME, SELF_SOURCE, SELF_EXTERNAL_ID]
  );
  return rows[0]?.id ?? null;
}

/** As readSelfWorkspace, and makes it when it is missing. Within the caller's transaction, as the owner. */
export async function ensureSelfWorkspace(client: Queryable): Promise<number> {
  await client.query('select pg_advisory_xact_lock($1)', [SELF_WORKSPACE_LOCK]);
  const found = await readSelfWorkspace(client);
  if (found !== null) return found;
  const { rows } = await client.query<{ id: number }>('insert into public.workspaces (name) values ($1) returning id', [
    SELF_WORKSPACE_NAME
  ]);
  return rows[0]!.id;
}
