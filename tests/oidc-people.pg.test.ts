/** Whom an identity provider vouches for, on a real Postgres: who they are here, and memberships that follow their groups. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as administration from '../src/lib/server/access/administration.ts';
import { admit, endOnce, keepOidcRoles, readLink, type OidcPerson } from '../src/lib/server/access/oidc-people.ts';
import { parseOidcRoles } from '../src/lib/server/access/oidc-roles.ts';
import { verifyPassword } from '../src/lib/server/access/passwords.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { entitle, makePerson, makeWorld, type World } from './harness/world.ts';

const ISSUER = 'https://login.example.test';
let database: TestDatabase;
let world: World;
let access: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  access = openPool({ url: database.url, role: 'access', max: 6, applicationName: 'tests' });
});
afterAll(async () => {
  await access?.end();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => {
  await world.owner.query('delete from watchfloor.oidc_accounts');
  await world.owner.query(`delete from users where email like '%@corp.test'`);
  await map(`
    admins = owner workspace ${world.a}
    noc = operator workspace ${world.a}
    emea = operator workspace ${world.a} environment ${world.a1}
    apac = operator workspace ${world.a} environment ${world.a2}
    looks = readonly workspace ${world.a}
    looks-3 = readonly workspace ${world.a} environment ${world.a3}
    b-looks = readonly workspace ${world.b}
    gone = owner workspace 999999
    nowhere = owner workspace ${world.a} environment ${world.b1}
  `);
});

async function map(text: string, issuer = ISSUER): Promise<void> {
  const { roles, mistakes } = parseOidcRoles(text);
  expect(mistakes).toEqual([]);
  await keepOidcRoles(database.url, {
    issuer,
    clientId: 'watchfloor',
    clientSecret: null,
    label: 'Example',
    scopes: 'openid',
    groupsClaim: 'groups',
    roles
  });
}

const ada = (groups: string[], more: Partial<OidcPerson> = {}): OidcPerson => ({
  issuer: ISSUER,
  subject: 'ada',
  email: 'ada@corp.test',
  isEmailVerified: false,
  name: 'Ada Lovelace',
  groups,
  ...more
});
async function signIn(groups: string[], more: Partial<OidcPerson> = {}): Promise<number> {
  const outcome = await admit(access, ada(groups, more));
  if (outcome.kind !== 'signed in') throw new Error(outcome.kind);
  return outcome.personId;
}
const link = (personId: number, issuer = ISSUER) => readLink(access, { personId, issuer });
/** "role workspace [environments]" of each, by workspace. */
async function seen(personId: number): Promise<string[]> {
  const { rows } = await world.owner.query<{ line: string }>(
    `select m.role || ' ' || w.name || coalesce(' ' || (select string_agg(e.name, ' ' order by e.name)
       from environment_memberships em join managed_environments e on e.id = em.managed_environment_id
       where em.workspace_id = m.workspace_id and em.user_id = m.user_id), '') as line
     from memberships m join workspaces w on w.id = m.workspace_id where m.user_id = $1 order by w.name`,
    [personId]
  );
  return rows.map(({ line }) => line);
}
const changes = async (): Promise<number> =>
  (await world.owner.query(`select from watchfloor.changes where kind = 'a'`)).rowCount ?? 0;

