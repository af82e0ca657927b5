/**
 * Writes the demo into an empty database: two providers, a dozen environments, five people, 30 days of operations. One
 * transaction, so that a killed start leaves nothing half done; it takes some seconds. What is written is decided in
 * cast.ts and history.ts; how operations are written fast is write-operations.ts.
 */
import type pg from 'pg';
import { hashPassword } from '../access/passwords.ts';
import { openPool, withTransaction } from '../database/pool.ts';
import { withReport } from '../reports/report.ts';
import { ensureSelfWorkspace, readSelfWorkspace } from '../reports/self-workspace.ts';
import { DEMO_PEOPLE, DEMO_WORKSPACES } from './cast.ts';
import { composeHistory } from './history.ts';
import { DEMO_TYPES } from './kinds.ts';
import { writeOperations, type Places } from './write-operations.ts';

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
export const DEMO_OPERATIONS = 50_000;
/** Environments are older than the history, unless the cast says otherwise. */
const ADDED_DAYS_AGO = 47;

/**
 * Seeds an empty, migrated database and returns who can sign in with `password`; null, and nothing is written, when there
 * is a person or any workspace but the one of our self-reports. Safe to call from several nodes at once.
 */
export async function seedDemo(
  url: string,
  { password, operations = DEMO_OPERATIONS }: { password: string; operations?: number }
): Promise<DemoAccount[] | null> {
  return withReport(
    url,
    {
      type: 'watchfloor.seed',
      isWorthReporting: (accounts) => accounts !== null,
      toCounts: () => ({ total: operations, created: operations })
    },
    () => writeDemo(url, password, operations)
  );
}

async function writeDemo(url: string, password: string, count: number): Promise<DemoAccount[] | null> {
  const pool = openPool({ url, role: 'owner', max: 1, applicationName: 'watchfloor seed', statementTimeoutMs: 60_000 });
  try {
    return await withTransaction(pool, '', async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [SEED_LOCK]);
      if (!(await isEmpty(client))) return null;
      // Slow on purpose, and on other threads: they work while the history is composed.
      const hashes = Promise.all(DEMO_PEOPLE.map(() => hashPassword(password)));
      const { rows } = await client.query<{ now: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now'
      );
      const history = composeHistory({ seed: SEED, now: rows[0]!.now, count });
      await writeTypes(client);
      const places = await writeWorkspaces(client);
      const people = await writePeople(client, places, await hashes);
      await writeOperations(client, history, places, people);
      // What the maintenance would do a little later.
      await client.query('do $$ begin while watchfloor.sweep_follow_ups() > 0 loop end loop; end $$');
      await client.query('select watchfloor.compact_successes()');
      await client.query('select watchfloor.collect_facets()');
      return DEMO_PEOPLE.map(({ email, name, role, sees }) => ({ email, name, role, sees }));
    });
  } finally {
    await pool.end();
  }
}

/**
 * Lets lists be read from their indexes alone, which they cannot before somebody vacuums; autovacuum would come a minute
 * later. Apart from the seed, since it may not be part of a transaction, and nothing is wrong without it.
 */
export async function tidyAfterSeed(url: string): Promise<void> {
  const pool = openPool({ url, role: 'owner', max: 1, applicationName: 'watchfloor seed', statementTimeoutMs: 60_000 });
  try {
    await pool.query('vacuum public.operation_runs');
    await pool.query('vacuum analyze watchfloor.successes, watchfloor.facets, watchfloor.changes');
  } finally {
    await pool.end();
  }
}

async function writeTypes(client: pg.ClientBase): Promise<void> {
  await client.query(
    `insert into public.operation_types (code, label, follow_up_policy, running_limit_seconds)
     select * from jsonb_to_recordset($1) as type (code text, label text, follow_up_policy text, running_limit_seconds int)
     on conflict do nothing`,
    [JSON.stringify(DEMO_TYPES)]
  );
}

async function isEmpty(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select exists (select from public.workspaces where id is distinct from $1) or exists (select from public.users) as found`,
    [await readSelfWorkspace(client)]
  );
  return !rows[0]!.found;
}

async function writeWorkspaces(client: pg.ClientBase): Promise<Places> {
  const places = new Map<string, Map<string, number>>();
  for (const { name, environments } of DEMO_WORKSPACES) {
    const { rows } = await client.query<{ id: number }>(
      `insert into public.workspaces (name, is_demo, created_at) values ($1, true, now() - $2 * interval '1 day') returning id`,
      [name, ADDED_DAYS_AGO]
    );
    const workspace = rows[0]!.id;
    const written = await client.query<{ id: number; name: string }>(
      `insert into public.managed_environments (workspace_id, name, created_at)
       select $1, name, now() - days * interval '1 day'
       from unnest($2::text[], $3::int[]) with ordinality as listed (name, days, place) order by place returning id, name`,
      [
        workspace,
        environments.map((environment) => environment.name),
        environments.map(({ addedDaysAgo }) => addedDaysAgo ?? ADDED_DAYS_AGO)
      ]
    );
    places.set(name, new Map([['', workspace], ...written.rows.map((row) => [row.name, row.id] as const)]));
  }
  return places;
}

/** Ids and names by e-mail address. The owner also sees what Watchfloor reports of itself. */
async function writePeople(
  client: pg.ClientBase,
  places: Places,
  hashes: readonly string[]
): Promise<Map<string, { id: number; name: string }>> {
  const ids = new Map<string, { id: number; name: string }>();
  for (const [index, person] of DEMO_PEOPLE.entries()) {
    const { rows } = await client.query<{ id: number }>(
      'insert into public.users (email, name, password_hash) values ($1, $2, $3) returning id',
      [person.email, person.name, hashes[index]]
    );
    const user = rows[0]!.id;
    ids.set(person.email, { id: user, name: person.name });
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
