/**
 * The hub's page of rows, newest first, for exactly what the person may see. It owns the three shapes of the query (one
 * environment, a whole workspace, the merge of a narrowed person's places) and the keyset around them.
 * Invariants: every shape reads at most the page and its look-ahead from each place by an index in order, so the cost
 * grows with what is shown, never with history; no JSON column is read (plan tests hold both).
 */
import type { Queryable } from '../database/pool.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import { LOOK_AHEAD, type PagePosition, type PageSize } from '../../operations/pages.ts';
import type { OperationRow } from '../../operations/operation.ts';
import { listColumns, toOperationRow, type ListColumns } from './columns.ts';
import { formatCursor, type Keyset } from './keyset.ts';

export interface ListRequest {
  environmentId: number | null;
  pageSize: PageSize;
  /** rows older than this */
  after: Keyset | null;
  /** the page of rows right before (newer than) this */
  before: Keyset | null;
}

type Direction = 'older' | 'newer' | 'from';

const BOUND = {
  older: '(r.created_at, r.id) < (to_timestamp($2 / 1000.0), $3)',
  newer: '(r.created_at, r.id) > (to_timestamp($2 / 1000.0), $3)',
  from: '(r.created_at, r.id) <= (to_timestamp($2 / 1000.0), $3)'
} satisfies Record<Direction, string>;

/** Parameters: $1 workspace, $2 and $3 the keyset (null = none), $4 rows, $5 environment or the narrowed places. */
function listSql(
  shape: 'environment' | 'workspace' | 'places',
  direction: Direction,
  isBounded: boolean,
  columns: string
): string {
  const order = direction === 'newer' ? 'r.created_at, r.id' : 'r.created_at desc, r.id desc';
  // Naming the parameters in every shape gives them their types where no bound uses them.
  const bound = isBounded ? `and ${BOUND[direction]}` : 'and ($2::float8 is null and $3::bigint is null)';
  const read = (where: string): string =>
    `select ${columns} from public.operation_runs r
     where r.workspace_id = $1 and ${where} ${bound} order by ${order} limit $4`;
  switch (shape) {
    case 'environment':
      return read('r.managed_environment_id = $5');
    case 'workspace':
      return read('$5::bigint is null');
    case 'places':
      // A person narrowed to a quiet environment must not pay for a busy one: each place is read by its own index.
      return `select * from (
        select p.* from unnest($5::bigint[]) as place (id)
        cross join lateral (${read('r.managed_environment_id = place.id')}) p
        union all (${read('r.managed_environment_id is null')})
      ) r order by ${order} limit $4`;
  }
}

async function readRows(
  db: Queryable,
  visible: VisibleWorkspace,
  environmentId: number | null,
  direction: Direction,
  keyset: Keyset | null,
  limit: number
): Promise<OperationRow[]> {
  const [shape, place] =
    environmentId !== null
      ? (['environment', environmentId] as const)
      : visible.seesAllEnvironments
        ? (['workspace', null] as const)
        : (['places', visible.environments.map(({ id }) => id)] as const);
  const { rows } = await db.query<ListColumns>(listSql(shape, direction, keyset !== null, listColumns('r')), [
    visible.workspace.id,
    keyset?.createdAt ?? null,
    keyset?.id ?? null,
    limit,
    place
  ]);
  return rows.map(toOperationRow);
}

/** The page with its look-ahead, and where it stands. One or two statements, whatever the history. */
export async function readPageOfRows(
  db: Queryable,
  visible: VisibleWorkspace,
  { environmentId, pageSize, after, before }: ListRequest
): Promise<{ rows: OperationRow[]; position: PagePosition; hasAny: boolean }> {
  let from: Keyset | null = null;
  if (before) {
    const newer = await readRows(db, visible, environmentId, 'newer', before, pageSize + 1);
    // Not more than one page is newer: that page is the first one, which takes new rows.
    if (newer.length > pageSize) from = newer[pageSize - 1]!;
  }
  const isFirst = from === null && after === null;
  const rows = await readRows(
    db,
    visible,
    environmentId,
    from ? 'from' : 'older',
    from ?? (before ? null : after),
    pageSize + LOOK_AHEAD
  );
  const last = rows[Math.min(pageSize, rows.length) - 1];
  const hasAny = rows.length > 0 || (await readRows(db, visible, null, 'older', null, 1)).length > 0;
  return {
    rows,
    hasAny,
    position: {
      isFirst,
      newer: isFirst ? null : rows[0] ? formatCursor(rows[0]) : null,
      older: rows.length > pageSize && last ? formatCursor(last) : null
    }
  };
}
