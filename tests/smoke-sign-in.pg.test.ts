/** The smoke's way in: single-use, short, for a person who only reads; and short whatever renews it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as administration from '../src/lib/server/access/administration.ts';
import { openSessions } from '../src/lib/server/access/sessions.ts';
import { makeSmokeToken, useSmokeToken } from '../src/lib/server/access/smoke-sign-in.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { signInNow } from './harness/sign-in.ts';
import { makeWorld, type World } from './harness/world.ts';
import type pg from 'pg';

let database: TestDatabase;
let world: World;
let access: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  access = openPool({ url: database.url, role: 'access', max: 2, applicationName: 'smoke sign-in test' });
});
afterAll(async () => {
  await access.end();
  await world.close();
  await database.drop();
});

test('a token lets one person in once, who reads one workspace', async () => {
  const { token, email } = await makeSmokeToken(world.owner, { workspaceId: world.a });
  const person = await useSmokeToken(access, token);
  const { rows } = await world.owner.query(
    'select u.email, m.workspace_id, m.role from users u join memberships m on m.user_id = u.id where u.id = $1',
    [person?.personId]
  );
  expect(rows).toEqual([{ email, workspace_id: world.a, role: 'readonly' }]);
  expect(await useSmokeToken(access, token)).toBeNull();
});

test('of many who use it at once, one gets in', async () => {
  const { token } = await makeSmokeToken(world.owner, { workspaceId: world.a });
  const answers = await Promise.all(Array.from({ length: 10 }, () => useSmokeToken(access, token)));
  expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
});

test('a token that is over, was never made, or is no token lets nobody in', async () => {
  const { token } = await makeSmokeToken(world.owner, { workspaceId: world.a });
  await world.owner.query("update watchfloor.smoke_sign_ins set expires_at = now() - interval '1 second'");
  for (const one of [token, 'A'.repeat(43), '', `${token}\0`, "' or true --"])
    expect(await useSmokeToken(access, one)).toBeNull();
  await makeSmokeToken(world.owner, { workspaceId: world.a });
  const { rows } = await world.owner.query('select from watchfloor.smoke_sign_ins where expires_at < now()');
  expect(rows, 'what is over is swept').toEqual([]);
});

test('whoever may do more than read, or is disabled, is not let in by it', async () => {
  const { token, email } = await makeSmokeToken(world.owner, { workspaceId: world.a });
  await administration.addMember(world.owner, { workspaceId: world.b, email, role: 'operator' });
  expect(await useSmokeToken(access, token)).toBeNull();
  await administration.removeMember(world.owner, { workspaceId: world.b, email });
  const again = await makeSmokeToken(world.owner, { workspaceId: world.a });
  await administration.disableUser(world.owner, { email });
  expect(await useSmokeToken(access, again.token)).toBeNull();
  await administration.enableUser(world.owner, { email });
});

test('the session ends after a quarter of an hour, however it is renewed', async () => {
  const { token } = await makeSmokeToken(world.owner, { workspaceId: world.a });
  const person = (await useSmokeToken(access, token))!;
  const sessions = openSessions({ pool: access, secure: false });
  const { sessionId, setCookie } = (await sessions.signIn(person))!;
  const cookie = `${setCookie.name}=${setCookie.value}`;
  expect((await sessions.check(cookie)).person?.id).toBe(person.personId);
  await world.owner.query("update sessions set expires_at = now() + interval '7 days' where id = $1", [sessionId]);
  const { rows } = await world.owner.query<{ minutes: number }>(
    'select extract(epoch from expires_at - created_at)::int / 60 as minutes from sessions where id = $1',
    [sessionId]
  );
  expect(rows).toEqual([{ minutes: 15 }]);
  // Others keep what they have.
  const other = await signInNow({ sessions, pool: access }, world.everyone.id);
  const { rows: long } = await world.owner.query(
    "select from sessions where id = $1 and expires_at > now() + interval '6 days'",
    [other.sessionId]
  );
  expect(long).toHaveLength(1);
});

test('nobody but the owner makes tokens', async () => {
  await expect(makeSmokeToken(access, { workspaceId: world.a })).rejects.toThrow(/permission denied/);
  await expect(
    access.query('insert into watchfloor.smoke_people (user_id) values ($1)', [world.everyone.id])
  ).rejects.toThrow(/permission denied/);
});
