/**
 * Reads of the change log: what became visible since a place. Two statements, one for the feed (everything) and one for
 * a person who catches up (their scope, with their access read in the same snapshot).
 * The form is the measured one of ENGINE.md section 3: `xid >= xmax(place)` union all `xid = any(xip(place))`: 8 buffers
 * where `xid >= xmin and not visible` reads 1,722 behind one idle transaction.
 * Invariant: one statement, so new place, floor, difference and rows are all of one snapshot, and `proofAt` (the start of
 * its transaction, hence before its snapshot) is not later than any commit it could have missed.
 */
import type { Queryable } from '../database/pool.ts';
import {
  isUnclosed,
  judgedColumns,
  listColumns,
  resolution,
  toOperationRow,
  type ListColumns
} from '../operations/columns.ts';
import type { Scope } from '../../live/protocol.ts';
import { formatSnapshot, parseSnapshot, type Place } from '../stream/place.ts';
import type { OperationChange, WorkspaceAccess } from './rooms.ts';
import { ACCESS, isPlaceInScope, type Subscriber } from './scope-access.ts';

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

export interface ChangedNames {
  workspaceId: number | null;
  environmentId: number | null;
  /** what a display should show of itself changed: told to nobody but it (the negative of its id) */
  only?: number;
}

export interface FeedDifference extends Reading {
  operations: OperationChange[];
  /** people (and, as negative ids, displays) whose access may have changed; workspaceId null = everywhere */
  access: { userId: number; workspaceId: number | null }[];
  /** sessions that ended, by `sessionKey` */
  sessions: number[];
  /** whose names changed: an environment's, a workspace's (environmentId null), or everyone's (both null) */
  names: ChangedNames[];
  /** more operations changed than are read one by one: windows must be read anew */
  isOverflow: boolean;
  /** a table was emptied: so must they, and nothing on screen is sure */
  isTruncated: boolean;
  /** the newest transaction in progress that the snapshot does not list, because none after it had ended */
  ahead: bigint[];
}

