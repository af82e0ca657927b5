/** Signing in on a real Postgres: one answer and the same work whatever is wrong, and limits that bursts cannot pass. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { addUser, disableUser, resetPassword } from '../src/lib/server/access/administration.ts';
import { LIMITS, openSignIn, type SignIn, type SignInAnswer } from '../src/lib/server/access/sign-in.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';

const argon2 = vi.hoisted(() => ({ verify: vi.fn() }));
vi.mock('@node-rs/argon2', async (importOriginal) => {
  const original = await importOriginal<typeof import('@node-rs/argon2')>();
  argon2.verify.mockImplementation(original.verify);
  return { ...original, verify: argon2.verify };
});

const EMAIL = 'ada@example.com';
const PASSWORD = 'four random words';
let database: TestDatabase;
let owner: pg.Pool;
let access: pg.Pool;
let signIn: SignIn;
let personId: number;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 2, applicationName: 'tests' });
  access = openPool({ url: database.url, role: 'access', max: 5, applicationName: 'tests' });
  signIn = openSignIn(access);
});

beforeEach(async () => {
  await owner.query('delete from public.users');
  await owner.query('delete from watchfloor.sign_in_limits');
  personId = (await addUser(owner, { email: EMAIL, name: 'Ada', password: PASSWORD })).id;
  argon2.verify.mockClear();
});

afterAll(async () => {
  await Promise.all([owner?.end(), access?.end()]);
  await database?.drop();
});

const attempt = (email = EMAIL, password = PASSWORD, address = '203.0.113.1'): Promise<SignInAnswer> =>
  signIn.attempt({ email, password, address });

async function fail(times: number, email?: string, address?: (index: number) => string): Promise<SignInAnswer[]> {
  const answers: SignInAnswer[] = [];
  for (let index = 0; index < times; index++)
    answers.push(await attempt(email, 'a wrong password', address?.(index) ?? '203.0.113.1'));
  return answers;
}

const kinds = (answers: SignInAnswer[]) => [...new Set(answers.map(({ kind }) => kind))];

describe('the answer', () => {
  test('the right password signs in, however the e-mail is written', async () => {
    expect(await attempt()).toEqual({ kind: 'signed in', personId });
    expect(await attempt('  ADA@Example.com ')).toEqual({ kind: 'signed in', personId });
  });

  test('after a reset only the new password signs in', async () => {
    await resetPassword(owner, { email: EMAIL, password: 'five other random words' });
    expect(await attempt()).toEqual({ kind: 'refused' });
    expect(await attempt(EMAIL, 'five other random words')).toEqual({ kind: 'signed in', personId });
  });

  test('wrong, unknown, disabled and impossible get one answer for the same work: one hash of one cost', async () => {
    await addUser(owner, { email: 'gone@example.com', name: 'Gone', password: PASSWORD });
    await disableUser(owner, { email: 'gone@example.com' });
    const attempts: [string, string][] = [
      [EMAIL, 'a wrong password'],
      ['nobody@example.com', PASSWORD],
      ['gone@example.com', PASSWORD],
      ['ada\0@example.com ', 'a wrong password'],
      ['\0', PASSWORD]
    ];
    for (const [email, password] of attempts) {
      argon2.verify.mockClear();
      expect(await attempt(email, password)).toEqual({ kind: 'refused' });
      expect(argon2.verify).toHaveBeenCalledTimes(1);
      expect(argon2.verify.mock.calls[0]![0]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect(argon2.verify.mock.calls[0]![1]).toBe(password);
    }
  });
});

describe('limits', () => {
  test('from one network an account may fail 10 times; then even the right password waits, and is not verified', async () => {
    expect(kinds(await fail(LIMITS.accountFromNetwork))).toEqual(['refused']);
    argon2.verify.mockClear();
    const answer = await attempt();
    expect(answer.kind).toBe('limited');
    expect(answer).toHaveProperty('retryAfterSeconds', expect.closeTo(15 * 60, -2));
    expect(argon2.verify).not.toHaveBeenCalled();
  });

  test('the limit of an account that does not exist is the same', async () => {
    expect(kinds(await fail(LIMITS.accountFromNetwork, 'nobody@example.com'))).toEqual(['refused']);
    expect((await attempt('nobody@example.com')).kind).toBe('limited');
  });

  test('meanwhile the same account signs in from elsewhere, and others from the same network', async () => {
    const { id } = await addUser(owner, { email: 'bob@example.com', name: 'Bob', password: PASSWORD });
    await fail(50);
    expect(await attempt(EMAIL, PASSWORD, '203.0.113.2')).toEqual({ kind: 'signed in', personId });
    expect(await attempt('bob@example.com')).toEqual({ kind: 'signed in', personId: id });
  });

  test('a burst of attempts at once passes no more than the limit', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => attempt(EMAIL, 'a wrong password')));
    expect(answers.filter(({ kind }) => kind === 'refused')).toHaveLength(LIMITS.accountFromNetwork);
  });

  test('over all networks an account may fail 30 times', async () => {
    expect(kinds(await fail(LIMITS.account, EMAIL, (index) => `203.0.113.${index}`))).toEqual(['refused']);
    expect((await attempt(EMAIL, PASSWORD, '198.51.100.1')).kind).toBe('limited');
  });

  test('behind a proxy that hides addresses nobody is locked out by the failures of others, and accounts keep their limit', async () => {
    for (let index = 0; index < LIMITS.network + 1; index++)
      expect((await signIn.attempt({ email: `p${index}@example.com`, password: 'wrong', address: null })).kind).toBe(
        'refused'
      );
    expect((await signIn.attempt({ email: EMAIL, password: PASSWORD, address: null })).kind).toBe('signed in');
    for (let index = 0; index < LIMITS.account; index++)
      await signIn.attempt({ email: EMAIL, password: 'wrong', address: null });
    expect((await signIn.attempt({ email: EMAIL, password: PASSWORD, address: null })).kind).toBe('limited');
  });

  test('over all accounts a network may fail 60 times, and all of an IPv6 /64 is one network', async () => {
    for (let index = 0; index < LIMITS.network; index++)
      expect((await attempt(`person-${index}@example.com`, 'wrong', `2001:db8:1:2::${index}`)).kind).toBe('refused');
    expect((await attempt(EMAIL, PASSWORD, '2001:db8:1:2:ffff::1')).kind).toBe('limited');
    expect((await attempt(EMAIL, PASSWORD, '2001:db8:1:3::1')).kind).toBe('signed in');
  });

  test('signing in forgets the failures of the account', async () => {
    await fail(LIMITS.accountFromNetwork - 1);
    expect((await attempt()).kind).toBe('signed in');
    expect(kinds(await fail(LIMITS.accountFromNetwork))).toEqual(['refused']);
  });

  test('signing in to an account of one’s own buys no more guesses at others', async () => {
    await addUser(owner, { email: 'mallory@example.com', name: 'Mallory', password: PASSWORD });
    let refused = 0;
    for (let index = 0; index < LIMITS.network + 10; index++) {
      if (index % 5 === 0) await attempt('mallory@example.com');
      if ((await attempt(`person-${index}@example.com`, 'wrong')).kind === 'refused') refused++;
    }
    expect(refused).toBeLessThanOrEqual(LIMITS.network);
  });

  test('when the time is over, one may try again', async () => {
    await fail(LIMITS.accountFromNetwork + 1);
    await owner.query('update watchfloor.sign_in_limits set expire = 1');
    expect((await attempt()).kind).toBe('signed in');
  });

  test('the table of limits names no e-mail and no address', async () => {
    await fail(3);
    const { rows } = await owner.query<{ key: string }>('select key from watchfloor.sign_in_limits');
    expect(rows).toHaveLength(3);
    expect(JSON.stringify(rows)).not.toMatch(/ada|example|203/);
  });
});
