/** Sessions on a real Postgres: what the cookie and the table hold, and every way a session ends. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addUser, disableUser, resetPassword } from '../src/lib/server/access/administration.ts';
import { openSessions, toHandle, type SessionCookie, type Sessions } from '../src/lib/server/access/sessions.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { signInNow } from './harness/sign-in.ts';

const EMAIL = 'ada@example.com';
let database: TestDatabase;
let owner: pg.Pool;
let access: pg.Pool;
let sessions: Sessions;
let personId: number;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 2, applicationName: 'tests' });
  access = openPool({ url: database.url, role: 'access', max: 2, applicationName: 'tests' });
  sessions = openSessions({ pool: access, secure: true });
});

beforeEach(async () => {
  await owner.query('delete from public.users');
  personId = (await addUser(owner, { email: EMAIL, name: 'Ada', password: 'four random words' })).id;
});

afterAll(async () => {
  await Promise.all([owner?.end(), access?.end()]);
  await database?.drop();
});

const toHeader = ({ name, value }: SessionCookie) => `theme=dark; ${name}=${value}; other=1`;
const toHash = (token: string) => createHash('sha256').update(token).digest('hex');

async function signIn(): Promise<{ header: string; token: string; sessionId: string }> {
  const { sessionId, setCookie } = await signInNow({ sessions, pool: access }, personId);
  return { header: toHeader(setCookie), token: setCookie.value, sessionId };
}

async function readRows(): Promise<{ id: string; user_id: number; hours_left: number }[]> {
  const { rows } = await owner.query(
    'select id, user_id, extract(epoch from expires_at - clock_timestamp())::float8 / 3600 as hours_left from public.sessions'
  );
  return rows;
}

const age = (set: string) => owner.query(`update public.sessions set ${set}`);

describe('the cookie and the table', () => {
  test('the cookie holds a random token of 256 bits, the table only its SHA-256', async () => {
    const { token, sessionId } = await signIn();
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(await readRows()).toEqual([expect.objectContaining({ id: toHash(token), user_id: personId })]);
    expect(sessionId).toBe(toHash(token));
    expect((await signIn()).token).not.toBe(token);
  });

  test('what stands in the table signs nobody in', async () => {
    const { sessionId } = await signIn();
    const header = `__Host-watchfloor=${sessionId}`;
    expect(await sessions.readSession(header)).toBeNull();
    expect((await sessions.check(header)).person).toBeNull();
  });

  test('the token signs in whoever it was made for, and tells no more than who that is', async () => {
    const { header, sessionId } = await signIn();
    const person = { id: personId, name: 'Ada', email: EMAIL };
    expect(await sessions.readSession(header)).toEqual({ sessionId, person });
    expect(await sessions.check(header)).toEqual({ session: { id: sessionId }, person, setCookie: null });
  });

  test('over https the cookie cannot be set by a subdomain, read by a script or sent along from elsewhere', async () => {
    const { setCookie } = await signInNow({ sessions, pool: access }, personId);
    expect(setCookie).toMatchObject({
      name: '__Host-watchfloor',
      options: { path: '/', secure: true, httpOnly: true, sameSite: 'lax', maxAge: 7 * 24 * 3600 }
    });
  });

  test('over plain http it has another name, which https never accepts', async () => {
    const plain = await signInNow({ sessions: openSessions({ pool: access, secure: false }), pool: access }, personId);
    expect(plain.setCookie).toMatchObject({ name: 'watchfloor', options: { secure: false, httpOnly: true } });
    expect(await sessions.readSession(toHeader(plain.setCookie))).toBeNull();
  });

  test('without our cookie nothing is asked, set or cleared', async () => {
    for (const header of [null, '', 'theme=dark', 'watchfloor=x'])
      expect(await sessions.check(header)).toEqual({ session: null, person: null, setCookie: null });
  });

  test('a malformed cookie of another application on the host signs nobody out', async () => {
    const { header, sessionId } = await signIn();
    expect((await sessions.check(`broken=%E0%A4%A; ${header}`)).session?.id).toBe(sessionId);
  });

  test.each(['', 'x', '%00', 'a'.repeat(43), `${'a'.repeat(43)}"`])(
    'the cookie %j is none of ours and is cleared',
    async (value) => {
      const { person, setCookie } = await sessions.check(`__Host-watchfloor=${value}`);
      expect(person).toBeNull();
      expect(setCookie).toMatchObject({ value: '', options: { maxAge: 0, secure: true, path: '/' } });
    }
  );
});

describe('the end of a session', () => {
  test('a session that is used is renewed, and the renewed cookie carries the token again, not its hash', async () => {
    const { header, token } = await signIn();
    await age(`expires_at = clock_timestamp() + interval '3 days'`);
    const { person, setCookie } = await sessions.check(header);
    expect(person?.id).toBe(personId);
    expect(setCookie?.value).toBe(token);
    expect((await sessions.check(toHeader(setCookie!))).person?.id).toBe(personId);
    expect((await readRows())[0]!.hours_left).toBeCloseTo(7 * 24, 1);
  });

  test('reading a session renews nothing and removes nothing', async () => {
    const { header } = await signIn();
    await age(`expires_at = clock_timestamp() + interval '3 days'`);
    expect(await sessions.readSession(header)).not.toBeNull();
    expect((await readRows())[0]!.hours_left).toBeCloseTo(3 * 24, 1);
    await age(`expires_at = clock_timestamp() - interval '1 second'`);
    expect(await sessions.readSession(header)).toBeNull();
    expect(await readRows()).toHaveLength(1);
  });

  test('after 7 days without a visit it is over, and its cookie is cleared', async () => {
    const { header } = await signIn();
    await age(`expires_at = clock_timestamp() - interval '1 second'`);
    expect(await sessions.check(header)).toMatchObject({ person: null, setCookie: { value: '' } });
    expect(await readRows()).toEqual([]);
  });

  test('after 30 days it is over however much it was used, and its cookie is cleared', async () => {
    const { header } = await signIn();
    await age(`created_at = clock_timestamp() - interval '30 days 1 minute'`);
    expect(await sessions.readSession(header)).toBeNull();
    expect(await sessions.check(header)).toMatchObject({ session: null, person: null, setCookie: { value: '' } });
    expect(await readRows()).toEqual([]);
  });

  test('renewing never moves the expiry beyond the 30 days', async () => {
    const { header } = await signIn();
    await age(
      `created_at = clock_timestamp() - interval '29 days', expires_at = clock_timestamp() + interval '1 hour'`
    );
    expect((await sessions.check(header)).person?.id).toBe(personId);
    expect((await readRows())[0]!.hours_left).toBeCloseTo(24, 1);
  });

  test('a disabled person is signed out, even where the session was left behind', async () => {
    const { header } = await signIn();
    await owner.query('update public.users set disabled_at = clock_timestamp()');
    expect(await sessions.readSession(header)).toBeNull();
    expect(await sessions.check(header)).toMatchObject({ person: null, setCookie: { value: '' } });
    expect(await readRows()).toEqual([]);
  });

  test('disabling somebody and resetting a password end every session of theirs and no other', async () => {
    const other = await addUser(owner, { email: 'bob@example.com', name: 'Bob', password: 'four random words' });
    const bob = toHeader((await signInNow({ sessions, pool: access }, other.id)).setCookie);
    const first = await signIn();
    const second = await signIn();
    await resetPassword(owner, { email: EMAIL, password: 'five other random words' });
    expect(await sessions.readSession(first.header)).toBeNull();
    expect(await sessions.readSession(second.header)).toBeNull();
    const third = await signIn();
    await disableUser(owner, { email: EMAIL });
    expect(await sessions.readSession(third.header)).toBeNull();
    expect(await readRows()).toEqual([expect.objectContaining({ user_id: other.id })]);
    expect((await sessions.readSession(bob))?.person.name).toBe('Bob');
  });

  test('signing out ends that session alone, and once more is no error', async () => {
    const here = await signIn();
    const there = await signIn();
    expect(await sessions.signOut(here.sessionId)).toMatchObject({ value: '', options: { maxAge: 0 } });
    expect(await sessions.readSession(here.header)).toBeNull();
    expect(await sessions.readSession(there.header)).not.toBeNull();
    await sessions.signOut(here.sessionId);
  });

  test('signing in sweeps away sessions that nobody came back for', async () => {
    await signIn();
    await age(`expires_at = clock_timestamp() - interval '1 second'`);
    const { sessionId } = await signIn();
    expect((await readRows()).map(({ id }) => id)).toEqual([sessionId]);
  });
});

test('a page’s request costs one statement to know who asks', async () => {
  const { header } = await signIn();
  const statements: string[] = [];
  const counting = Object.create(access, {
    query: {
      value: (...args: Parameters<pg.Pool['query']>) => {
        statements.push(String(args[0]));
        return access.query(...args);
      }
    }
  }) as pg.Pool;
  expect((await openSessions({ pool: counting, secure: true }).check(header)).person?.id).toBe(personId);
  expect(statements).toHaveLength(1);
  expect(statements[0]).not.toMatch(/password|\*/);
});

