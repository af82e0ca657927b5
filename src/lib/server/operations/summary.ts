/**
 * The numbers of the strip and what needs attention, per unit of access: the one read of them, for pages (as the role
 * people) and for the hub (as the role feed) alike. Counts come from partial indexes at the snapshot of the statement, so
 * they equal the lists that they lead to. Cost: what is active, what is open, and the successes of a day; never history.
 */
import type { Queryable } from '../database/pool.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import { succeededFrom } from '../../operations/filter.ts';
import { GROUPS_SENT, type Summary, type SummaryPlace } from '../../operations/summary.ts';
import { isUnclosed } from './columns.ts';
import { JOIN_NEWEST, newestSuccesses, NOT_RESOLVED } from './filter-sql.ts';
import { readOperationsById } from './first-page.ts';

/** The units that a person's scope is made of: the same rule as the rooms of the hub (live/rooms.ts). */
export function summaryPlaces(visible: VisibleWorkspace, environmentId: number | null): SummaryPlace[] {
  if (environmentId !== null) return [environmentId];
  return visible.seesAllEnvironments ? ['workspace'] : ['itself', ...visible.environments.map(({ id }) => id)];
}

interface SummaryColumns {
  place: number;
  active: number;
  stale: number;
  blocked: number;
  failed: number;
  partial: number;
  succeeded: number;
  last_report_at: Date | null;
  entries: { id: number; count: number }[] | null;
}

/** $1 workspace, $2 places, $3 now, $4 since when successes count; `place` = the condition on r, `of` = what gives p.id */
function unitSql(of: string, place: string): string {
  return `select p.id as place, active.active, active.stale, trouble.*, succeeded.succeeded,
      greatest(active.heard_at, made.created_at, ended.completed_at) as last_report_at
    from ${of}
    cross join lateral (
      select count(*) as active, count(*) filter (where r.stale_at <= now.at) as stale, max(r.last_reported_at) as heard_at
      from public.operation_runs r where r.workspace_id = $1 and ${place} and r.status <> 'completed'
    ) active
    cross join lateral (
      select coalesce(sum(n) filter (where kind = 'blocked'), 0)::bigint as blocked,
        coalesce(sum(n) filter (where kind = 'failed'), 0)::bigint as failed,
        coalesce(sum(n) filter (where kind = 'partial'), 0)::bigint as partial,
        jsonb_agg(jsonb_build_object('id', id, 'count', n) order by nth) filter (where nth <= ${GROUPS_SENT}) as entries
      from (
        select kind, n, id, row_number() over (order by weight desc, since desc, id desc) as nth
        from (
          -- groupByCause of operations/summary.ts
          select kind, weight, count(*) as n, max(since) as since, (array_agg(id order by since desc, id desc))[1] as id
          from (
            select case r.outcome when 'blocked' then 'blocked' when 'failed' then 'failed' else 'partial' end as kind,
              case r.outcome when 'blocked' then 50 when 'failed' then 40 else 30 end as weight,
              r.type, coalesce(r.failure_code, r.failure_message) as cause, r.completed_at as since, r.id
            from public.operation_runs r ${JOIN_NEWEST}
            where r.workspace_id = $1 and ${place} and ${isUnclosed('r')} and ${NOT_RESOLVED}
            union all
            select 'stale', 35, r.type, r.status, r.stale_at, r.id
            from public.operation_runs r
            where r.workspace_id = $1 and ${place} and r.status <> 'completed' and r.silence_check_at <= now.at
              and r.stale_at <= now.at
          ) found group by kind, weight, type, cause
        ) caused
      ) ranked
    ) trouble
    cross join lateral (
      select count(*) as succeeded from public.operation_runs r
      where r.workspace_id = $1 and ${place} and r.status = 'completed' and r.outcome = 'succeeded'
        and r.completed_at >= to_timestamp($4::float8 / 1000.0)
    ) succeeded
    left join lateral (
      select r.created_at from public.operation_runs r where r.workspace_id = $1 and ${place}
      order by r.created_at desc, r.id desc limit 1
    ) made on true
    left join lateral (
      select max(latest.completed_at) as completed_at
      from unnest('{succeeded,partially_succeeded,blocked,failed,cancelled}'::text[]) as known (outcome)
      cross join lateral (
        select r.completed_at from public.operation_runs r
        where r.workspace_id = $1 and ${place} and r.status = 'completed' and r.outcome = known.outcome
        order by r.completed_at desc, r.id desc limit 1
      ) latest
    ) ended on true`;
}