describe('who somebody is', () => {
  test('somebody new is made where a group gives them something, with a password that nobody knows', async () => {
    const id = await signIn(['noc', 'others']);
    expect(await seen(id)).toEqual(['operator Workspace A']);
    const { rows } = await world.owner.query<{ email: string; name: string; password_hash: string }>(
      'select email, name, password_hash from users where id = $1',
      [id]
    );
    expect(rows[0]).toMatchObject({ email: 'ada@corp.test', name: 'Ada Lovelace' });
    expect(rows[0]!.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    for (const guess of ['', 'ada', ISSUER]) expect(await verifyPassword(rows[0]!.password_hash, guess)).toBe(false);
    expect(await link(id)).not.toBeNull();
    expect(await link(world.everyone.id)).toBeNull();
    // From then on their subject is who they are, whatever their e-mail is.
    expect(await signIn(['noc'], { email: world.everyone.email, isEmailVerified: true })).toBe(id);
  });

  test('without a group that gives anything nobody is made', async () => {
    for (const groups of [[], ['others'], ['gone'], ['nowhere'], ['NOC'], ['noc ']])
      expect(await admit(access, ada(groups)), groups.join()).toEqual({ kind: 'no access' });
    expect((await world.owner.query(`select from users where email = 'ada@corp.test'`)).rowCount).toBe(0);
    expect((await world.owner.query('select from watchfloor.oidc_accounts')).rowCount).toBe(0);
  });

  test('an account that is there is linked by an e-mail that the provider has verified, however it is written', async () => {
    const person = await makePerson(world.owner, 'present');
    const mine = { email: person.email.toUpperCase(), isEmailVerified: true };
    expect(await admit(access, ada([], mine)), 'a member of nothing').toEqual({ kind: 'no access' });
    expect(await link(person.id)).toBeNull();
    await administration.addMember(world.owner, { workspaceId: world.b, email: person.email, role: 'support' });
    expect(await signIn([], mine), 'what was given by hand is enough').toBe(person.id);
    expect(await seen(person.id)).toEqual(['support Workspace B']);
  });

  test('an e-mail that is not verified takes over nobody, and no second account there is linked to the same person', async () => {
    const person = await makePerson(world.owner, 'victim');
    const email = person.email;
    expect(await admit(access, ada(['admins'], { email }))).toEqual({ kind: 'e-mail taken' });
    expect(await signIn(['noc'], { email, isEmailVerified: true })).toBe(person.id);
    expect(await admit(access, ada(['admins'], { subject: 'mallory', email, isEmailVerified: true }))).toEqual({
      kind: 'e-mail taken'
    });
    expect(await seen(person.id)).toEqual(['operator Workspace A']);
  });

  test('the same subject of another issuer is somebody else, whom the mapping of this one gives nothing', async () => {
    await signIn(['noc']);
    const other = { issuer: 'https://other.example.test', email: 'other@corp.test' };
    expect(await admit(access, ada(['admins'], other))).toEqual({ kind: 'no access' });
  });

  test('whoever a provider brought has no password of their own until one is given to them; who is linked keeps theirs', async () => {
    const id = await signIn(['noc']);
    expect(await link(id)).toEqual({ hasOwnPassword: false });
    await signIn(['noc', 'b-looks']);
    expect(await link(id), 'at the second time').toEqual({ hasOwnPassword: false });
    await administration.resetPassword(world.owner, { email: 'ada@corp.test', password: 'four random words here' });
    expect(await link(id)).toEqual({ hasOwnPassword: true });
    await signIn(['noc']);
    expect(await link(id)).toEqual({ hasOwnPassword: true });
    const person = await makePerson(world.owner, 'linked');
    await signIn(['noc'], { subject: 'linked', email: person.email, isEmailVerified: true });
    expect(await link(person.id)).toEqual({ hasOwnPassword: true });
  });

  test('linked to one provider is not linked to another, which this node may be told of next', async () => {
    const id = await signIn(['noc']);
    expect(await link(id, 'https://other.example.test')).toBeNull();
  });

  test('somebody who is disabled stays out, with what they had, linked or not', async () => {
    const id = await signIn(['noc']);
    await administration.disableUser(world.owner, { email: 'ada@corp.test' });
    expect(await admit(access, ada(['admins']))).toEqual({ kind: 'disabled' });
    expect(await seen(id)).toEqual(['operator Workspace A']);
    const person = await makePerson(world.owner, 'leaver');
    await administration.disableUser(world.owner, { email: person.email });
    const theirs = { subject: 'leaver', email: person.email, isEmailVerified: true };
    expect(await admit(access, ada(['admins'], theirs))).toEqual({ kind: 'disabled' });
    expect(await link(person.id)).toBeNull();
  });

  test('one person in many browsers at once for the first time is one account', async () => {
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => signIn(['noc'])));
    expect(new Set(outcomes).size).toBe(1);
    expect((await world.owner.query('select from watchfloor.oidc_accounts')).rowCount).toBe(1);
  });

  test('two subjects with one e-mail at once: one of them is let in', async () => {
    const outcomes = await Promise.all(['one', 'two'].map((subject) => admit(access, ada(['noc'], { subject }))));
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['e-mail taken', 'signed in']);
  });
});

