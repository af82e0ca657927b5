/**
 * Reads of the change log: what became visible since a place. Two statements, one for the feed (everything) and one for
 * a person who catches up (their scope, with their access read in the same snapshot).
 * The form is the measured one of ENGINE.md section 3: `xid >= xmax(place)` union all `xid = any(xip(place))`: 8 buffers
 * where `xid >= xmin and not visible` reads 1,722 behind one idle transaction.
 * Invariant: one statement, so new place, floor, difference and rows are all of one snapshot, and `proofAt` (the start of
 * its transaction, hence before its snapshot) is not later than any commit it could have missed.
 */
import type { Queryable } from '../database/pool.ts';
import { listColumns, toOperationRow, type ListColumns } from '../operations/columns.ts';
import type { Scope } from '../../live/protocol.ts';
import { formatSnapshot, parseSnapshot, type Place } from '../stream/place.ts';
import { isInScope, type OperationChange, type WorkspaceAccess } from './rooms.ts';

/** Where a read stands, and by the database's clock when. */
export interface Reading {
  place: Place;
  /** ms; everything committed before is in what was read */
  proofAt: number;
  /** ms; the database's clock while the statement ran, for correcting other clocks */
  readAt: number;
  /** changes of transactions below this may be gone from the log */
  floor: bigint;
}

export interface FeedDifference extends Reading {
  operations: OperationChange[];
  /** people whose access may have changed; workspaceId null = everywhere */
  access: { userId: number; workspaceId: number | null }[];
  /** people of whom a session ended */
  sessions: number[];
  /** workspaces whose names changed; null = all */
  names: (number | null)[];
  /** a table was truncated, or more changed than `most`: everything must be read anew */
  isOverflow: boolean;
}

type Kind = 'o' | 'm' | 'd' | 't' | 'a' | 's' | 'r';
type Grouped = Partial<ListColumns> & {
  snapshot: string;
  epoch: string | null;
  floor: string;
  proof_at: Date;
  read_at: Date;
  kind: Kind | null;
  changed_workspace: number | null;
  changed_environment: number | null;
  old_environment: number | null;
  changed_id: number;
  changed_revision: number;
};

const PLACE = `place as materialized (
    select pg_current_snapshot()::text as snapshot, watchfloor.read_epoch() as epoch, now() as proof_at,
      clock_timestamp() as read_at, (select floor from watchfloor.change_floor)::text as floor
  )`;
const CHANGED = `select kind, workspace_id, environment_id, old_environment_id, id, revision
    from watchfloor.changes where xid >= pg_snapshot_xmax($1::pg_snapshot)
    union all
    select kind, workspace_id, environment_id, old_environment_id, id, revision
    from watchfloor.changes where xid = any (array(select pg_snapshot_xip($1::pg_snapshot)))`;
const GROUPED = `c.kind, c.workspace_id as changed_workspace, c.environment_id as changed_environment,
    c.old_environment_id as old_environment, c.id as changed_id, max(c.revision) as changed_revision`;

/**
 * What became visible since `since`, or only where the stream stands when `since` is null. The epoch is '' when the
 * nonce is gone (after a crash): the caller renews it and reads again. More than `most` groups are an overflow.
 */
export async function readFeedDifference(db: Queryable, since: Place | null, most: number): Promise<FeedDifference> {
  const { rows } = await db.query<Grouped>(
    `with ${PLACE}, changed as (${CHANGED}), grouped as materialized (
       select ${GROUPED} from changed c group by 1, 2, 3, 4, 5 order by c.kind in ('o', 'm', 'd') limit $2
     )
     select place.*, g.*, ${listColumns('r')}
     from place left join grouped g on true
     -- offset 0 keeps this a lookup by primary key for each change, whatever the planner thinks of their number
     left join lateral (select * from (select ${listColumns('o')} from public.operation_runs o
       where o.id = g.changed_id and g.kind in ('o', 'm', 'd') offset 0) found) r on true`,
    [since ? formatSnapshot(since.snapshot) : '1:1:', since ? most + 1 : 0]
  );
  const reading = toReading(rows[0]!);
  const entries = rows.filter((row) => row.kind !== null);
  return {
    ...reading,
    operations: toOperationChanges(entries),
    access: entries
      .filter(({ kind }) => kind === 'a')
      .map((row) => ({ userId: row.changed_id, workspaceId: row.changed_workspace })),
    sessions: entries.filter(({ kind }) => kind === 's').map((row) => row.changed_id),
    names: entries.filter(({ kind }) => kind === 'r').map((row) => row.changed_workspace),
    isOverflow: entries.length > most || entries.some(({ kind }) => kind === 't')
  };
}

