/**
 * Starts that change what groups give, beside people who sign in: nobody keeps what was taken away, whoever comes first, and
 * a start asks no more of the database than the change concerns.
 */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { FOLLOW_AT_ONCE, keepOidcRoles } from '../src/lib/server/access/oidc-people.ts';
import { parseOidcRoles } from '../src/lib/server/access/oidc-roles.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeWorld, type World } from './harness/world.ts';

const ISSUER = 'https://login.example.test';
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$none';
let database: TestDatabase;
let world: World;
let access: pg.Pool;
/** looks at locks, and writes down what is done */
let admin: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  access = openPool({ url: database.url, role: 'access', max: 4, applicationName: 'tests' });
  admin = new pg.Client({ connectionString: database.url, application_name: 'tests' });
  await admin.connect();
  // Which memberships went, by which statement.
  await admin.query(`create table made_up_gone (user_id bigint, statement timestamptz);
    grant all on made_up_gone to watchfloor_owner;
    create function made_up_log() returns trigger language plpgsql as $$ begin
      insert into public.made_up_gone values (old.user_id, statement_timestamp()); return null; end $$;
    create trigger made_up_999_log after delete on public.memberships for each row execute function public.made_up_log()`);
});
afterAll(async () => {
  await admin?.end();
  await access?.end();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => {
  await map('');
  await world.owner.query('delete from watchfloor.oidc_accounts');
  await world.owner.query(`delete from users where email like '%@corp.test'`);
  await admin.query('truncate made_up_gone');
});

async function map(text: string): Promise<void> {
  const { roles, mistakes } = parseOidcRoles(text);
  expect(mistakes).toEqual([]);
  await keepOidcRoles(database.url, {
    issuer: ISSUER,
    clientId: 'watchfloor',
    clientSecret: null,
    label: 'Example',
    scopes: 'openid',
    groupsClaim: 'groups',
    roles
  });
}
async function signIn(db: pg.Pool | pg.PoolClient, name: string, group = 'noc'): Promise<string> {
  const { rows } = await db.query<{ outcome: string }>(
    'select outcome from watchfloor.sign_in_by_oidc($1, $2, $3, false, $2, $4, $5)',
    [ISSUER, name, `${name}@corp.test`, HASH, [group]]
  );
  return rows[0]!.outcome;
}
/** Many accounts that have signed in, as signing in leaves them. */
async function makeMany(count: number, group: string, workspaceId: number): Promise<void> {
  await admin.query(
    `with made as (
       insert into users (email, name, password_hash)
       select format('%s-%s@corp.test', $2::text, n), 'x', 'none' from generate_series(1, $1::integer) n returning id, email
     ), linked as (
       insert into watchfloor.oidc_accounts (issuer, subject, user_id, group_names)
       select $3, email, id, array[$2] from made
     ), members as (
       insert into memberships (workspace_id, user_id, role) select $4::bigint, id, 'operator' from made returning workspace_id, user_id
     )
     insert into watchfloor.oidc_memberships (workspace_id, user_id) select workspace_id, user_id from members`,
    [count, group, ISSUER, workspaceId]
  );
}
const members = async (): Promise<string[]> =>
  (
    await world.owner.query<{ email: string }>(
      `select u.email from memberships m join users u on u.id = m.user_id where u.email like '%@corp.test' order by 1`
    )
  ).rows.map(({ email }) => email);
const behind = async (): Promise<number> =>
  (await world.owner.query('select from watchfloor.oidc_accounts where is_behind')).rowCount ?? 0;

/** Resolves when somebody waits for the table, or this is done without. */
async function untilWaiting(isDone: () => boolean): Promise<void> {
  await vi.waitFor(async () => {
    const { rows } = await admin.query(
      `select from pg_locks where relation = 'watchfloor.oidc_roles'::regclass and not granted`
    );
    expect(rows.length > 0 || isDone()).toBe(true);
  });
}

test('somebody who signs in for the first time during a start keeps nothing of a line that it takes away', async () => {
  await map(`noc = owner workspace ${world.a}`);
  const client = await access.connect();
  await client.query('begin');
  expect(await signIn(client, 'ada')).toBe('signed in');
  let isDone = false;
  const starting = map('').finally(() => (isDone = true));
  await untilWaiting(() => isDone);
  await client.query('commit');
  client.release();
  await starting;
  expect(await members()).toEqual([]);
});

test('who comes while a start writes waits for it, and is then nobody here', async () => {
  await map(`noc = owner workspace ${world.a}`);
  const start = await world.owner.connect();
  await start.query('begin; lock table watchfloor.oidc_roles in share row exclusive mode');
  await start.query('delete from watchfloor.oidc_roles');
  let isDone = false;
  const coming = signIn(access, 'ada').finally(() => (isDone = true));
  await untilWaiting(() => isDone);
  await start.query('commit');
  start.release();
  expect(await coming).toBe('no access');
  expect((await world.owner.query(`select from users where email = 'ada@corp.test'`)).rowCount).toBe(0);
});

test('people sign in beside each other, and a start that changes nothing waits for none of them', async () => {
  const text = `noc = owner workspace ${world.a}`;
  await map(text);
  const client = await access.connect();
  await client.query('begin');
  expect(await signIn(client, 'ada')).toBe('signed in');
  expect(await signIn(access, 'bob')).toBe('signed in');
  await map(text);
  await client.query('commit');
  client.release();
  expect(await members()).toHaveLength(2);
});

test('a changed line is followed by those alone who are in its group, a few at a time', async () => {
  const others = `others = operator workspace ${world.b}`;
  await map(`noc = operator workspace ${world.a}; ${others}`);
  const many = 2 * FOLLOW_AT_ONCE + 10;
  await makeMany(many, 'noc', world.a);
  await makeMany(40, 'others', world.b);
  const versions = async () =>
    (
      await world.owner.query(
        `select xmin, xmax from watchfloor.oidc_accounts where group_names = '{others}' order by subject`
      )
    ).rows;
  const before = await versions();
  await map(others);
  expect((await members()).filter((email) => email.startsWith('noc'))).toEqual([]);
  expect(await members()).toHaveLength(40);
  expect(await versions(), 'nobody else is even locked').toEqual(before);
  const { rows } = await admin.query<{ count: string }>('select count(*) from made_up_gone group by statement');
  const sizes = rows.map(({ count }) => Number(count));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(many);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(FOLLOW_AT_ONCE);
  expect(await behind()).toBe(0);
});

test('a start that was broken off is gone on with by the next one, and whoever signs in between is no exception', async () => {
  const others = `others = operator workspace ${world.b}`;
  await map(`noc = operator workspace ${world.a}; ${others}`);
  expect(await signIn(access, 'ada')).toBe('signed in');
  await makeMany(FOLLOW_AT_ONCE + 10, 'noc', world.a);
  // The second batch cannot go through.
  await admin.query(`create function made_up_stop() returns trigger language plpgsql as $$ begin
      if (select count(*) from public.made_up_gone) >= ${FOLLOW_AT_ONCE} then raise exception 'broken off'; end if;
      return old; end $$;
    create trigger made_up_001_stop before delete on public.memberships for each row execute function public.made_up_stop()`);
  try {
    await expect(map(others)).rejects.toThrow('broken off');
  } finally {
    await admin.query('drop trigger made_up_001_stop on public.memberships; drop function made_up_stop');
  }
  expect(await behind()).toBe(11);
  expect(await signIn(access, 'noc-99@corp.test')).toBe('no access');
  expect(await behind()).toBe(10);
  await map(others);
  expect(await behind()).toBe(0);
  expect(await members()).toEqual([]);
});

test('of nodes that start together with another mapping, all are ready when nobody is behind', async () => {
  await map(`noc = operator workspace ${world.a}`);
  await makeMany(FOLLOW_AT_ONCE + 50, 'noc', world.a);
  const seen = await Promise.all([1, 2, 3].map(() => map(`noc = support workspace ${world.a}`).then(behind)));
  expect(seen).toEqual([0, 0, 0]);
  const { rows } = await world.owner.query(
    'select distinct role from memberships m join users u on u.id = m.user_id where u.email like $1',
    ['%@corp.test']
  );
  expect(rows).toEqual([{ role: 'support' }]);
});