describe('memberships follow groups', () => {
  test('what groups give is added, changed and removed at the next sign-in, and a membership of nothing is no way in', async () => {
    const id = await signIn(['emea']);
    expect(await seen(id)).toEqual(['operator Workspace A a1']);
    await signIn(['apac', 'b-looks']);
    expect(await seen(id)).toEqual(['operator Workspace A a2', 'readonly Workspace B']);
    await signIn(['admins', 'b-looks']);
    expect(await seen(id)).toEqual(['owner Workspace A', 'readonly Workspace B']);
    await signIn(['b-looks']);
    expect(await seen(id)).toEqual(['readonly Workspace B']);
    expect(await admit(access, ada([]))).toEqual({ kind: 'no access' });
    expect(await seen(id)).toEqual([]);
    expect(await signIn(['noc'])).toBe(id);
  });

  test('of the lines that fit, the first decides the role; others of that role add environments, and none raises it', async () => {
    const id = await signIn(['emea', 'apac']);
    expect(await seen(id)).toEqual(['operator Workspace A a1 a2']);
    await signIn(['looks', 'emea']);
    expect(await seen(id), 'not all of it, which only "looks" gives').toEqual(['operator Workspace A a1']);
    await signIn(['looks-3', 'emea']);
    expect(await seen(id), 'nor an operator of what they only read').toEqual(['operator Workspace A a1']);
    await signIn(['emea', 'noc']);
    expect(await seen(id)).toEqual(['operator Workspace A']);
    await signIn(['nowhere', 'looks']);
    expect(await seen(id), 'a narrowing to what is not there is nothing').toEqual(['readonly Workspace A']);
  });

  test('what was given by hand stays as it is, whatever the groups', async () => {
    const person = await makePerson(world.owner, 'by-hand');
    await administration.addMember(world.owner, { workspaceId: world.a, email: person.email, role: 'support' });
    await entitle(world.owner, world.a, person.id, [world.a3]);
    const mine = { email: person.email, isEmailVerified: true };
    for (const groups of [['admins', 'b-looks'], ['emea'], []]) {
      await signIn(groups, mine);
      expect(await seen(person.id)).toContain('support Workspace A a3');
    }
    expect(await seen(person.id)).toEqual(['support Workspace A a3']);
  });

  test('what an administrator changes by hand is by hand from then on; what they remove, groups give again', async () => {
    const id = await signIn(['noc', 'b-looks']);
    const email = 'ada@corp.test';
    await administration.addMember(world.owner, { workspaceId: world.a, email, role: 'manager' });
    await administration.removeMember(world.owner, { workspaceId: world.b, email });
    await signIn(['noc', 'b-looks']);
    expect(await seen(id)).toEqual(['manager Workspace A', 'readonly Workspace B']);
    await administration.entitle(world.owner, { workspaceId: world.b, email, environmentIds: [world.b1] });
    await signIn([]);
    expect(await seen(id)).toEqual(['manager Workspace A', 'readonly Workspace B b1']);
  });

  test('the last owner goes like everybody else, as from the command line: it is where a new one is made', async () => {
    const id = await signIn(['admins']);
    expect(await seen(id)).toEqual(['owner Workspace A']);
    await signIn(['looks']);
    expect(await seen(id)).toEqual(['readonly Workspace A']);
  });

  test('a sign-in that changes nothing tells open pages nothing', async () => {
    await signIn(['emea', 'b-looks']);
    const before = await changes();
    await signIn(['b-looks', 'emea', 'others']);
    expect(await changes()).toBe(before);
    await signIn(['emea']);
    expect(await changes()).toBeGreaterThan(before);
  });

  test('a mapping that was made smaller holds at the next start, for everybody who came by it; more comes with a sign-in', async () => {
    const id = await signIn(['noc', 'b-looks', 'later']);
    await map(`b-looks = support workspace ${world.b} ; later = owner workspace ${world.a}`);
    expect(await seen(id)).toEqual(['support Workspace B']);
    await signIn(['noc', 'b-looks', 'later']);
    expect(await seen(id)).toEqual(['owner Workspace A', 'support Workspace B']);
    await keepOidcRoles(database.url, null);
    await map('', 'https://other.example.test');
    expect(await seen(id), 'without a provider, or with another one').toHaveLength(2);
    await map('');
    expect(await seen(id)).toEqual([]);
  });

  test('a start with the same mapping writes nothing', async () => {
    await signIn(['noc']);
    const versions = async () =>
      (await world.owner.query('select xmin from watchfloor.oidc_roles order by position')).rows;
    const before = await versions();
    const text = `a = owner workspace ${world.a} environment ${world.a1}; b = support workspace ${world.b}`;
    await map(text);
    const written = await versions();
    expect(written).not.toEqual(before);
    await map(text);
    expect(await versions()).toEqual(written);
  });
});