describe('a person’s own sessions', () => {
  test('are listed with what they were made with, the newest first, and not those that are over', async () => {
    const old = await signInNow({ sessions, pool: access }, personId, 'Firefox on Linux');
    await owner.query(`update sessions set created_at = created_at - interval '1 hour'`);
    const mine = await signInNow({ sessions, pool: access }, personId);
    const over = await signInNow({ sessions, pool: access }, personId);
    await owner.query(`update sessions set expires_at = now() where id = $1`, [over.sessionId]);
    const listed = await sessions.readOwn(personId);
    expect(listed.map(({ handle, agent }) => [handle, agent])).toEqual([
      [toHandle(mine.sessionId), null],
      [toHandle(old.sessionId), 'Firefox on Linux']
    ]);
    expect(listed.every(({ createdAt, usedAt }) => createdAt === usedAt)).toBe(true);
  });

  test('when one was last used is written down once in a quarter of an hour, by pages alone', async () => {
    const { header } = await signIn();
    const wakes = async () => (await owner.query(`select from watchfloor.changes where kind = 's'`)).rowCount;
    const woken = await wakes();
    const usedAt = async () => (await sessions.readOwn(personId))[0]!.usedAt;
    await owner.query(`update sessions set created_at = created_at - interval '14 minutes'`);
    const before = await usedAt();
    await sessions.check(header);
    expect(await usedAt()).toBe(before);
    await owner.query(`update sessions set created_at = created_at - interval '1 minute'`);
    await sessions.readSession(header);
    expect(await usedAt()).toBeLessThan(before);
    await sessions.check(header);
    expect(await usedAt()).toBeGreaterThan(before);
    expect(await wakes()).toBe(woken);
  });

  test('one ends by its handle, and only one’s own; all others end at once', async () => {
    const bob = (await addUser(owner, { email: 'bob@example.com', name: 'Bob', password: 'four random words' })).id;
    const theirs = await signInNow({ sessions, pool: access }, bob);
    const [here, there, elsewhere] = [await signIn(), await signIn(), await signIn()];
    expect(await sessions.endOwn(personId, { handle: toHandle(theirs.sessionId) })).toBe(0);
    expect(await sessions.endOwn(personId, { handle: toHandle(there.sessionId) })).toBe(1);
    expect(await sessions.endOwn(personId, { handle: '%' })).toBe(0);
    expect((await sessions.check(there.header)).person).toBeNull();
    expect((await sessions.check(elsewhere.header)).person?.id).toBe(personId);
    expect(await sessions.endOwn(personId, { allBut: here.sessionId })).toBe(1);
    expect((await sessions.check(elsewhere.header)).person).toBeNull();
    expect((await sessions.check(here.header)).person?.id).toBe(personId);
    expect(await sessions.readOwn(bob)).toHaveLength(1);
  });
});
