/**
 * A small world in a test database: two workspaces, environments, people of every narrowing, with sessions; and writers
 * that act as `watchfloor_writer` does. Builders with names instead of fixtures, so that a test says what it relies on.
 */
import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { openPool, types } from '../../src/lib/server/database/pool.ts';

export interface TestPerson {
  id: number;
  email: string;
  /** ready for a Cookie header */
  cookie: string;
  sessionId: string;
}

export interface World {
  owner: pg.Pool;
  writer: pg.Pool;
  /** workspace A with environments a1, a2, a3; workspace B with b1 */
  a: number;
  b: number;
  a1: number;
  a2: number;
  a3: number;
  b1: number;
  /** sees all of A */
  everyone: TestPerson;
  /** sees a1 and A's own operations */
  narrowed: TestPerson;
  /** sees all of B and nothing of A */
  stranger: TestPerson;
  close(): Promise<void>;
}

export async function makeWorld(url: string): Promise<World> {
  const owner = openPool({ url, role: 'owner', max: 3, applicationName: 'test owner' });
  const writer = openPool({ url, role: 'writer', max: 12, applicationName: 'test writer', statementTimeoutMs: 60_000 });
  const one = async (sql: string, values: unknown[]): Promise<number> =>
    (await owner.query<{ id: number }>(sql, values)).rows[0]!.id;
  const workspace = (name: string) => one('insert into workspaces (name) values ($1) returning id', [name]);
  const environment = (workspaceId: number, name: string) =>
    one('insert into managed_environments (workspace_id, name) values ($1, $2) returning id', [workspaceId, name]);
  const [a, b] = [await workspace('Workspace A'), await workspace('Workspace B')];
  const world = {
    owner,
    writer,
    a,
    b,
    a1: await environment(a, 'a1'),
    a2: await environment(a, 'a2'),
    a3: await environment(a, 'a3'),
    b1: await environment(b, 'b1')
  };
  const everyone = await makePerson(owner, 'everyone');
  const narrowed = await makePerson(owner, 'narrowed');
  const stranger = await makePerson(owner, 'stranger');
  await owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    a,
    everyone.id,
    'operator'
  ]);
  await owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    a,
    narrowed.id,
    'operator'
  ]);
  await owner.query('insert into memberships (workspace_id, user_id, role) values ($1, $2, $3)', [
    b,
    stranger.id,
    'owner'
  ]);
  await entitle(owner, a, narrowed.id, [world.a1]);
  return {
    ...world,
    everyone,
    narrowed,
    stranger,
    close: async () => void (await Promise.all([owner.end(), writer.end()]))
  };
}

export async function makePerson(owner: pg.Pool, name: string): Promise<TestPerson> {
  const email = `${name}.${randomBytes(3).toString('hex')}@example.test`;
  const { rows } = await owner.query<{ id: number }>(
    `insert into users (email, name, password_hash) values ($1, $2, 'no password opens this') returning id`,
    [email, name]
  );
  return { id: rows[0]!.id, email, ...(await makeSession(owner, rows[0]!.id)) };
}

/** A session as sign-in makes it: the cookie has the token, the table its SHA-256. */
export async function makeSession(owner: pg.Pool, userId: number): Promise<Pick<TestPerson, 'cookie' | 'sessionId'>> {
  const token = randomBytes(32).toString('base64url');
  const sessionId = createHash('sha256').update(token).digest('hex');
  await owner.query(`insert into sessions (id, user_id, expires_at) values ($1, $2, now() + interval '5 days')`, [
    sessionId,
    userId
  ]);
  return { cookie: `watchfloor=${token}`, sessionId };
}

export async function entitle(
  owner: pg.Pool,
  workspaceId: number,
  userId: number,
  environmentIds: number[]
): Promise<void> {
  await owner.query(
    `insert into environment_memberships (workspace_id, user_id, managed_environment_id)
     select $1, $2, unnest($3::bigint[])`,
    [workspaceId, userId, environmentIds]
  );
}

/** One connection of its own as the writer, for transactions that stay open. */
export async function openWriter(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, types, application_name: 'test writer' });
  client.on('error', () => {});
  await client.connect();
  await client.query('set role watchfloor_writer');
  return client;
}

/** Inserts one queued operation and returns its id. */
export async function insertOperation(
  db: pg.Pool | pg.ClientBase,
  workspaceId: number,
  environmentId: number | null,
  type = 'inventory.sync'
): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    'insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, $3) returning id',
    [workspaceId, environmentId, type]
  );
  return rows[0]!.id;
}