const UNITS = 'unnest($2::bigint[]) as p (id) cross join now';
const SQL = {
  workspace: unitSql(UNITS, 'true'),
  places: unitSql(UNITS, 'r.place_id = p.id')
};

function statement(form: keyof typeof SQL): string {
  return `with ${newestSuccesses('$1')}, now as materialized (select to_timestamp($3::float8 / 1000.0) as at)
    ${SQL[form]}`;
}

/**
 * The summaries of these units at the instant `at` (ms, the database's clock), in their order. At most three statements.
 * `silentAfterMs` is null: how talkative a source is, the hub reads now and then (readSilenceLimits).
 */
export async function readSummaries(
  db: Queryable,
  workspaceId: number,
  places: readonly SummaryPlace[],
  at: number
): Promise<Summary[]> {
  const found: (SummaryColumns & { of: SummaryPlace })[] = [];
  const read = async (form: keyof typeof SQL, ids: number[]): Promise<void> => {
    if (ids.length === 0) return;
    // Prepared: it takes longer to plan than to run.
    const { rows } = await db.query<SummaryColumns>({
      name: `summary of ${form}`,
      text: statement(form),
      values: [workspaceId, ids, at, succeededFrom(at)]
    });
    for (const row of rows)
      found.push({ ...row, of: form === 'workspace' ? 'workspace' : row.place === 0 ? 'itself' : row.place });
  };
  if (places.includes('workspace')) await read('workspace', [-1]);
  await read(
    'places',
    places.filter((place) => place !== 'workspace').map((place) => (place === 'itself' ? 0 : place))
  );
  const ids = [...new Set(found.flatMap(({ entries }) => (entries ?? []).map(({ id }) => id)))];
  const rows = new Map((await readOperationsById(db, workspaceId, ids)).map((row) => [row.id, row]));
  return places.flatMap((place) => {
    const unit = found.find(({ of }) => of === place);
    if (!unit) return [];
    return {
      place,
      at,
      counts: {
        active: unit.active,
        stale: unit.stale,
        blocked: unit.blocked,
        failed: unit.failed,
        partial: unit.partial,
        succeeded: unit.succeeded
      },
      groups: (unit.entries ?? []).flatMap(({ id, count }) => {
        const row = rows.get(id);
        // Between two statements of the hub a row may leave the unit: then it is not for those who watch this one.
        const isHere = place === 'workspace' || row?.environmentId === (place === 'itself' ? null : place);
        return row && isHere ? { row, count } : [];
      }),
      lastReportAt: unit.last_report_at?.getTime() ?? null,
      silentAfterMs: null
    };
  });
}

/** Silence that nobody needs to hear of, however talkative a source is (PRODUCT 4.1). */
const LEAST_SILENCE_MS = 600_000;

/**
 * For each unit the silence after which its source counts as silent: three times the longest gap between two operations
 * in the 24 hours before its last one, ten minutes at least; null where there were not two. Work: a day of index entries.
 */
export async function readSilenceLimits(
  db: Queryable,
  workspaceId: number,
  places: readonly SummaryPlace[]
): Promise<Map<SummaryPlace, number | null>> {
  const limits = new Map<SummaryPlace, number | null>();
  for (const place of places) {
    const where = place === 'workspace' ? '$2::bigint is null' : 'r.place_id = $2::bigint';
    const { rows } = await db.query<{ gap: number | null }>(
      `select (extract(epoch from max(gap)) * 1000)::float8 as gap from (
         select r.created_at - lag(r.created_at) over (order by r.created_at) as gap
         from public.operation_runs r
         where r.workspace_id = $1 and ${where} and r.created_at >= (
           select r.created_at - interval '24 hours' from public.operation_runs r
           where r.workspace_id = $1 and ${where} order by r.created_at desc, r.id desc limit 1)
       ) gaps`,
      [workspaceId, place === 'workspace' ? null : place === 'itself' ? 0 : place]
    );
    const gap = rows[0]?.gap ?? null;
    limits.set(place, gap === null ? null : Math.max(LEAST_SILENCE_MS, 3 * gap));
  }
  return limits;
}
