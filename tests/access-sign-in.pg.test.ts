/** Signing in on a real Postgres: one answer and the same work whatever is wrong, and limits that bursts cannot pass. */
import { hash } from '@node-rs/argon2';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { addUser, disableUser, resetPassword } from '../src/lib/server/access/administration.ts';
import {
  FIRST_WAIT_SECONDS,
  LIMITS,
  LONGEST_WAIT_SECONDS,
  openSignInLimits
} from '../src/lib/server/access/sign-in-limits.ts';
import { openSignIn, type SignIn } from '../src/lib/server/access/sign-in.ts';
import { verifyPassword } from '../src/lib/server/access/passwords.ts';
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
type SignInAnswer = Awaited<ReturnType<SignIn['attempt']>>;

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

/** Of a statement given as text or as a query's parts. */
const toText = (given: unknown): string =>
  (typeof given === 'string' ? given : ((given as { text?: string }).text ?? '')).replace(/\s+/g, ' ');

const kinds = (answers: SignInAnswer[]) => [...new Set(answers.map(({ kind }) => kind))];

describe('the answer', () => {
  test('the right password signs in, however the e-mail is written', async () => {
    expect(await attempt()).toMatchObject({ kind: 'signed in', personId });
    expect(await attempt('  ADA@Example.com ')).toMatchObject({ kind: 'signed in', personId });
  });

  test('after a reset only the new password signs in', async () => {
    await resetPassword(owner, { email: EMAIL, password: 'five other random words' });
    expect(await attempt()).toEqual({ kind: 'refused' });
    expect(await attempt(EMAIL, 'five other random words')).toMatchObject({ kind: 'signed in', personId });
  });

  test('wrong, unknown, disabled and impossible get one answer for the same work: one hash of one cost, the same statements', async () => {
    await addUser(owner, { email: 'gone@example.com', name: 'Gone', password: PASSWORD });
    await disableUser(owner, { email: 'gone@example.com' });
    await addUser(owner, { email: 'other@example.com', name: 'Other', password: PASSWORD });
    await owner.query(`update users set password_hash = 'no password opens this' where email like 'other%'`);
    const asked = vi.spyOn(access, 'query');
    const statements = new Set<string>();
    const attempts: [string, string][] = [
      [EMAIL, 'a wrong password'],
      ['nobody@example.com', PASSWORD],
      ['gone@example.com', PASSWORD],
      ['other@example.com', PASSWORD],
      ['ada\0@example.com ', 'a wrong password'],
      ['\0', PASSWORD]
    ];
    for (const [email, password] of attempts) {
      argon2.verify.mockClear();
      asked.mockClear();
      expect(await attempt(email, password, '198.51.100.99')).toEqual({ kind: 'refused' });
      statements.add(asked.mock.calls.map(([sql]) => toText(sql)).join('\n'));
      expect(argon2.verify).toHaveBeenCalledTimes(1);
      expect(argon2.verify.mock.calls[0]![0]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect(argon2.verify.mock.calls[0]![1]).toBe(password);
    }
    expect([...statements]).toHaveLength(1);
    expect([...statements][0]!.split('\n').length).toBeGreaterThan(3);
    asked.mockRestore();
  });

  test('a hash made with less than today’s parameters is made anew when its password is right, and only then', async () => {
    const weak = await hash(PASSWORD, { algorithm: 2, memoryCost: 8_192, timeCost: 1, parallelism: 1 });
    const kept = async () => (await owner.query<{ h: string }>('select password_hash as h from users')).rows[0]!.h;
    await owner.query('update users set password_hash = $1', [weak]);
    expect((await attempt(EMAIL, 'a wrong password')).kind).toBe('refused');
    expect(await kept()).toBe(weak);
    expect((await attempt()).kind).toBe('signed in');
    const renewed = await kept();
    expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await attempt()).kind).toBe('signed in');
    expect(await kept()).toBe(renewed);
  });

  test('a crowd is verified in turns; who finds no place is told so, and it counts as no failure', async () => {
    const original = argon2.verify.getMockImplementation()!;
    const ends: (() => void)[] = [];
    argon2.verify.mockImplementation(() => new Promise((resolve) => ends.push(() => resolve(false))));
    const crowd = Array.from({ length: 104 }, () => verifyPassword(null, 'x'));
    for (let index = 0; index < 2 * LIMITS.accountFromNetwork; index++)
      expect(await attempt()).toEqual({ kind: 'busy' });
    argon2.verify.mockImplementation(original);
    // The four that are being verified; the others are asked of the real one, in turn.
    for (const end of ends) end();
    await Promise.all(crowd);
    expect((await attempt()).kind).toBe('signed in');
  });
});