export interface ScopeDifference extends Reading {
  /** null where the person may not see the scope: the one answer for absent and for forbidden */
  access: WorkspaceAccess | null;
  /**
   * The person's access changed since the place: rows that did not change may have come into sight or left it, which no
   * difference of rows can tell, so the window must be read anew.
   */
  hasAccessChanged: boolean;
  operations: OperationChange[];
  isOverflow: boolean;
}

export interface Subscriber {
  userId: number;
  sessionId: string;
}

/**
 * What became visible since `since` in a person's scope, with the person's session, membership and entitlements read in
 * the same snapshot: catch-up cannot be used to read around a revocation.
 */
export async function readScopeDifference(
  db: Queryable,
  since: Place,
  scope: Scope,
  { userId, sessionId }: Subscriber,
  most: number
): Promise<ScopeDifference> {
  const { rows } = await db.query<
    Grouped & { role: string | null; narrowed_to: number[] | null; has_access_changed: boolean }
  >(
    `with ${PLACE}, access as materialized (${ACCESS}),
     changed as (${CHANGED}), grouped as materialized (
       select ${GROUPED} from changed c
       where c.kind in ('o', 'm', 'd') and c.workspace_id = $2 and exists (select from access)
       group by 1, 2, 3, 4, 5 limit $6
     )
     select place.*, access.role, access.narrowed_to, exists (
         select from changed c where c.kind = 'a' and c.id = $4 and (c.workspace_id is null or c.workspace_id = $2)
       ) as has_access_changed, g.*, ${listColumns('r')}
     from place left join access on true left join grouped g on true
     left join lateral (select * from (select ${listColumns('o')} from public.operation_runs o
       where o.id = g.changed_id and o.workspace_id = $2
         and ($3::bigint is null or o.managed_environment_id = $3)
         and (cardinality(access.narrowed_to) = 0 or o.managed_environment_id is null
           or o.managed_environment_id = any (access.narrowed_to)) offset 0) found) r on true`,
    [formatSnapshot(since.snapshot), scope.workspaceId, scope.environmentId, userId, sessionId, most + 1]
  );
  const first = rows[0]!;
  const entries = rows.filter((row) => row.kind !== null);
  return {
    ...toReading(first),
    access: first.role === null ? null : { role: first.role, narrowedTo: first.narrowed_to! },
    hasAccessChanged: first.has_access_changed,
    operations: toOperationChanges(entries),
    isOverflow: entries.length > most
  };
}

/** $2 workspace, $3 environment or null, $4 person, $5 session. No row = may not see it, or it does not exist. */
const ACCESS = `select m.role, array(
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
              where em.workspace_id = m.workspace_id and em.user_id = m.user_id and em.managed_environment_id = $3))))`;

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

/** Same rooms, same rights: is what was joined still what may be seen? */
export function isSameAccess(scope: Scope, a: WorkspaceAccess, b: WorkspaceAccess): boolean {
  const places = [null, ...a.narrowedTo, ...b.narrowedTo];
  return (
    (a.narrowedTo.length === 0) === (b.narrowedTo.length === 0) &&
    places.every((place) => isInScope(scope, a, place) === isInScope(scope, b, place))
  );
}

function toReading(row: Grouped): Reading {
  return {
    place: { epoch: row.epoch ?? '', snapshot: parseSnapshot(row.snapshot) },
    proofAt: row.proof_at.getTime(),
    readAt: row.read_at.getTime(),
    floor: BigInt(row.floor)
  };
}

/** Entries of the log, one change an operation: all places it was seen at, its highest revision, the row as it is now. */
function toOperationChanges(entries: Grouped[]): OperationChange[] {
  const changes = new Map<number, OperationChange>();
  for (const entry of entries) {
    if (entry.kind !== 'o' && entry.kind !== 'm' && entry.kind !== 'd') continue;
    const row = entry.id == null ? null : toOperationRow(entry as ListColumns);
    let change = changes.get(entry.changed_id);
    if (!change) {
      change = { id: entry.changed_id, workspaceId: entry.changed_workspace!, places: [], revision: 0, row };
      changes.set(entry.changed_id, change);
    }
    change.places.push(entry.changed_environment);
    if (entry.kind === 'm') change.places.push(entry.old_environment);
    change.revision = Math.max(change.revision, entry.changed_revision);
  }
  return [...changes.values()];
}
