/** One's own account on a real Postgres and a real hub: another password, and what follows for sessions and open sockets. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { changePassword, type PasswordChange } from '../src/lib/server/access/account.ts';
import { hashPassword, verifyPassword } from '../src/lib/server/access/passwords.ts';
import { openSessions, type Sessions } from '../src/lib/server/access/sessions.ts';
import { FIRST_WAIT_SECONDS, LIMITS } from '../src/lib/server/access/sign-in-limits.ts';
import { openSignIn, type SignIn } from '../src/lib/server/access/sign-in.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { startHub, TestClient, type TestHub } from './harness/live.ts';
import { makeSession, makeWorld, type World } from './harness/world.ts';

const PASSWORD = 'four random words';
const NEXT = 'five other random words';
let database: TestDatabase;
let world: World;
let hub: TestHub;
let access: pg.Pool;
let sessions: Sessions;
let signIn: SignIn;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url);
  access = openPool({ url: database.url, role: 'access', max: 4, applicationName: 'tests' });
  sessions = openSessions({ pool: access, secure: false });
  signIn = openSignIn(access);
}, 60_000);
afterAll(async () => {
  await hub?.close();
  await access?.end();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => {
  await world.owner.query('update users set password_hash = $1', [await hashPassword(PASSWORD)]);
  await world.owner.query('delete from sessions');
  await world.owner.query('delete from watchfloor.sign_in_limits');
});

const change = async (more: Partial<PasswordChange> = {}) => {
  const { rows } = await world.owner.query<{ id: string }>('select id from sessions where user_id = $1', [
    world.everyone.id
  ]);
  return changePassword(
    { pool: access, signIn, sessions },
    {
      sessionId: rows[0]?.id ?? (await makeSession(world.owner, world.everyone.id)).sessionId,
      person: { id: world.everyone.id, email: world.everyone.email, name: 'Ada Lovelace' },
      current: PASSWORD,
      next: NEXT,
      address: '203.0.113.1',
      agent: 'Firefox on Linux',
      ...more
    }
  );
};
const kept = async (): Promise<string> =>
  (
    await world.owner.query<{ password_hash: string }>('select password_hash from users where id = $1', [
      world.everyone.id
    ])
  ).rows[0]!.password_hash;
const count = async (userId: number): Promise<number> => (await sessions.readOwn(userId)).length;

test('another password makes another session, and ends all others, their sockets with them', async () => {
  const old = [await makeSession(world.owner, world.everyone.id), await makeSession(world.owner, world.everyone.id)];
  const stranger = await makeSession(world.owner, world.stranger.id);
  const clients = [...old, stranger].map(({ cookie }) => new TestClient(hub.port, cookie));
  await Promise.all(clients.map((client) => client.connected()));
  const answer = await change();
  if (answer.kind !== 'changed') throw new Error(answer.kind);
  const told = (client: TestClient) => client.events.some(({ name }) => name === 'session:ended');
  await vi.waitFor(() => expect(clients.map(told)).toEqual([true, true, false]), { timeout: 10_000, interval: 20 });
  expect(clients.map(({ socket }) => socket.connected)).toEqual([false, false, true]);
  for (const client of clients) client.close();

  expect(await verifyPassword(await kept(), NEXT)).toBe(true);
  const cookie = `${answer.setCookie.name}=${answer.setCookie.value}`;
  expect((await sessions.check(cookie)).person?.id).toBe(world.everyone.id);
  expect(await sessions.readOwn(world.everyone.id)).toMatchObject([{ agent: 'Firefox on Linux' }]);
  expect(await count(world.stranger.id)).toBe(1);
  for (const { cookie: ended } of old) expect((await sessions.check(ended)).person).toBeNull();
});

test('without the present password nothing changes, and guessing it has the limits of signing in', async () => {
  const before = await kept();
  await makeSession(world.owner, world.everyone.id);
  for (let tries = 0; tries < LIMITS.accountFromNetwork; tries++)
    expect(await change({ current: `wrong ${tries}` })).toEqual({ kind: 'wrong' });
  expect(await change()).toEqual({ kind: 'limited', retryAfterSeconds: FIRST_WAIT_SECONDS });
  expect(await signIn.attempt({ email: world.everyone.email, password: PASSWORD, address: '203.0.113.1' })).toEqual({
    kind: 'limited',
    retryAfterSeconds: FIRST_WAIT_SECONDS
  });
  expect(await kept()).toBe(before);
  expect(await count(world.everyone.id)).toBe(1);
});

test.each([
  ['short', 'tiny', 'at least 10'],
  ['common', 'Password123!', 'tried first'],
  ['their own name', 'lovelace 2026', 'others know'],
  ['the one they have', PASSWORD, 'that you have']
])('a new password that is %s is refused in words, before anything is counted', async (_, next, words) => {
  const before = await kept();
  expect(await change({ next })).toMatchObject({ kind: 'mistake', sentence: expect.stringContaining(words) });
  expect(await kept()).toBe(before);
  expect((await world.owner.query('select from watchfloor.sign_in_limits')).rowCount).toBe(0);
});

test('who was disabled meanwhile changes nothing, with the right password', async () => {
  const before = await kept();
  await world.owner.query('update users set disabled_at = now() where id = $1', [world.everyone.id]);
  expect(await change()).toEqual({ kind: 'wrong' });
  await world.owner.query('update users set disabled_at = null');
  expect(await kept()).toBe(before);
});
