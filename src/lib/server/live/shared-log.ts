/** Whose access the log says to have changed: what lets several people share one read of the rest of it. */
import type { Queryable } from '../database/pool.ts';
import { formatSnapshot, type Place } from '../stream/place.ts';

/** The people whose access to this workspace, or to everything, may have changed since the place. By the log's own index. */
export async function readAccessChanges(
  db: Queryable,
  place: Place,
  workspaceId: number
): Promise<ReadonlySet<number>> {
  const { rows } = await db.query<{ id: number }>(
    `select distinct id from (
       select id, workspace_id from watchfloor.changes where xid >= pg_snapshot_xmax($1::pg_snapshot) and kind = 'a'
       union all
       select id, workspace_id from watchfloor.changes
       where xid = any (array(select pg_snapshot_xip($1::pg_snapshot))) and kind = 'a'
     ) changed where workspace_id is null or workspace_id = $2`,
    [formatSnapshot(place.snapshot), workspaceId]
  );
  return new Set(rows.map(({ id }) => id));
}
