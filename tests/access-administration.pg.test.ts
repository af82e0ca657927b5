/** The command line's administration on a real Postgres: what it changes, and the sentences when it cannot. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as administration from '../src/lib/server/access/administration.ts';
import { readWorkspaces } from '../src/lib/server/access/workspaces.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

const { AdministrationError, addEnvironment, addMember, addUser, addWorkspace, disableUser } = administration;
const { entitle, removeMember, resetPassword } = administration;

const EMAIL = 'ada@example.com';
const ADA = { email: EMAIL, name: 'Ada', password: 'four random words' };
let database: TestDatabase;
let owner: pg.Pool;
let userId: number;
let workspaceId: number;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 2, applicationName: 'tests' });
});

beforeEach(async () => {
  await owner.query('delete from public.users');
  await owner.query('delete from public.managed_environments');
  await owner.query('delete from public.workspaces');
  userId = (await addUser(owner, ADA)).id;
  workspaceId = (await addWorkspace(owner, { name: ' North ' })).id;
});

afterAll(async () => {
  await owner?.end();
  await database?.drop();
});

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => expect.fail('nothing was refused'),
    (reason: unknown) => reason
  );
  expect(error).toBeInstanceOf(AdministrationError);
  return (error as Error).message;
}

async function readEntitled(): Promise<number[]> {
  const { rows } = await owner.query<{ id: number }>(
    'select managed_environment_id as id from public.environment_memberships where user_id = $1 order by 1',
    [userId]
  );
  return rows.map(({ id }) => id);
}

describe('users', () => {
  test('an e-mail belongs to one user, however it is written', async () => {
    expect(await refusal(addUser(owner, { ...ADA, email: 'ADA@example.com' }))).toContain('already');
  });

  test.each(['ada', 'ada@', '@example.com', 'a b@example.com', 'a\0@example.com', `${'a'.repeat(250)}@example.com`])(
    'the e-mail %j is refused with an example',
    async (email) => {
      expect(await refusal(addUser(owner, { ...ADA, email }))).toContain('somebody@example.com');
    }
  );

  test('a short password and an empty or endless name are refused with what to write instead', async () => {
    const bob = { ...ADA, email: 'bob@example.com' };
    expect(await refusal(addUser(owner, { ...bob, password: 'short' }))).toContain('at least 10');
    expect(await refusal(resetPassword(owner, { email: EMAIL, password: 'short' }))).toContain('at least 10');
    expect(await refusal(addUser(owner, { ...bob, name: '  ' }))).toContain('is empty');
    expect(await refusal(addUser(owner, { ...bob, name: 'x'.repeat(121) }))).toContain('at most 120');
    expect(await refusal(addWorkspace(owner, { name: 'a\nb' }))).toContain('control characters');
  });

  test('somebody unknown can be neither disabled nor given a password', async () => {
    expect(await refusal(disableUser(owner, { email: 'nobody@example.com' }))).toContain('nobody@example.com');
    const reset = resetPassword(owner, { email: 'nobody@example.com', password: 'four random words' });
    expect(await refusal(reset)).toContain('no user');
  });

  test('disabling twice keeps the first time', async () => {
    const read = async () => (await owner.query('select disabled_at from public.users')).rows[0].disabled_at as Date;
    await disableUser(owner, { email: 'Ada@Example.com' });
    const first = await read();
    expect(first).toBeInstanceOf(Date);
    await disableUser(owner, { email: EMAIL });
    expect(await read()).toEqual(first);
  });
});

describe('workspaces and environments', () => {
  test('an environment needs its workspace, and a name of its own in it', async () => {
    await addEnvironment(owner, { workspaceId, name: 'Production' });
    expect(await refusal(addEnvironment(owner, { workspaceId, name: 'production ' }))).toContain('another name');
    expect(await refusal(addEnvironment(owner, { workspaceId: 999_999, name: 'Production' }))).toContain('999999');
    const other = await addWorkspace(owner, { name: 'North' });
    expect((await addEnvironment(owner, { workspaceId: other.id, name: 'Production' })).id).toBeGreaterThan(0);
  });
});

describe('members', () => {
  test('a person’s workspaces are those they are a member of, by name', async () => {
    const south = await addWorkspace(owner, { name: 'South' });
    const east = await addWorkspace(owner, { name: 'east' });
    expect(await readWorkspaces(owner, userId)).toEqual([]);
    await addMember(owner, { workspaceId: south.id, email: EMAIL, role: 'owner' });
    await addMember(owner, { workspaceId: east.id, email: EMAIL, role: 'readonly' });
    const access = openPool({ url: database.url, role: 'access', max: 1, applicationName: 'tests' });
    try {
      expect(await readWorkspaces(access, userId)).toEqual([
        { id: east.id, name: 'east', isDemo: false, role: 'readonly' },
        { id: south.id, name: 'South', isDemo: false, role: 'owner' }
      ]);
    } finally {
      await access.end();
    }
    await removeMember(owner, { workspaceId: south.id, email: EMAIL });
    expect((await readWorkspaces(owner, userId)).map(({ id }) => id)).toEqual([east.id]);
  });

  test('adding a member again changes the role and keeps the narrowing', async () => {
    const { id } = await addEnvironment(owner, { workspaceId, name: 'Production' });
    await addMember(owner, { workspaceId, email: EMAIL, role: 'readonly' });
    await entitle(owner, { workspaceId, email: EMAIL, environmentIds: [id] });
    await addMember(owner, { workspaceId, email: EMAIL, role: 'manager' });
    expect((await owner.query('select role from public.memberships')).rows).toEqual([{ role: 'manager' }]);
    expect(await readEntitled()).toEqual([id]);
  });

  test('an unknown role, person or workspace is refused by name', async () => {
    expect(await refusal(addMember(owner, { workspaceId, email: EMAIL, role: 'admin' }))).toContain(
      'owner, manager, operator, readonly, support'
    );
    const nobody = { workspaceId, email: 'nobody@example.com', role: 'owner' };
    expect(await refusal(addMember(owner, nobody))).toContain('nobody@example.com');
    expect(await refusal(addMember(owner, { workspaceId: 999_999, email: EMAIL, role: 'owner' }))).toContain('999999');
    expect(await refusal(removeMember(owner, { workspaceId, email: EMAIL }))).toContain('not a member');
  });
});

describe('entitlements', () => {
  let production: number;
  let staging: number;

  beforeEach(async () => {
    production = (await addEnvironment(owner, { workspaceId, name: 'Production' })).id;
    staging = (await addEnvironment(owner, { workspaceId, name: 'Staging' })).id;
    await addMember(owner, { workspaceId, email: EMAIL, role: 'operator' });
  });

  test('a member is narrowed to exactly the environments named, and an empty list lifts that', async () => {
    await entitle(owner, { workspaceId, email: EMAIL, environmentIds: [production, production] });
    expect(await readEntitled()).toEqual([production]);
    await entitle(owner, { workspaceId, email: EMAIL, environmentIds: [production, staging] });
    expect(await readEntitled()).toEqual([production, staging]);
    await entitle(owner, { workspaceId, email: EMAIL, environmentIds: [staging] });
    expect(await readEntitled()).toEqual([staging]);
    await entitle(owner, { workspaceId, email: EMAIL, environmentIds: [] });
    expect(await readEntitled()).toEqual([]);
  });

  test('unknown environments and those of another workspace are refused by number, and nothing changes', async () => {
    await entitle(owner, { workspaceId, email: EMAIL, environmentIds: [production] });
    const other = await addWorkspace(owner, { name: 'South' });
    const foreign = (await addEnvironment(owner, { workspaceId: other.id, name: 'Production' })).id;
    const message = await refusal(
      entitle(owner, { workspaceId, email: EMAIL, environmentIds: [staging, foreign, 999_999] })
    );
    expect(message).toContain(String(foreign));
    expect(message).toContain('999999');
    expect(await readEntitled()).toEqual([production]);
  });

  test('who is no member cannot be narrowed', async () => {
    await addUser(owner, { ...ADA, email: 'bob@example.com' });
    const work = entitle(owner, { workspaceId, email: 'bob@example.com', environmentIds: [production] });
    expect(await refusal(work)).toContain('add them as a member first');
  });
});
