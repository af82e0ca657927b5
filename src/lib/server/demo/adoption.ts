/**
 * What the demo's writer finds when it starts or connects again: the places of demo workspaces, operations of its own
 * that are still active, which it goes on with, and follow-ups of the demo that it can close. Invariant: nothing is adopted that the demo did not report itself, so
 * what a visitor writes by hand into a demo workspace stays theirs.
 */
import type { Queryable } from '../database/pool.ts';
import { DEMO_SOURCE } from './cast.ts';
import { kindOf, KINDS, QUIET_LIMIT_SECONDS, QUIET_TYPE } from './kinds.ts';
import { drawAround, type Random } from './random.ts';
import { type Active, type WriterState } from './steps.ts';
import { isKept, type OpenFollowUp, type Place } from './turns.ts';

/** An active row of operation_runs as the writer reads it. */
export interface ActiveRow {
  id: number;
  workspace_id: number;
  managed_environment_id: number | null;
  type: string;
  status: 'queued' | 'running';
  progress_processed: number | null;
  progress_total: number | null;
  progress_phase: string | null;
  is_silent: boolean;
}

interface OpenRow {
  id: number;
  workspace_id: number;
  managed_environment_id: number | null;
  type: string;
}

/** All systems that the demo pretends to report from; what stopped in the middle is not among them. */
const SOURCES = [...new Set([DEMO_SOURCE, ...KINDS.flatMap(({ reporter }) => reporter?.source ?? [])])];
const MOST_FOLLOW_UPS = 100;

/** Who is said to have cancelled what nobody reported on for too long, e.g. while the demo was switched off. */
const RESTART = 'Restart of the demo';

/** Places, people and own active operations, as the role that reports (it may not read users). Five queries. */
export async function readWriterState(client: Queryable, random: Random, now: number): Promise<WriterState> {
  const places = await client.query<Place>(
    `select w.id as "workspaceId", w.name as workspace, e.id as "environmentId", e.name as environment
     from public.workspaces w
     left join lateral (
       select id, name from public.managed_environments where workspace_id = w.id union all select null, null
     ) e on true
     where w.is_demo order by w.id, e.id nulls first`
  );
  const workspaces = [...new Set(places.rows.map(({ workspaceId }) => workspaceId))];
  const people = await client.query<{ name: string; id: number }>(
    `select distinct initiator_name as name, user_id as id
     from unnest($1::bigint[]) as demo (workspace_id), lateral (
       select initiator_name, user_id from public.operation_runs
       where workspace_id = demo.workspace_id order by created_at desc, id desc limit 2000) recent
     where user_id is not null`,
    [workspaces]
  );
  const rows = await client.query<ActiveRow>(
    // The partial index of active identities: every operation of the demo has one.
    `select id, workspace_id, managed_environment_id, type, status, progress_processed, progress_total, progress_phase,
       stale_at < now() as is_silent
     from public.operation_runs
     where status <> 'completed' and run_identity_hash is not null and source = $1
       and workspace_id = any($2) order by id`,
    [DEMO_SOURCE, workspaces]
  );
  const open = await client.query<OpenRow>(
    // By the partial index of open follow-ups. One that was resolved just now costs a success too many, and nothing else.
    `select distinct on (workspace_id, managed_environment_id, type) id, workspace_id, managed_environment_id, type
     from (
       select id, workspace_id, managed_environment_id, type, source from public.operation_runs
       where workspace_id = any($2) and has_open_follow_up
       order by completed_at desc, id desc limit $3
     ) newest
     where source = any($1) order by workspace_id, managed_environment_id, type, id desc`,
    [SOURCES, workspaces, MOST_FOLLOW_UPS]
  );
  const quiet = await client.query(
    'select from public.operation_types where code = $1 and running_limit_seconds <= $2',
    [QUIET_TYPE, QUIET_LIMIT_SECONDS]
  );
  return {
    places: places.rows,
    userIds: new Map(people.rows.map(({ name, id }) => [name, id])),
    hasQuietType: quiet.rows.length > 0,
    active: rows.rows.flatMap((row) => toActive(row, places.rows, random, now) ?? []),
    open: open.rows.toSorted((a, b) => a.id - b.id).flatMap((row) => toOpen(row, places.rows) ?? []),
    turn: { index: 0, at: now }
  };
}

/** What a success would close; null for what waits for a person, and for the story that is kept. */
function toOpen(row: OpenRow, places: readonly Place[]): OpenFollowUp | null {
  const kind = kindOf(row.type);
  const place = findPlace(row, places);
  if (!kind || !place || kind.closedBy === 'person' || isKept(place, kind)) return null;
  return { id: row.id, place, kind };
}

function findPlace(row: OpenRow, places: readonly Place[]): Place | undefined {
  return places.find(
    ({ workspaceId, environmentId }) => workspaceId === row.workspace_id && environmentId === row.managed_environment_id
  );
}

/** Goes on with `row`; null when the demo does not know its type or place. What was silent for too long is ended soon. */
export function toActive(row: ActiveRow, places: readonly Place[], random: Random, now: number): Active | null {
  const kind = kindOf(row.type);
  const place = findPlace(row, places);
  if (!kind || !place) return null;
  const left = drawAround(random, Math.min(kind.seconds, 90), 0.4) * 1_000;
  const done = row.progress_total ? (row.progress_processed ?? 0) / row.progress_total : 0.3;
  return {
    id: row.id,
    place,
    kind,
    status: row.status,
    processed: row.progress_processed,
    total: row.progress_total,
    phase: row.progress_phase,
    outcome: row.is_silent ? 'cancelled' : 'succeeded',
    isBrief: false,
    cancelledBy: row.is_silent ? RESTART : null,
    // As if it had run evenly so far: its progress goes on from where it stands.
    since: now - (left * done) / Math.max(0.05, 1 - done),
    dueAt: now + (row.is_silent ? random() * 20_000 : row.status === 'queued' ? random() * 5_000 : left),
    reportedAt: now
  };
}