type Kind = 'o' | 'm' | 'd' | 't' | 'a' | 's' | 'r' | 'p';
type Grouped = Partial<ListColumns> & {
  snapshot: string;
  epoch: string | null;
  floor: string;
  proof_at: Date;
  read_at: Date;
  is_overflow: boolean;
  next_xid_age?: number;
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
const since = (kinds: string): string => `
    select kind, workspace_id, environment_id, old_environment_id, id, revision
    from watchfloor.changes where xid >= pg_snapshot_xmax($1::pg_snapshot) and kind in ${kinds}
    union all
    select kind, workspace_id, environment_id, old_environment_id, id, revision
    from watchfloor.changes where xid = any (array(select pg_snapshot_xip($1::pg_snapshot))) and kind in ${kinds}`;
const OPERATIONS = since(`('o', 'm', 'd')`);
/** By an index of their own, so that they are read whole however many operations changed. */
const BESIDE = since(`('a', 's', 'r', 't', 'p')`);
/** All of them, for whoever only looks whether there is any but those of operations. */
const KINDS = `('o', 'm', 'd', 'a', 's', 'r', 't', 'p')`;
const GROUPED = `c.kind, c.workspace_id as changed_workspace, c.environment_id as changed_environment,
    c.old_environment_id as old_environment, c.id as changed_id, max(c.revision) as changed_revision`;

/**
 * A snapshot ends at the latest transaction that has ended: one that is in progress beyond it is in no list of it. Every
 * id between that end and the next one to be handed out is in progress, or was so when the snapshot was taken; the age of
 * an id says where the next one is (pg_locks would name them, and locks the lock table for it, writers included). It is
 * read after the snapshot, and must stand in the select list only: in a condition the planner may read it too early.
 */
const OLDEST_XID = 3n;
const NEXT_XID_AGE = `age('${OLDEST_XID}'::xid)`;

/** Follow-ups that one pass tells as resolved; the sweep tells the rest, by writing them down. */
const MOST_RESOLVED = 1_000;

/**
 * Candidates that the successes among `grouped` resolve: nothing of theirs was written, yet they are not open any more, and
 * whoever shows them must know with the success. By the facts of those and not by their rows: a success may have been moved or
 * removed since, and what it resolved where it was stays resolved. Only the newest success of each kind is looked at, and only
 * kinds that a success resolves: the work follows the kinds that changed, not successes times candidates.
 */
const RESOLVED = `resolving as materialized (
       select distinct on (s.workspace_id, s.place_id, s.type) s.workspace_id, s.place_id, s.type, s.completed_at, s.id
       from grouped g
       cross join lateral (select f.workspace_id, f.place_id, f.type, f.completed_at, f.operation_id as id
         from watchfloor.successes f where f.operation_id = g.changed_id and g.kind in ('o', 'm', 'd') offset 0) s
       join public.operation_types t on t.code = s.type and t.follow_up_policy in ('repeatable', 'artifact')
       order by s.workspace_id, s.place_id, s.type, s.completed_at desc, s.id desc
     ),
     resolved as materialized (
       select 'o'::"char" as kind, r.workspace_id as changed_workspace, r.managed_environment_id as changed_environment,
         null::bigint as old_environment, r.id as changed_id, 0::bigint as changed_revision
       from resolving s
       cross join lateral (select r.workspace_id, r.managed_environment_id, r.id from public.operation_runs r
         where r.workspace_id = s.workspace_id and r.place_id = s.place_id and r.type = s.type
           and ${isUnclosed('r')} and (r.completed_at, r.id) < (s.completed_at, s.id) offset 0) r
       where not exists (select from grouped g where g.changed_id = r.id and g.kind in ('o', 'm', 'd'))
       limit ${MOST_RESOLVED}
     )`;

/** What of a session's id stands in the log: 48 bits of it. */
export function sessionKey(sessionId: string): number {
  return Number.parseInt(sessionId.slice(0, 12), 16);
}

/**
 * What became visible since `place`, or only where the stream stands when it is null. The epoch is '' when the nonce is
 * gone or of another place (after a crash, on a restored copy): the caller renews it and reads again. Of more than `most`
 * entries of operations none is told (`isOverflow`), so one enormous transaction costs a bounded read; access, sessions
 * and names are always whole.
 */
export async function readFeedDifference(db: Queryable, place: Place | null, most: number): Promise<FeedDifference> {
  if (place === null) return await readWholeDifference(db, place, most);
  return (await readPlainDifference(db, place, most)) ?? (await readWholeDifference(db, place, most));
}

/** So many entries are looked at one by one, without being grouped. */
const FEW = 50;

/**
 * The same as the whole difference where that is what it mostly is: nothing, or a few operations and nothing else, of which
 * none may resolve another or be resolved itself. null where it is anything else: then nothing of this answer is used. Most of
 * the time of the whole question is its setting up, and this takes half as long (decision 0027).
 */
async function readPlainDifference(db: Queryable, place: Place, most: number): Promise<FeedDifference | null> {
  const { rows } = await db.query<Grouped & { has_open_follow_up: boolean | null; is_fact: boolean }>({
    name: 'watchfloor feed plain difference',
    text: `with ${PLACE}
     select place.*, false as is_overflow, ${NEXT_XID_AGE} as next_xid_age, c.kind, c.workspace_id as changed_workspace,
       c.environment_id as changed_environment, c.old_environment_id as old_environment, c.id as changed_id,
       c.revision as changed_revision, r.has_open_follow_up, ${listColumns('r')},
       exists (select from watchfloor.successes f where f.operation_id = c.id and c.kind in ('o', 'm', 'd')) as is_fact
     from place left join (select * from (${since(KINDS)}) listed limit ${FEW + 1}) c on true
     left join public.operation_runs r on r.id = c.id and c.kind in ('o', 'm', 'd')`,
    values: [formatSnapshot(place.snapshot)]
  });
  const isPlain =
    rows.length <= Math.min(FEW, most) &&
    rows.every(
      ({ kind, is_fact: isFact, has_open_follow_up: hasOpenFollowUp }) =>
        kind === null || ((kind === 'o' || kind === 'm' || kind === 'd') && !isFact && hasOpenFollowUp !== true)
    );
  return isPlain ? toFeedDifference(rows) : null;
}

/** Whatever there is. */
export async function readWholeDifference(db: Queryable, place: Place | null, most: number): Promise<FeedDifference> {
  const { rows } = await db.query<Grouped>({
    // Prepared once a connection: planning was most of its time.
    name: 'watchfloor feed difference',
    // Nothing is sorted or grouped before the cut, since the log of one transaction may hold millions.
    text: `with ${PLACE}, changed as materialized (select * from (${OPERATIONS}) listed limit $2),
     beside as materialized (select * from (${BESIDE}) listed where $2 > 0),
     overflow as materialized (select $2 > 0 and count(*) = $2 as is_overflow from changed),
     grouped as materialized (
       select ${GROUPED} from changed c where not (select is_overflow from overflow) group by 1, 2, 3, 4, 5
       union all
       select ${GROUPED} from beside c group by 1, 2, 3, 4, 5
     ),
     ${RESOLVED},
     told as materialized (select * from grouped union all select * from resolved)
     select place.*, overflow.*, ${NEXT_XID_AGE} as next_xid_age, g.*, ${listColumns('r')}
     from place cross join overflow left join told g on true
     -- offset 0 keeps this a lookup by primary key for each change, whatever the planner thinks of their number
     left join lateral (select * from (select ${judgedColumns('o')} from public.operation_runs o ${resolution('o')}
       where o.id = g.changed_id and g.kind in ('o', 'm', 'd') offset 0) found) r on true`,
    values: [place ? formatSnapshot(place.snapshot) : '1:1:', place ? most + 1 : 0]
  });
  return toFeedDifference(rows);
}

function toFeedDifference(rows: Grouped[]): FeedDifference {
  const entries = rows.filter((row) => row.kind !== null);
  return {
    ...toReading(rows[0]!),
    operations: toOperationChanges(entries),
    access: entries
      .filter(({ kind }) => kind === 'a')
      .map((row) => ({ userId: row.changed_id, workspaceId: row.changed_workspace })),
    sessions: entries.filter(({ kind }) => kind === 's').map((row) => row.changed_id),
    names: entries
      .filter(({ kind }) => kind === 'r' || kind === 'p')
      .map((row) => ({
        workspaceId: row.changed_workspace,
        environmentId: row.kind === 'p' || row.changed_id === 0 ? null : row.changed_id,
        ...(row.kind === 'p' && { only: row.changed_id })
      })),
    isOverflow: rows[0]!.is_overflow,
    isTruncated: entries.some(({ kind }) => kind === 't'),
    ahead: toAhead(parseSnapshot(rows[0]!.snapshot).xmax, rows[0]!.next_xid_age!)
  };
}

/** A place where operations changed. */
export interface ChangedPlace {
  workspaceId: number;
  /** null = the workspace itself */
  environmentId: number | null;
}

/**
 * Where operations changed since `place`, when they are too many to be told one by one; null beyond `most` entries. Its
 * snapshot is a later one than that of the difference: a place too many is told, never one too few.
 */
export async function readChangedPlaces(db: Queryable, place: Place, most: number): Promise<ChangedPlace[] | null> {
  const { rows } = await db.query<{ workspace_id: number; environment_id: number | null; entries: number }>(
    `with changed as materialized (select * from (${OPERATIONS}) listed limit $2)
     select workspace_id, environment_id, sum(entries)::bigint as entries from (
       select workspace_id, environment_id, count(*) as entries from changed group by 1, 2
       union all
       select workspace_id, old_environment_id, 0 from changed where kind = 'm' group by 1, 2
     ) found group by 1, 2`,
    [formatSnapshot(place.snapshot), most]
  );
  if (rows.reduce((sum, { entries }) => sum + entries, 0) >= most) return null;
  return rows.map(({ workspace_id, environment_id }) => ({ workspaceId: workspace_id, environmentId: environment_id }));
}

/** The age tells the last 32 bits of the next id; the newest that was handed out is the one before. */
function toAhead(xmax: bigint, nextXidAge: number): bigint[] {
  const distance = (BigInt(nextXidAge) + OLDEST_XID - xmax) & 0xffff_ffffn;
  return distance > 0n && distance < 0x8000_0000n ? [xmax + distance - 1n] : [];
}

export interface ScopeDifference extends Reading {
  /** null where the person may not see the scope: the one answer for absent and for forbidden */
  access: WorkspaceAccess | null;
  /**
   * The person's access changed since the place, or a table was emptied: rows that did not change may have come into
   * sight or left it, which no difference of rows can tell, so the window must be read anew.
   */
  hasAccessChanged: boolean;
  hasNamesChanged: boolean;
  operations: OperationChange[];
  isOverflow: boolean;
}

/** Stale operations that a catch-up tells, the latest to become so first; a list of more is read by pages. */
export const MOST_STALE = 100;
/** Entries of the log that a catch-up looks at, in all scopes together, before it counts as too far behind. */
const MOST_ENTRIES = 100_000;

/**
 * What became visible since `place` in a person's scope, with the person's session, membership and entitlements read in
 * the same snapshot: catch-up cannot be used to read around a revocation. Only entries of the scope are counted against
 * `most`, so that "too far behind" tells nothing of what happens elsewhere.
 */
export async function readScopeDifference(
  db: Queryable,
  place: Place,
  scope: Scope,
  { userId, sessionId }: Subscriber,
  most: number
): Promise<ScopeDifference> {
  const { rows } = await db.query<
    Grouped & {
      role: string | null;
      narrowed_to: number[] | null;
      has_access_changed: boolean;
      has_names_changed: boolean;
    }
  >(
    `with ${PLACE}, access as materialized (${ACCESS}),
     changed as materialized (select * from (${OPERATIONS}) listed where exists (select from access) limit ${MOST_ENTRIES}),
     beside as materialized (${BESIDE}),
     grouped as materialized (
       select ${GROUPED} from changed c cross join access
       where c.workspace_id = $2 and (${isPlaceInScope('c.environment_id')} or c.kind = 'm' and ${isPlaceInScope('c.old_environment_id')})
       group by 1, 2, 3, 4, 5 limit $6
     ),
     -- Who became stale since is in no log: time alone did it.
     stale as materialized (
       select 'o'::"char" as kind, r.workspace_id as changed_workspace, r.managed_environment_id as changed_environment,
         null::bigint as old_environment, r.id as changed_id, 0::bigint as changed_revision
       from public.operation_runs r cross join access
       where r.workspace_id = $2 and r.status <> 'completed' and r.silence_check_at <= now() and r.stale_at <= now()
         and ${isPlaceInScope('r.managed_environment_id')}
       order by r.stale_at desc limit ${MOST_STALE}
     ),
     ${RESOLVED},
     told as materialized (select * from grouped union all select * from resolved union all select * from stale)
     select place.*, access.role, access.narrowed_to,
       (select count(*) = ${MOST_ENTRIES} from changed) or (select count(*) = $6 from grouped) as is_overflow,
       exists (select from beside b
         where b.kind = 't' or b.kind = 'a' and b.id = $4 and (b.workspace_id is null or b.workspace_id = $2)) as has_access_changed,
       exists (select from beside b
         where b.kind = 'p' and b.id = $4 or b.kind = 'r' and (b.workspace_id is null or b.workspace_id = $2)
           and (b.id = 0 or cardinality(access.narrowed_to) = 0 or b.id = any (access.narrowed_to))) as has_names_changed,
       g.*, ${listColumns('r')}
     from place left join access on true left join told g on true
     left join lateral (select * from (select ${judgedColumns('o')} from public.operation_runs o ${resolution('o')}
       where o.id = g.changed_id and o.workspace_id = $2 and ${isPlaceInScope('o.managed_environment_id')} offset 0) found) r on true`,
    [formatSnapshot(place.snapshot), scope.workspaceId, scope.environmentId, userId, sessionId, most + 1]
  );
  const first = rows[0]!;
  const entries = rows.filter((row) => row.kind !== null);
  return {
    ...toReading(first),
    access: first.role === null ? null : { role: first.role, narrowedTo: first.narrowed_to! },
    hasAccessChanged: first.has_access_changed,
    hasNamesChanged: first.has_names_changed,
    operations: toOperationChanges(entries),
    isOverflow: first.is_overflow
  };
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
    const seenAt =
      entry.kind === 'm' ? [entry.changed_environment, entry.old_environment] : [entry.changed_environment];
    // A plain difference has each entry, also those that the whole one groups.
    for (const place of seenAt) if (!change.places.includes(place)) change.places.push(place);
    change.revision = Math.max(change.revision, entry.changed_revision);
  }
  return [...changes.values()];
}
