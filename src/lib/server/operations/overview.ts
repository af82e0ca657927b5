/**
 * What the overview shows of each environment beside its summary: when it was added, and what completed in its last 24
 * hours by the hour. It owns no state of a tile (operations/tile.ts decides that) and no access: row-level security does.
 * Invariant: the cost follows what completed within the day, never history: each place and outcome is read from its own
 * stretch of an index (tests/overview.pg.test.ts).
 */
import type { VisibleWorkspace } from '../access/scope.ts';
import type { Queryable } from '../database/pool.ts';
import { OUTCOMES } from '../../operations/operation.ts';
import type { Hour, OverviewPage } from '../../operations/pages.ts';
import type { Summary } from '../../operations/summary.ts';
import { readSilenceLimits } from './summary.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;
/** How `watchfloor.facets` and the indexes number the workspace itself among its environments. */
const WORKSPACE_ITSELF = 0;
const COMPLETED_OUTCOMES = OUTCOMES.filter((outcome) => outcome !== 'pending');

/** No source is silent sooner, however talkative (PRODUCT 4.1). */
const LEAST_SILENCE_MS = 600_000;

/**
 * The summaries with the limits of those that may be silent: a page must not look calm until it is live. One statement
 * for each unit without a report in ten minutes; what reports needs none.
 */
export async function withSilenceLimits(db: Queryable, workspaceId: number, summaries: Summary[]): Promise<Summary[]> {
  const quiet = summaries.filter(
    ({ at, lastReportAt }) => lastReportAt !== null && at - lastReportAt > LEAST_SILENCE_MS
  );
  const places = quiet.map(({ place }) => place);
  const limits = await readSilenceLimits(db, workspaceId, places);
  return summaries.map((summary) => ({ ...summary, silentAfterMs: limits.get(summary.place) ?? null }));
}

/** Every environment this person may see, by name. Two statements. */
export async function readOverview(
  db: Queryable,
  visible: VisibleWorkspace
): Promise<Pick<OverviewPage, 'environments' | 'ownHours'>> {
  const hours = await readHours(db, visible);
  const added = await readAdded(db, visible.workspace.id);
  return {
    environments: visible.environments.map(({ id, name }) => ({
      id,
      name,
      addedAt: added.get(id) ?? visible.readAt,
      hours: hours.get(id) ?? emptyDay()
    })),
    ownHours: hours.get(WORKSPACE_ITSELF) ?? emptyDay()
  };
}

async function readAdded(db: Queryable, workspaceId: number): Promise<Map<number, number>> {
  const { rows } = await db.query<{ id: number; created_at: Date }>(
    'select id, created_at from public.managed_environments where workspace_id = $1',
    [workspaceId]
  );
  return new Map(rows.map(({ id, created_at }) => [id, created_at.getTime()]));
}

/** Of each place in which anything completed within the 24 hours before the page was read. */
async function readHours(
  db: Queryable,
  { workspace, environments, readAt }: VisibleWorkspace
): Promise<Map<number, Hour[]>> {
  const from = readAt - HOURS * HOUR_MS;
  const { rows } = await db.query<{ place: number; hour: number; completed: number; bad: number }>(
    // A condition per place and outcome: only so is the index read from its newest end to the first that is too old.
    `select place.id as place, h.hour, sum(h.count)::integer as completed,
       coalesce(sum(h.count) filter (where o.outcome in ('failed', 'blocked')), 0)::integer as bad
     from unnest($2::bigint[]) as place (id)
     cross join unnest($3::text[]) as o (outcome)
     cross join lateral (
       select floor(extract(epoch from r.completed_at - to_timestamp($4 / 1000.0)) / 3600)::integer as hour, count(*) as count
       from public.operation_runs r
       where r.status = 'completed' and r.workspace_id = $1 and r.place_id = place.id
         and r.outcome = o.outcome and r.completed_at >= to_timestamp($4 / 1000.0)
       group by 1
     ) h
     group by place.id, h.hour`,
    [workspace.id, [WORKSPACE_ITSELF, ...environments.map(({ id }) => id)], COMPLETED_OUTCOMES, from]
  );
  const byPlace = new Map<number, Hour[]>();
  for (const { place, hour, completed, bad } of rows) {
    let day = byPlace.get(place);
    if (!day) byPlace.set(place, (day = emptyDay()));
    // What completed while this was read (its clock is ahead of the snapshot's) belongs to the last hour.
    const into = day[Math.min(hour, HOURS - 1)]!;
    into.completed += completed;
    into.bad += bad;
  }
  return byPlace;
}

function emptyDay(): Hour[] {
  return Array.from({ length: HOURS }, () => ({ completed: 0, bad: 0 }));
}
