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
  // Each kind for itself and no further than it is shown: thousands of initiators must not push the types out.
  const of = (kind: string): string => `select '${kind}' as kind, listed.value from (
    select distinct f.value from watchfloor.facets f
    where f.workspace_id = $1 and f.kind = '${kind}' and ($2::bigint is null or f.place_id = $2)
    order by f.value limit ${MOST_OPTIONS}) listed`;
  const { rows } = await db.query<{ kind: 'type' | 'initiator'; value: string }>(
    `${of('type')} union all ${of('initiator')}`,
    [workspaceId, environmentId]
  );
  const valuesOf = (wanted: string): string[] =>
    rows
      .filter(({ kind }) => kind === wanted)
      .map(({ value }) => value)
      .sort((a, b) => a.localeCompare(b, 'en'));
  return { types: valuesOf('type'), initiators: valuesOf('initiator') };
}

/** A text as the database normalises what it is compared with. */
export async function normaliseSearch(db: Queryable, text: string): Promise<string> {
  const { rows } = await db.query<{ normal: string }>('select watchfloor.normalise_search($1) as normal', [text]);
  return rows[0]!.normal;
}
