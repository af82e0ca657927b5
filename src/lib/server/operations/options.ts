/**
 * What can be chosen to filter by, from the facts that reports/options-keeper.ts maintains: never from history. Row-level
 * security leaves those of places that this person may see.
 */
import type { Queryable } from '../database/pool.ts';
import type { FilterOptions } from '../../operations/pages.ts';

/** More than a menu can show; who looks for another one types it. */
const MOST_OPTIONS = 500;

/** Of one environment, or of everything that may be seen. One statement. */
export async function readOptions(
  db: Queryable,
  workspaceId: number,
  environmentId: number | null
): Promise<FilterOptions> {
  const { rows } = await db.query<{ kind: 'type' | 'initiator'; value: string }>(
    `select kind, value from (
       select distinct f.kind, f.value from watchfloor.facets f
       where f.workspace_id = $1 and ($2::bigint is null or f.place_id = $2)
     ) listed order by kind, lower(value), value limit ${2 * MOST_OPTIONS}`,
    [workspaceId, environmentId]
  );
  const of = (wanted: string): string[] => rows.filter(({ kind }) => kind === wanted).map(({ value }) => value);
  return { types: of('type').slice(0, MOST_OPTIONS), initiators: of('initiator').slice(0, MOST_OPTIONS) };
}

/** A text as the database normalises what it is compared with. */
export async function normaliseSearch(db: Queryable, text: string): Promise<string> {
  const { rows } = await db.query<{ normal: string }>('select watchfloor.normalise_search($1) as normal', [text]);
  return rows[0]!.normal;
}
