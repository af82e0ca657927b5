/**
 * Writes the demo's history into operation_runs, through the trigger of every report, as the owner who may bring its own
 * times. It owns speed: with 22 indexes and a fact for each success kept row by row, 50,000 rows take 18 s here; with the
 * indexes and the facts made afterwards, as a restore does, half of that. What remains is mostly the trigger's: 6 s.
 * Invariant: within the caller's transaction, so that all of it is there or nothing.
 */
import type pg from 'pg';
import type { DemoOperation } from './ended.ts';

/** Ids by name: of a workspace under '', of its environments under their names. */
export type Places = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** About 2 MB of JSON and half a second. */
const BATCH = 2_500;

/**
 * Writes `operations`, oldest first; `people` are ids by e-mail address. Locks the table until the transaction ends:
 * only for a database that nobody uses yet.
 */
export async function writeOperations(
  client: pg.ClientBase,
  operations: readonly DemoOperation[],
  places: Places,
  people: ReadonlyMap<string, DemoPersonIds>
): Promise<void> {
  // Lets the owner write history with its own times (triggers _touch).
  await client.query(`set local watchfloor.import = on`);
  await client.query(`set local maintenance_work_mem = '128MB'`);
  const indexes = await readIndexes(client);
  await client.query(
    [
      ...indexes.map(({ name }) => `drop index ${name}`),
      'alter table public.operation_runs disable trigger operation_runs_800_note_success'
    ].join(';')
  );
  const ids = await takeIds(client, operations);
  let writing: Promise<unknown> = Promise.resolve();
  for (let from = 0; from < operations.length; from += BATCH) {
    // Made while Postgres writes the batch before.
    const rows = operations.slice(from, from + BATCH).map((operation) => toRow(operation, ids, places, people));
    const text = JSON.stringify(rows);
    await writing;
    writing = client.query(INSERT, [text]);
  }
  await writing;
  await client.query('alter table public.operation_runs enable always trigger operation_runs_800_note_success');
  for (const { definition } of indexes) await client.query(definition);
  await client.query(NEWEST_SUCCESSES);
  // Without statistics the first pages are planned for an empty table, and the first sweep takes 19 s instead of 0.3 s.
  // A quarter of the usual sample will do until autovacuum comes.
  await client.query('set local default_statistics_target = 25');
  await client.query('analyze public.operation_runs, watchfloor.successes');
}

/** What a sweep leaves of the facts where nothing is left to resolve. */
const NEWEST_SUCCESSES = `
  insert into watchfloor.successes (workspace_id, place_id, type, completed_at, operation_id)
  select distinct on (workspace_id, place_id, type) workspace_id, place_id, type, completed_at, id
  from public.operation_runs where outcome = 'succeeded'
  order by workspace_id, place_id, type, completed_at desc, id desc
  on conflict do nothing`;

interface DemoPersonIds {
  id: number;
  name: string;
}

/**
 * Ids before the rows, so that one operation can name another: in order, which is that of creation. One piece of the
 * sequence, since the table is locked by now and nobody else can take from it.
 */
async function takeIds(
  client: pg.ClientBase,
  operations: readonly DemoOperation[]
): Promise<ReadonlyMap<DemoOperation, number>> {
  const { rows } = await client.query<{ last: number }>(
    `select setval(ids, nextval(ids) + $1 - 1) as last from pg_get_serial_sequence('public.operation_runs', 'id') as ids`,
    [operations.length]
  );
  const first = rows[0]!.last - operations.length + 1;
  return new Map(operations.map((operation, place) => [operation, first + place]));
}

/** All but the primary key's, with what makes each anew. */
async function readIndexes(client: pg.ClientBase): Promise<{ name: string; definition: string }[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
     where indrelid = 'public.operation_runs'::regclass and not exists (select from pg_constraint where conindid = indexrelid)
     order by indexrelid`
  );
  return rows;
}

const COLUMNS = {
  id: 'bigint',
  workspace_id: 'bigint',
  managed_environment_id: 'bigint',
  user_id: 'bigint',
  initiator_name: 'text',
  type: 'text',
  status: 'text',
  outcome: 'text',
  run_identity_hash: 'text',
  progress_processed: 'bigint',
  progress_total: 'bigint',
  progress_phase: 'text',
  summary_counts: 'jsonb',
  failure_summary: 'jsonb',
  context: 'jsonb',
  source: 'text',
  external_id: 'text',
  cancelled_by: 'text',
  reconciled_at: 'timestamptz',
  reconciliation_reason: 'text',
  retry_of: 'bigint',
  resolved_at: 'timestamptz',
  resolved_by: 'bigint',
  reviewed_at: 'timestamptz',
  reviewed_by: 'bigint',
  reviewer_name: 'text',
  created_at: 'timestamptz',
  started_at: 'timestamptz',
  completed_at: 'timestamptz',
  last_reported_at: 'timestamptz'
} as const;
type Row = Partial<Record<keyof typeof COLUMNS, unknown>>;

const NAMES = Object.keys(COLUMNS).join(', ');
const TYPES = Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ');
/** The JSON keeps the order of its elements. */
const INSERT = `insert into public.operation_runs (${NAMES}) overriding system value
  select ${NAMES} from jsonb_to_recordset($1) as row (${TYPES})`;

/** What is null is left out: the row is JSON, and most of it would be nulls. */
function toRow(
  operation: DemoOperation,
  ids: ReadonlyMap<DemoOperation, number>,
  places: Places,
  people: ReadonlyMap<string, DemoPersonIds>
): Row {
  const place = places.get(operation.workspace)!;
  const { reviewed, resolvedBy, retryOf, completedAt } = operation;
  const row: Row = {
    id: ids.get(operation),
    workspace_id: place.get(''),
    initiator_name: operation.initiator,
    type: operation.type,
    status: operation.status,
    outcome: operation.outcome,
    run_identity_hash: operation.hash,
    summary_counts: operation.counts,
    failure_summary: operation.failures,
    context: operation.context,
    source: operation.source,
    created_at: toIso(operation.createdAt),
    last_reported_at: toIso(operation.lastReportedAt)
  };
  if (operation.environment !== null) row.managed_environment_id = place.get(operation.environment);
  if (operation.person !== null) row.user_id = people.get(operation.person)!.id;
  if (operation.processed !== null) row.progress_processed = operation.processed;
  if (operation.total !== null) row.progress_total = operation.total;
  if (operation.phase !== null) row.progress_phase = operation.phase;
  if (operation.externalId !== null) row.external_id = operation.externalId;
  if (operation.cancelledBy !== null) row.cancelled_by = operation.cancelledBy;
  if (operation.startedAt !== null) row.started_at = toIso(operation.startedAt);
  if (completedAt !== null) row.completed_at = toIso(completedAt);
  if (operation.reconciliation !== null) {
    row.reconciled_at = toIso(completedAt!);
    row.reconciliation_reason = operation.reconciliation;
  }
  if (retryOf) row.retry_of = ids.get(retryOf);
  if (resolvedBy) {
    row.resolved_at = toIso(resolvedBy.completedAt!);
    row.resolved_by = ids.get(resolvedBy);
  }
  if (reviewed) {
    const reviewer = people.get(reviewed.email)!;
    row.reviewed_at = toIso(reviewed.at);
    row.reviewed_by = reviewer.id;
    row.reviewer_name = reviewer.name;
  }
  return row;
}

function toIso(time: number): string {
  return new Date(time).toISOString();
}