/** As if the waits were over; strikes are kept for a day, and what is known longer. */
const waited = () =>
  owner.query(
    `update watchfloor.sign_in_limits set expire = 1 where key not like 'strikes:%' and key not like 'known:%'`
  );

describe('limits', () => {
  test('from one network an account may fail 10 times; then even the right password waits, and is not verified', async () => {
    expect(kinds(await fail(LIMITS.accountFromNetwork))).toEqual(['refused']);
    argon2.verify.mockClear();
    const answer = await attempt();
    expect(answer.kind).toBe('limited');
    expect(answer).toEqual({ kind: 'limited', retryAfterSeconds: FIRST_WAIT_SECONDS });
    expect(argon2.verify).not.toHaveBeenCalled();
  });

  test('the limit of an account that does not exist is the same', async () => {
    expect(kinds(await fail(LIMITS.accountFromNetwork, 'nobody@example.com'))).toEqual(['refused']);
    expect((await attempt('nobody@example.com')).kind).toBe('limited');
  });

  test('meanwhile the same account signs in from elsewhere, and others from the same network', async () => {
    const { id } = await addUser(owner, { email: 'bob@example.com', name: 'Bob', password: PASSWORD });
    await fail(50);
    expect(await attempt(EMAIL, PASSWORD, '203.0.113.2')).toMatchObject({ kind: 'signed in', personId });
    expect(await attempt('bob@example.com')).toMatchObject({ kind: 'signed in', personId: id });
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
    await waited();
    expect((await attempt()).kind).toBe('signed in');
  });

  test('who goes on failing waits twice as long each time, an hour at most; signing in ends that', async () => {
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      const answers = await fail(LIMITS.accountFromNetwork + 1);
      const last = answers.at(-1)!;
      waits.push(last.kind === 'limited' ? last.retryAfterSeconds : 0);
      await waited();
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * FIRST_WAIT_SECONDS));
    expect(waits.at(-1)).toBe(LONGEST_WAIT_SECONDS);
    expect((await attempt()).kind).toBe('signed in');
    expect((await fail(LIMITS.accountFromNetwork + 1)).at(-1)).toEqual({
      kind: 'limited',
      retryAfterSeconds: FIRST_WAIT_SECONDS
    });
  });

  test('a burst is one strike, and the account that does not exist waits as long', async () => {
    for (const email of [EMAIL, 'nobody@example.com']) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => attempt(email, 'a wrong password')));
      expect(answers).toContainEqual({ kind: 'limited', retryAfterSeconds: FIRST_WAIT_SECONDS });
      await waited();
      expect((await fail(LIMITS.accountFromNetwork + 1, email)).at(-1)).toEqual({
        kind: 'limited',
        retryAfterSeconds: 2 * FIRST_WAIT_SECONDS
      });
    }
  });

  test('an office behind one address: whoever has signed in there before still does, whatever its guests try', async () => {
    const { id } = await addUser(owner, { email: 'bob@example.com', name: 'Bob', password: PASSWORD });
    expect((await attempt()).kind).toBe('signed in');
    for (let index = 0; index <= LIMITS.network; index++) await attempt(`guest-${index}@example.com`, 'wrong');
    expect((await attempt('bob@example.com')).kind, 'never seen there').toBe('limited');
    expect(await attempt()).toMatchObject({ kind: 'signed in', personId });
    expect(await attempt('bob@example.com', PASSWORD, '203.0.113.2')).toMatchObject({
      kind: 'signed in',
      personId: id
    });
    // And their own failures there count as before.
    expect((await fail(LIMITS.accountFromNetwork + 1)).at(-1)!.kind).toBe('limited');
  });

  test('nobody is locked out where they work by failures against their account from everywhere else', async () => {
    expect((await attempt()).kind).toBe('signed in');
    await fail(LIMITS.account + 1, EMAIL, (index) => `198.51.100.${index}`);
    expect((await attempt(EMAIL, PASSWORD, '198.51.100.200')).kind).toBe('limited');
    expect((await attempt()).kind).toBe('signed in');
  });

  test('an attempt that was not judged is given back', async () => {
    const limits = openSignInLimits(access);
    for (let index = 0; index < 3 * LIMITS.accountFromNetwork; index++) {
      const taken = await limits.take(EMAIL, '203.0.113.1');
      if (typeof taken === 'number') throw new Error('It was counted.');
      await taken.giveBack();
    }
    expect((await attempt()).kind).toBe('signed in');
  });

  test('the table of limits names no e-mail and no address', async () => {
    await fail(3);
    const { rows } = await owner.query<{ key: string }>('select key from watchfloor.sign_in_limits');
    expect(rows).toHaveLength(3);
    expect(JSON.stringify(rows)).not.toMatch(/ada|example|203/);
  });
});
