/**
 * Writes the demo into an empty database: two providers, a dozen environments, five people, 30 days of operations. One
 * transaction, so that a killed start leaves nothing half done; it takes a few seconds. It owns the writing; what is
 * written is decided in cast.ts and history.ts.
 */
import type pg from 'pg';
import { hashPassword } from '../access/passwords.ts';
import { openPool, withTransaction } from '../database/pool.ts';
import { withReport } from '../reports/report.ts';
import { ensureSelfWorkspace, readSelfWorkspace } from '../reports/self-workspace.ts';
import { DEMO_PEOPLE, DEMO_WORKSPACES } from './cast.ts';
import { composeHistory, type DemoOperation } from './history.ts';

export interface DemoAccount {
  email: string;
  name: string;
  role: string;
  /** one phrase for the sign-in help: what this person may see */
  sees: string;
}

/** Any number of our own: two nodes that start together must not both seed. */
const SEED_LOCK = 2_234_200_011;
const SEED = 20_261_123;
export const DEMO_OPERATIONS = 5_000;
/** 1,000 rows are about 700 KB of JSON and 150 ms. */
const BATCH = 1_000;

/**
 * Seeds an empty, migrated database and returns who can sign in with `password`; null, and nothing is written, when there
 * is a person or any workspace but the one of our self-reports. Safe to call from several nodes at once.
 */
export async function seedDemo(url: string, { password }: { password: string }): Promise<DemoAccount[] | null> {
  return withReport(
    url,
    {
      type: 'watchfloor.seed',
      isWorthReporting: (accounts) => accounts !== null,
      toCounts: () => ({ total: DEMO_OPERATIONS, created: DEMO_OPERATIONS })
    },
    () => writeDemo(url, password)
  );
}

async function writeDemo(url: string, password: string): Promise<DemoAccount[] | null> {
  const pool = openPool({ url, role: 'owner', max: 1, applicationName: 'watchfloor seed', statementTimeoutMs: 60_000 });
  try {
    return await withTransaction(pool, '', async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [SEED_LOCK]);
      if (!(await isEmpty(client))) return null;
      // Lets the owner write history with its own times (operation_runs_100_touch).
      await client.query('set local watchfloor.import = on');
      const environments = await writeWorkspaces(client);
      const people = await writePeople(client, environments, password);
      const { rows } = await client.query<{ now: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now'
      );
      const history = composeHistory({ seed: SEED, now: rows[0]!.now, count: DEMO_OPERATIONS });
      for (let from = 0; from < history.length; from += BATCH)
        await writeOperations(client, history.slice(from, from + BATCH), environments, people);
      // Without this the first pages are planned for an empty table.
      await client.query('analyze public.operation_runs');
      return DEMO_PEOPLE.map(({ email, name, role, sees }) => ({ email, name, role, sees }));
    });
  } finally {
    await pool.end();
  }
}

async function isEmpty(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select exists (select from public.workspaces where id is distinct from $1) or exists (select from public.users) as found`,
    [await readSelfWorkspace(client)]
  );
  return !rows[0]!.found;
}

/** Ids by name: of a workspace under '', of its environments under their names. */
type Places = Map<string, Map<string, number>>;

async function writeWorkspaces(client: pg.ClientBase): Promise<Places> {
  const places: Places = new Map();
  for (const { name, environments } of DEMO_WORKSPACES) {
    const { rows } = await client.query<{ id: number }>(
      'insert into public.workspaces (name, is_demo) values ($1, true) returning id',
      [name]
    );
    const workspace = rows[0]!.id;
    const written = await client.query<{ id: number; name: string }>(
      `insert into public.managed_environments (workspace_id, name)
       select $1, name from unnest($2::text[]) with ordinality as listed (name, place) order by place returning id, name`,
      [workspace, environments.map((environment) => environment.name)]
    );
    places.set(name, new Map([['', workspace], ...written.rows.map((row) => [row.name, row.id] as const)]));
  }
  return places;
}

/** Ids by e-mail address. The owner also sees what Watchfloor reports of itself. */
async function writePeople(client: pg.ClientBase, places: Places, password: string): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  for (const person of DEMO_PEOPLE) {
    const passwordHash = await hashPassword(password);
    const { rows } = await client.query<{ id: number }>(
      'insert into public.users (email, name, password_hash) values ($1, $2, $3) returning id',
      [person.email, person.name, passwordHash]
    );
    const user = rows[0]!.id;
    ids.set(person.email, user);
    for (const [workspace, narrowing] of Object.entries(person.workspaces)) {
      const place = places.get(workspace)!;
      await writeMembership(client, place.get('')!, user, person.role);
      for (const environment of narrowing)
        await client.query(
          `insert into public.environment_memberships (workspace_id, user_id, managed_environment_id) values ($1, $2, $3)`,
          [place.get(''), user, place.get(environment)]
        );
    }
    if (person.role === 'owner') await writeMembership(client, await ensureSelfWorkspace(client), user, person.role);
  }
  return ids;
}

async function writeMembership(client: pg.ClientBase, workspace: number, user: number, role: string): Promise<void> {
  await client.query('insert into public.memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    workspace,
    user,
    role
  ]);
}

/** Ids rise with created_at, as they would have: the rows come sorted and are written in that order. */
async function writeOperations(
  client: pg.ClientBase,
  operations: readonly DemoOperation[],
  places: Places,
  people: Map<string, number>
): Promise<void> {
  const rows = operations.map((operation, place) => ({
    place,
    workspace_id: places.get(operation.workspace)!.get(''),
    managed_environment_id: operation.environment && places.get(operation.workspace)!.get(operation.environment),
    user_id: operation.person && people.get(operation.person),
    initiator_name: operation.initiator,
    type: operation.type,
    status: operation.status,
    outcome: operation.outcome,
    run_identity_hash: operation.hash,
    progress_processed: operation.processed,
    progress_total: operation.total,
    progress_phase: operation.phase,
    summary_counts: operation.counts,
    failure_summary: operation.failures,
    context: operation.context,
    source: operation.source,
    cancelled_by: operation.cancelledBy,
    created_at: toIso(operation.createdAt),
    started_at: toIso(operation.startedAt),
    completed_at: toIso(operation.completedAt),
    last_reported_at: toIso(operation.lastReportedAt)
  }));
  const columns = Object.keys(rows[0] ?? {}).filter((name) => name !== 'place');
  await client.query(
    `insert into public.operation_runs (${columns.join(', ')})
     select ${columns.join(', ')} from jsonb_to_recordset($1) as row (
       place int, workspace_id bigint, managed_environment_id bigint, user_id bigint, initiator_name text, type text,
       status text, outcome text, run_identity_hash text, progress_processed bigint, progress_total bigint,
       progress_phase text, summary_counts jsonb, failure_summary jsonb, context jsonb, source text, cancelled_by text,
       created_at timestamptz, started_at timestamptz, completed_at timestamptz, last_reported_at timestamptz)
     order by place`,
    [JSON.stringify(rows)]
  );
}

function toIso(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
