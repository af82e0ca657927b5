/** A workspace and environment that exist, for the example in the start banner. */
import type { Queryable } from './database/pool.ts';

export interface Place {
  workspaceId: number;
  environmentId: number | null;
}

/** The oldest workspace, one with environments before one without; null when there is none. */
export async function readFirstPlace(db: Queryable): Promise<Place | null> {
  const { rows } = await db.query<Place>(
    `select w.id as "workspaceId", min(e.id) as "environmentId"
     from public.workspaces w left join public.managed_environments e on e.workspace_id = w.id
     group by w.id order by (min(e.id) is null), w.id limit 1`
  );
  return rows[0] ?? null;
}
