/**
 * What somebody may see of a scope, in SQL: the one text of it for who subscribes (alone or in a crowd, access-reads.ts) and
 * for who catches up, where it is read in the same snapshot as the rows. `server/access/scope.ts` has the pages' own, and
 * row-level security is behind both.
 */
import type { Queryable } from '../database/pool.ts';
import type { Scope } from '../../live/protocol.ts';
import { isInScope, type WorkspaceAccess } from './rooms.ts';

/** Who asks: a person by their id and session; a display by the negative of its id (decision 0016). */
export interface Subscriber {
  userId: number;
  sessionId: string;
}

/** `isInScope` of rooms.ts in SQL: $3 is the environment of the scope, `access.narrowed_to` the person's. */
export function isPlaceInScope(column: string): string {
  return `(case when $3::bigint is not null then ${column} is not distinct from $3
    else cardinality(access.narrowed_to) = 0 or ${column} is null or ${column} = any (access.narrowed_to) end)`;
}

/** $2 workspace, $3 environment or null, $4 who, $5 session. No row = may not see it, or it does not exist. */
export const ACCESS = `select m.role, array(
      select em.managed_environment_id from public.environment_memberships em
      where em.workspace_id = m.workspace_id and em.user_id = m.user_id) as narrowed_to
    from public.memberships m
    join public.users u on u.id = m.user_id and u.disabled_at is null
    join public.sessions s on s.id = $5 and s.user_id = u.id and s.expires_at > now()
    where m.workspace_id = $2 and m.user_id = $4
      and ($3::bigint is null or (
        exists (select from public.managed_environments e where e.workspace_id = m.workspace_id and e.id = $3)
        and (not exists (select from public.environment_memberships em
              where em.workspace_id = m.workspace_id and em.user_id = m.user_id)
          or exists (select from public.environment_memberships em
              where em.workspace_id = m.workspace_id and em.user_id = m.user_id and em.managed_environment_id = $3))))
    union all
    select 'display', d.environment_ids
    from public.displays d
    where $4::bigint < 0 and d.id = -$4::bigint and d.workspace_id = $2 and d.revoked_at is null
      and ($3::bigint is null or (
        exists (select from public.managed_environments e where e.workspace_id = d.workspace_id and e.id = $3)
        and (cardinality(d.environment_ids) = 0 or $3 = any (d.environment_ids))))`;

/** What the person may see of the scope now: decides which rooms to join before catching up. */
export async function readScopeAccess(
  db: Queryable,
  scope: Scope,
  { userId, sessionId }: Subscriber
): Promise<WorkspaceAccess | null> {
  const { rows } = await db.query<{ role: string; narrowed_to: number[] }>(
    // $1 is unused here: the statement shares ACCESS with readScopeDifference.
    `with unused as (select $1::text) ${ACCESS}`,
    ['', scope.workspaceId, scope.environmentId, userId, sessionId]
  );
  return rows[0] ? { role: rows[0].role, narrowedTo: rows[0].narrowed_to } : null;
}

/** The environments of a workspace, for who watches the numbers of each of them. */
export async function readEnvironmentIds(db: Queryable, workspaceId: number): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>(
    'select id from public.managed_environments where workspace_id = $1 order by id',
    [workspaceId]
  );
  return rows.map(({ id }) => id);
}

/** Same rooms, same rights: is what was joined still what may be seen? */
export function isSameAccess(scope: Scope, a: WorkspaceAccess, b: WorkspaceAccess): boolean {
  const places = [null, ...a.narrowedTo, ...b.narrowedTo];
  return (
    (a.narrowedTo.length === 0) === (b.narrowedTo.length === 0) &&
    places.every((place) => isInScope(scope, a, place) === isInScope(scope, b, place))
  );
}
