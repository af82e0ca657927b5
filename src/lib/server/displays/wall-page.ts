/**
 * What a wall begins with: its settings, its scope's environments, numbers, lists and day, all read in the snapshot of the
 * transaction that its caller opened as this display. It owns no access (row-level security and `visible` do) and nothing
 * that moves afterwards (live/live-wall.ts).
 * Invariant: every list is read by its index, page and look-ahead; the day follows what is open and what completed in it,
 * never history (tests/displays-plans.pg.test.ts).
 */
import type { VisibleWorkspace } from '../access/scope.ts';
import type { Queryable } from '../database/pool.ts';
import type { OperationRow } from '../../operations/operation.ts';
import type { Hour } from '../../operations/pages.ts';
import {
  WALL_LISTS,
  WALL_LIST_ROWS,
  type HandOver,
  type WallDisplay,
  type WallHour,
  type WallLayout,
  type WallListName,
  type WallPage,
  type WallTheme
} from '../../operations/wall-data.ts';
import { WALL_FILTERS } from '../../operations/wall-lists.ts';
import { isUnclosed } from '../operations/columns.ts';
import { JOIN_NEWEST, newestSuccesses, NOT_RESOLVED } from '../operations/filter-sql.ts';
import { readPageOfRows } from '../operations/first-page.ts';
import { placesOf } from '../operations/list-sql.ts';
import { readOverview, withSilenceLimits } from '../operations/overview.ts';
import { readSummaries } from '../operations/summary.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** Everything but the sealed place; null when the display is not there (any more). */
export async function readWallPage(
  db: Queryable,
  visible: VisibleWorkspace,
  displayId: number
): Promise<Omit<WallPage, 'token'> | null> {
  const own = await readOwn(db, visible, displayId);
  if (own === null) return null;
  const { environments, ownHours } = await readOverview(db, visible);
  const summaries = await readSummaries(
    db,
    visible.workspace.id,
    ['itself', ...environments.map(({ id }) => id)],
    visible.readAt
  );
  const lists = {} as Record<WallListName, OperationRow[]>;
  for (const name of WALL_LISTS) lists[name] = await readList(db, visible, name);
  return {
    ...own,
    workspace: visible.workspace,
    seesAllEnvironments: visible.seesAllEnvironments,
    environments,
    hours: toDay([ownHours, ...environments.map(({ hours }) => hours)], await readOpenHours(db, visible)),
    summaries: await withSilenceLimits(db, visible.workspace.id, summaries),
    lists,
    typeLabels: visible.typeLabels,
    readAt: visible.readAt
  };
}

interface OwnColumns {
  name: string;
  layout: WallLayout;
  theme: WallTheme;
  distance_m: number;
  diagonal_in: number;
  rotate_seconds: number | null;
  zone: string;
  identify_until: Date | null;
  reload_asked_at: Date | null;
  hand_over_text: string | null;
  hand_over_by: string | null;
  hand_over_at: Date | null;
  hand_over_ends_at: Date | null;
}

async function readOwn(
  db: Queryable,
  { workspace, readAt }: VisibleWorkspace,
  displayId: number
): Promise<Pick<WallPage, 'display' | 'handOvers' | 'reloadAskedAt'> | null> {
  const { rows } = await db.query<OwnColumns>(
    `select name, layout, theme, distance_m, diagonal_in, rotate_seconds, zone, identify_until, reload_asked_at,
       hand_over_text, hand_over_by, hand_over_at, hand_over_ends_at
     from public.displays where id = $1 and workspace_id = $2`,
    [displayId, workspace.id]
  );
  const row = rows[0];
  if (!row) return null;
  const display: WallDisplay = {
    id: displayId,
    name: row.name,
    layout: row.layout,
    theme: row.theme,
    distanceM: row.distance_m,
    diagonalIn: row.diagonal_in,
    rotateSeconds: row.rotate_seconds,
    zone: row.zone,
    identifyUntil: row.identify_until?.getTime() ?? null
  };
  return { display, handOvers: toHandOvers(row, readAt), reloadAskedAt: row.reload_asked_at?.getTime() ?? null };
}

function toHandOvers(row: OwnColumns, at: number): HandOver[] {
  const { hand_over_text: text, hand_over_by: by, hand_over_at: setAt, hand_over_ends_at: endsAt } = row;
  if (text === null || by === null || setAt === null || endsAt === null || endsAt.getTime() <= at) return [];
  return [{ text, by, setAt: setAt.getTime(), endsAt: endsAt.getTime() }];
}

/** The page and its look-ahead of one list, newest first. */
async function readList(db: Queryable, visible: VisibleWorkspace, name: WallListName): Promise<OperationRow[]> {
  const { rows } = await readPageOfRows(db, visible, {
    environmentId: null,
    filter: WALL_FILTERS[name],
    pageSize: WALL_LIST_ROWS,
    after: null,
    before: null
  });
  return rows;
}

/** By the hour of the 24 before the page was read: what failed or was blocked then and is open still. */
async function readOpenHours(db: Queryable, visible: VisibleWorkspace): Promise<Map<number, number>> {
  const places = placesOf(visible, null);
  const { rows } = await db.query<{ hour: number; open: number }>(
    `with ${newestSuccesses('$1')}
     select floor(extract(epoch from r.completed_at - to_timestamp($2::float8 / 1000.0)) / 3600)::integer as hour,
       count(*)::integer as open
     from public.operation_runs r ${JOIN_NEWEST}
     where r.workspace_id = $1 and ${places === null ? '$3::bigint[] is null' : 'r.place_id = any ($3::bigint[])'}
       and ${isUnclosed('r')} and ${NOT_RESOLVED} and r.outcome in ('failed', 'blocked')
       and r.completed_at >= to_timestamp($2::float8 / 1000.0)
     group by 1`,
    [visible.workspace.id, visible.readAt - HOURS * HOUR_MS, places]
  );
  return new Map(rows.map(({ hour, open }) => [Math.min(hour, HOURS - 1), open]));
}

function toDay(parts: readonly (readonly Hour[])[], open: ReadonlyMap<number, number>): WallHour[] {
  return Array.from({ length: HOURS }, (_, hour) => {
    const sum = (of: (one: Hour) => number): number =>
      parts.reduce((total, day) => total + (day[hour] ? of(day[hour]) : 0), 0);
    return { completed: sum(({ completed }) => completed), bad: sum(({ bad }) => bad), open: open.get(hour) ?? 0 };
  });
}
