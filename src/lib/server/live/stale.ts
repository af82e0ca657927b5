/**
 * What time alone makes stale: read for who watches (the next edge) and for who catches up (what is stale now). Nothing of
 * it stands in the log. Rows are read by the index of what may be stale, so the cost follows them and never history.
 */
import type { Queryable } from '../database/pool.ts';
import { listColumns, toOperationRow, type ListColumns } from '../operations/columns.ts';
import type { Scope } from '../../live/protocol.ts';
import type { OperationRow } from '../../operations/operation.ts';
import { MOST_STALE } from './differences.ts';
import { isPlaceInScope } from './scope-access.ts';
import type { OperationChange, WorkspaceAccess } from './rooms.ts';

/** The latest that are stale in what a person may see of a scope: what a catch-up tells beside the log. */
export async function readStaleRows(db: Queryable, scope: Scope, access: WorkspaceAccess): Promise<OperationChange[]> {
  const { rows } = await db.query<ListColumns>({
    name: 'watchfloor stale rows',
    text: `with access as materialized (select $2::bigint[] as narrowed_to)
     select ${listColumns('r')} from public.operation_runs r cross join access
     where r.workspace_id = $1 and r.status <> 'completed' and r.silence_check_at <= now() and r.stale_at <= now()
       and ${isPlaceInScope('r.managed_environment_id')}
     order by r.stale_at desc limit ${MOST_STALE}`,
    values: [scope.workspaceId, access.narrowedTo, scope.environmentId]
  });
  return rows.map(toOperationRow).map(toStaleChange);
}

function toStaleChange(row: OperationRow): OperationChange {
  return { id: row.id, workspaceId: row.workspaceId, places: [row.environmentId], revision: row.revision, row };
}

/** What became stale between two instants by time alone, and when to look again. */
export interface StaleEdge {
  operations: OperationChange[];
  /** ms, the database's clock: nothing that is known now becomes stale before; null = nothing that is known now will */
  nextAt: number | null;
}

/** Rows of a workspace that became stale in (after, at]; ms by the database's clock. Reads only what may be stale. */
export async function readStaleEdge(
  db: Queryable,
  workspaceId: number,
  after: number,
  at: number,
  most: number
): Promise<StaleEdge> {
  const [found, next] = await Promise.all([
    db.query<ListColumns>(
      `select ${listColumns('r')} from public.operation_runs r
       where r.workspace_id = $1 and r.status <> 'completed' and r.silence_check_at <= to_timestamp($3::float8 / 1000.0)
         and r.stale_at > to_timestamp($2::float8 / 1000.0) and r.stale_at <= to_timestamp($3::float8 / 1000.0)
       limit $4`,
      [workspaceId, after, at, most]
    ),
    db.query<{ next_at: Date | null }>(
      `select least(
         (select min(r.stale_at) from public.operation_runs r
          where r.workspace_id = $1 and r.status <> 'completed' and r.silence_check_at <= to_timestamp($2::float8 / 1000.0)
            and r.stale_at > to_timestamp($2::float8 / 1000.0)),
         (select r.silence_check_at from public.operation_runs r
          where r.workspace_id = $1 and r.status <> 'completed' and r.silence_check_at > to_timestamp($2::float8 / 1000.0)
          order by r.silence_check_at limit 1)) as next_at`,
      [workspaceId, at]
    )
  ]);
  return {
    operations: found.rows.map(toOperationRow).map(toStaleChange),
    nextAt: next.rows[0]?.next_at?.getTime() ?? null
  };
}