describe('the role that signs people in', () => {
  test.each([
    `insert into watchfloor.oidc_roles (issuer, position, group_name, workspace_id, role) values ('x', 1, 'x', 1, 'owner')`,
    `update watchfloor.oidc_roles set role = 'owner'`,
    'select group_name from watchfloor.oidc_roles',
    'select subject from watchfloor.oidc_accounts',
    `insert into watchfloor.oidc_accounts (issuer, subject, user_id) values ('x', 'x', 1)`,
    'delete from watchfloor.oidc_accounts',
    'insert into watchfloor.oidc_memberships (workspace_id, user_id) values (1, 1)',
    `select watchfloor.follow_oidc_groups('x', 'x')`,
    `select * from watchfloor.oidc_grants('x', '{}')`,
    `insert into memberships (workspace_id, user_id, role) values (1, 1, 'owner')`,
    `update memberships set role = 'owner'`,
    'delete from environment_memberships'
  ])('cannot: %s', async (sql) => {
    await expect(access.query(sql)).rejects.toThrow(/permission denied/);
  });

  test('cannot give anything that the mapping does not give, whatever it says', async () => {
    for (const groups of [['owner'], ['*'], [`owner workspace ${world.a}`], ['gone'], ['nowhere']])
      expect(await admit(access, ada(groups))).toEqual({ kind: 'no access' });
    await expect(
      access.query(`select * from watchfloor.sign_in_by_oidc($1, 'x', 'x@corp.test', false, 'x', 'no hash', '{noc}')`, [
        ISSUER
      ])
    ).rejects.toThrow(/nobody who could sign in/);
  });

  test('is the only one that may let somebody in, and nobody else reads what there is', async () => {
    for (const role of ['people', 'feed', 'writer', 'reconciler'] as const) {
      const pool = openPool({ url: database.url, role, max: 1, applicationName: 'tests' });
      try {
        await expect(admit(pool, ada(['noc']))).rejects.toThrow(/permission denied/);
        await expect(pool.query('select issuer from watchfloor.oidc_accounts')).rejects.toThrow(/permission denied/);
      } finally {
        await pool.end();
      }
    }
  });
});

test('what has come back once does not come back again, and what is long over is swept', async () => {
  const soon = Date.now() + 60_000;
  expect(await endOnce(access, 'one', soon)).toBe(true);
  expect(await endOnce(access, 'one', soon)).toBe(false);
  const many = await Promise.all(Array.from({ length: 6 }, () => endOnce(access, 'two', soon)));
  expect(many.filter(Boolean)).toHaveLength(1);
  await world.owner.query(`update watchfloor.oidc_ended set expires_at = now() - interval '2 hours'`);
  expect(await endOnce(access, 'three', soon)).toBe(true);
  const { rows } = await world.owner.query('select state_hash from watchfloor.oidc_ended');
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain('three');
});
