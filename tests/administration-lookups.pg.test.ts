/** What an administrator looks up and keeps from the command line: people, places, members, types. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  disableUser,
  enableUser,
  endSessions,
  renameEnvironment,
  renameWorkspace
} from '../src/lib/server/access/administration.ts';
import {
  readEnvironments,
  readMembers,
  readSessions,
  readUsers,
  readWorkspaces
} from '../src/lib/server/access/listings.ts';
import { readTypes, removeType, setType } from '../src/lib/server/operations/catalogue.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

test('people are listed with what they can do, and can be signed out, disabled and let in again', async () => {
  const { email } = world.stranger;
  const read = async () => (await readUsers(world.owner)).find((user) => user.email === email);
  expect(await read()).toMatchObject({ workspaces: 1, sessions: 1, disabledAt: null });
  expect(await readSessions(world.owner, { email })).toHaveLength(1);
  expect(await endSessions(world.owner, { email })).toEqual({ ended: 1 });
  expect(await readSessions(world.owner, { email })).toEqual([]);
  await disableUser(world.owner, { email });
  expect((await read())?.disabledAt).toBeInstanceOf(Date);
  await enableUser(world.owner, { email });
  expect(await read()).toMatchObject({ disabledAt: null, workspaces: 1 });
  for (const act of [enableUser, endSessions, readSessions])
    await expect(act(world.owner, { email: 'nobody@example.test' })).rejects.toThrow('There is no user');
});

test('places and members are listed with their numbers, and can be renamed', async () => {
  await insertOperation(world.writer, world.a, world.a2);
  await renameWorkspace(world.owner, { workspaceId: world.a, name: 'Northwind' });
  await renameEnvironment(world.owner, { environmentId: world.a2, name: 'Live' });
  expect(await readWorkspaces(world.owner)).toContainEqual({
    id: world.a,
    name: 'Northwind',
    isDemo: false,
    environments: 3,
    members: 2
  });
  const environments = await readEnvironments(world.owner, world.a);
  expect(environments.find(({ id }) => id === world.a2)).toMatchObject({
    name: 'Live',
    lastReportedAt: expect.any(Date) as Date
  });
  expect(environments.find(({ id }) => id === world.a1)).toMatchObject({ lastReportedAt: null });
  expect((await readEnvironments(world.owner, null)).length).toBe(4);
  const members = await readMembers(world.owner, world.a);
  expect(members.find(({ email }) => email === world.narrowed.email)?.environmentIds).toEqual([world.a1]);
  expect(members.find(({ email }) => email === world.everyone.email)?.environmentIds).toBeNull();
  await expect(readMembers(world.owner, 999_999)).rejects.toThrow('There is no workspace');
  await expect(renameEnvironment(world.owner, { environmentId: world.a1, name: 'live' })).rejects.toThrow('already');
  await expect(renameWorkspace(world.owner, { workspaceId: 999_999, name: 'x' })).rejects.toThrow(
    'There is no workspace'
  );
});

test('types are added with a label, changed in part, and removed unless built in', async () => {
  await expect(setType(world.owner, 'nightly.billing', { runningLimitSeconds: 7200 })).rejects.toThrow('add --label');
  expect(
    await setType(world.owner, 'nightly.billing', { label: ' Nightly billing ', runningLimitSeconds: 7200 })
  ).toEqual({
    code: 'nightly.billing',
    label: 'Nightly billing',
    policy: 'manual_review',
    queuedLimitSeconds: 900,
    runningLimitSeconds: 7200,
    isBuiltIn: false
  });
  expect(await setType(world.owner, 'nightly.billing', { policy: 'repeatable' })).toMatchObject({
    label: 'Nightly billing',
    policy: 'repeatable',
    runningLimitSeconds: 7200
  });
  await removeType(world.owner, 'nightly.billing');
  expect((await readTypes(world.owner)).map(({ code }) => code)).not.toContain('nightly.billing');
  await expect(removeType(world.owner, 'nightly.billing')).rejects.toThrow('There is no type');
  await expect(removeType(world.owner, 'inventory.sync')).rejects.toThrow('built in');
  await expect(setType(world.owner, 'not a code', { label: 'x' })).rejects.toThrow('not a code');
});
