/** The second factor on a real Postgres: set up, judged once, limited, and what its tables are worth to others. */
import { TOTP, Secret } from 'otpauth';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as administration from '../src/lib/server/access/administration.ts';
import {
  CODE_LIMITS,
  openAuthenticators,
  SET_UP_MINUTES,
  type Authenticators
} from '../src/lib/server/access/authenticators.ts';
import { MOST_PENDING, openPendingSignIns, type PendingSignIns } from '../src/lib/server/access/pending-sign-ins.ts';
import { openSessions, type Sessions } from '../src/lib/server/access/sessions.ts';
import { FIRST_WAIT_SECONDS, LIMITS } from '../src/lib/server/access/sign-in-limits.ts';
import { openSignIn, type SignIn } from '../src/lib/server/access/sign-in.ts';
import { openPool, ROLES } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { proveNow, signInNow } from './harness/sign-in.ts';

const EMAIL = 'ada@example.com';
const PASSWORD = 'four random words';
const ADDRESS = '203.0.113.1';
const START = Date.UTC(2026, 10, 28, 12);
let database: TestDatabase;
let owner: pg.Pool;
let access: pg.Pool;
let authenticators: Authenticators;
let pending: PendingSignIns;
let sessions: Sessions;
let signIn: SignIn;
let personId: number;
/** ms; the clock of whoever judges */
let now = START;

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 2, applicationName: 'tests' });
  access = openPool({ url: database.url, role: 'access', max: 8, applicationName: 'tests' });
  authenticators = openAuthenticators(access, { key: null, now: () => now });
  pending = openPendingSignIns(access, { authenticators, secure: false });
  sessions = openSessions({ pool: access, secure: false });
  signIn = openSignIn(access);
});
beforeEach(async () => {
  now = START;
  await owner.query('delete from public.users');
  await owner.query('delete from watchfloor.sign_in_limits');
  personId = (await administration.addUser(owner, { email: EMAIL, name: 'Ada', password: PASSWORD })).id;
});
afterAll(async () => {
  await Promise.all([owner?.end(), access?.end()]);
  await database?.drop();
});

const codeOf = (secret: string, at = now): string =>
  TOTP.generate({ secret: Secret.fromBase32(secret.replaceAll(' ', '')), timestamp: at });
const wrongOf = (secret: string): string => {
  const near = [-30_000, 0, 30_000].map((shift) => codeOf(secret, now + shift));
  return ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))!;
};

/** As a person does; half a minute later, so that its first code is over. */
async function setUp(store = authenticators): Promise<{ secret: string; recoveryCodes: string[]; sessionId: string }> {
  const { sessionId } = await signInNow({ sessions, pool: access }, personId);
  await store.begin(personId, sessionId);
  const { secret } = (await store.readSetUp({ id: personId, email: EMAIL }, sessionId))!;
  const answer = await store.confirm(personId, sessionId, codeOf(secret));
  if (answer.kind !== 'on') throw new Error(answer.kind);
  now += 30_000;
  return { secret, recoveryCodes: answer.recoveryCodes, sessionId };
}
const begin = async (): Promise<string> => (await pending.begin(await proveNow(access, personId)))!.value;
const finish = (token: string | undefined, code: string, address: string | null = ADDRESS) =>
  pending.finish({ token, code, address });
const attempt = () => signIn.attempt({ email: EMAIL, password: PASSWORD, address: ADDRESS });
/** By a session of its own, as the first of them ends with what it does. */
const turnOff = async (code: string) => {
  const { rows } = await owner.query<{ id: string }>('select id from sessions where user_id = $1', [personId]);
  const sessionId = rows[0]?.id ?? (await signInNow({ sessions, pool: access }, personId)).sessionId;
  return authenticators.turnOff({ personId, sessionId }, code, ADDRESS);
};
const count = async (table: string): Promise<number> =>
  (await owner.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]!.n;

describe('setting up', () => {
  test('the first code turns it on, ends every session, and its ten recovery codes stand in the table as hashes', async () => {
    const elsewhere = await signInNow({ sessions, pool: access }, personId);
    const { secret, recoveryCodes, sessionId } = await setUp();
    expect(recoveryCodes).toHaveLength(10);
    for (const id of [elsewhere.sessionId, sessionId])
      expect((await owner.query('select from sessions where id = $1', [id])).rowCount).toBe(0);
    expect(await authenticators.read(personId)).toMatchObject({ recoveryCodesLeft: 10 });
    const { rows } = await owner.query<{ all: string }>(
      `select (select json_agg(a)::text from watchfloor.authenticators a)
         || (select json_agg(r)::text from watchfloor.recovery_codes r) as all`
    );
    const plain = Secret.fromBase32(secret.replaceAll(' ', '')).hex.toLowerCase();
    for (const told of [plain, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))])
      expect(rows[0]!.all).not.toContain(told);
  });

  test('a wrong code turns nothing on, and the same secret can be tried again', async () => {
    const { sessionId } = await signInNow({ sessions, pool: access }, personId);
    await authenticators.begin(personId, sessionId);
    const { secret } = (await authenticators.readSetUp({ id: personId, email: EMAIL }, sessionId))!;
    for (const code of [wrongOf(secret), '', 'ABCD'])
      expect(await authenticators.confirm(personId, sessionId, code)).toEqual({ kind: 'wrong' });
    expect(await authenticators.read(personId)).toBeNull();
    expect((await attempt()).kind).toBe('signed in');
    expect((await authenticators.confirm(personId, sessionId, codeOf(secret))).kind).toBe('on');
  });

  test('another session of the person is not shown the secret and cannot turn it on', async () => {
    const { sessionId } = await signInNow({ sessions, pool: access }, personId);
    const { sessionId: other } = await signInNow({ sessions, pool: access }, personId);
    await authenticators.begin(personId, sessionId);
    const { secret } = (await authenticators.readSetUp({ id: personId, email: EMAIL }, sessionId))!;
    expect(await authenticators.readSetUp({ id: personId, email: EMAIL }, other)).toBeNull();
    expect(await authenticators.confirm(personId, other, codeOf(secret))).toEqual({ kind: 'over' });
    await sessions.signOut(sessionId);
    expect(await count('watchfloor.authenticator_setups'), 'it ends with its session').toBe(0);
  });

  test('what is not confirmed in a quarter of an hour is over', async () => {
    const { sessionId } = await signInNow({ sessions, pool: access }, personId);
    await authenticators.begin(personId, sessionId);
    const { secret } = (await authenticators.readSetUp({ id: personId, email: EMAIL }, sessionId))!;
    await owner.query(
      'update watchfloor.authenticator_setups set expires_at = expires_at - make_interval(mins => $1)',
      [SET_UP_MINUTES]
    );
    expect(await authenticators.readSetUp({ id: personId, email: EMAIL }, sessionId)).toBeNull();
    expect(await authenticators.confirm(personId, sessionId, codeOf(secret))).toEqual({ kind: 'over' });
  });

  test('where there is one, none is set up beside it', async () => {
    await setUp();
    const { sessionId } = await signInNow({ sessions, pool: access }, personId);
    await authenticators.begin(personId, sessionId);
    expect(await count('watchfloor.authenticator_setups')).toBe(0);
  });
});

describe('signing in', () => {
  test('after the right password a code is needed, and nobody is signed in before it', async () => {
    expect(await attempt()).toEqual({ kind: 'signed in', personId, signOuts: 0 });
    const { secret } = await setUp();
    expect(await attempt()).toEqual({ kind: 'code needed', personId, signOuts: 1 });
    const token = await begin();
    expect(await pending.isPending(token)).toBe(true);
    expect((await sessions.check(`watchfloor=${token}`)).person, 'it is no session').toBeNull();
    expect(await count('public.sessions')).toBe(0);
    expect(await finish(token, codeOf(secret))).toEqual({
      kind: 'signed in',
      personId,
      signOuts: 1,
      byRecoveryCode: false
    });
    expect(await pending.isPending(token), 'it works once').toBe(false);
    now += 30_000;
    expect(await finish(token, codeOf(secret))).toEqual({ kind: 'over' });
  });

  test('a wrong password tells nothing of a second factor', async () => {
    const wrong = () => signIn.attempt({ email: EMAIL, password: 'not this one', address: ADDRESS });
    const before = await wrong();
    await setUp();
    expect(await wrong()).toEqual(before);
    expect(await signIn.attempt({ email: 'nobody@example.com', password: PASSWORD, address: ADDRESS })).toEqual(before);
  });

  test('a code counts once: neither the one that turned it on nor one that signed in counts again, nor one before', async () => {
    const { secret } = await setUp();
    const token = await begin();
    expect((await finish(token, codeOf(secret, now - 30_000))).kind, 'the one that turned it on').toBe('wrong');
    expect((await finish(token, codeOf(secret))).kind).toBe('signed in');
    const again = await begin();
    for (const at of [now, now - 30_000]) expect((await finish(again, codeOf(secret, at))).kind).toBe('wrong');
    expect((await finish(again, codeOf(secret, now + 30_000))).kind, 'a clock that is ahead').toBe('signed in');
  });

  test('of many who send one code at once, in one browser or in several, one gets in', async () => {
    const { secret } = await setUp();
    const token = await begin();
    const tokens = [token, token, await begin(), await begin()];
    const answers = await Promise.all(tokens.map((one) => finish(one, codeOf(secret))));
    expect(answers.filter(({ kind }) => kind === 'signed in')).toHaveLength(1);
    // Those that lost go on waiting, but for the one whose browser got in.
    expect(await count('watchfloor.pending_sign_ins')).toBeGreaterThanOrEqual(1);
  });

  test('of two right codes at once in one browser, one gets in', async () => {
    const { secret, recoveryCodes } = await setUp();
    const token = await begin();
    const codes = [codeOf(secret), codeOf(secret, now + 30_000), recoveryCodes[0]!, recoveryCodes[1]!];
    const answers = await Promise.all(codes.map((code) => finish(token, code)));
    expect(answers.filter(({ kind }) => kind === 'signed in')).toHaveLength(1);
  });

  test('a recovery code signs in once, however it is typed, and of many at once one', async () => {
    const { recoveryCodes } = await setUp();
    const [first, second] = recoveryCodes as [string, string];
    expect(await finish(await begin(), ` ${first.toLowerCase().replaceAll('-', ' ')}`)).toEqual({
      kind: 'signed in',
      personId,
      signOuts: 1,
      byRecoveryCode: true
    });
    expect((await finish(await begin(), first)).kind).toBe('wrong');
    expect(await authenticators.read(personId)).toMatchObject({ recoveryCodesLeft: 9 });
    const tokens = await Promise.all([begin(), begin(), begin()]);
    const answers = await Promise.all(tokens.map((token) => finish(token, second)));
    expect(answers.filter(({ kind }) => kind === 'signed in')).toHaveLength(1);
  });

  test('codes of somebody else are wrong', async () => {
    const mine = await setUp();
    const { id } = await administration.addUser(owner, { email: 'bob@example.com', name: 'Bob', password: PASSWORD });
    const first = personId;
    personId = id;
    await setUp();
    const token = await begin();
    expect((await finish(token, codeOf(mine.secret))).kind).toBe('wrong');
    expect((await finish(token, mine.recoveryCodes[0]!)).kind).toBe('wrong');
    personId = first;
    expect(await authenticators.read(personId)).toMatchObject({ recoveryCodesLeft: 10 });
  });

  test('what waits is over after five minutes, with another password, with the account, and with the authenticator', async () => {
    const { secret } = await setUp();
    const over = async (token: string) => expect(await finish(token, codeOf(secret))).toEqual({ kind: 'over' });
    for (const token of [undefined, '', 'x', 'A'.repeat(43), `${'A'.repeat(42)}\0`])
      expect(await finish(token, codeOf(secret))).toEqual({ kind: 'over' });
    const late = await begin();
    await owner.query(`update watchfloor.pending_sign_ins set expires_at = now()`);
    await over(late);
    const former = await begin();
    await administration.resetPassword(owner, { email: EMAIL, password: 'five other random words' });
    await over(former);
    const disabled = await begin();
    await administration.disableUser(owner, { email: EMAIL });
    await over(disabled);
    await administration.enableUser(owner, { email: EMAIL });
    const without = await begin();
    await administration.removeSecondFactor(owner, { email: EMAIL });
    await over(without);
  });

  test('of one person ten wait at most, and those that are over are swept', async () => {
    await setUp();
    const oldest = await begin();
    await owner.query(`update watchfloor.pending_sign_ins set expires_at = expires_at - interval '1 minute'`);
    for (let index = 0; index < MOST_PENDING; index++) await begin();
    expect(await count('watchfloor.pending_sign_ins')).toBe(MOST_PENDING);
    expect(await pending.isPending(oldest)).toBe(false);
    await owner.query(`update watchfloor.pending_sign_ins set expires_at = now() - interval '1 second'`);
    await begin();
    expect(await count('watchfloor.pending_sign_ins')).toBe(1);
  });
});

describe('limits of codes', () => {
  const fail = async (times: number, secret: string, address: (index: number) => string = () => ADDRESS) => {
    const answers = [];
    for (let index = 0; index < times; index++)
      answers.push(await finish(await begin(), wrongOf(secret), address(index)));
    return answers;
  };

  test('after five wrong codes even the right one waits, also from elsewhere, and each time twice as long', async () => {
    const { secret, recoveryCodes } = await setUp();
    const kinds = (await fail(CODE_LIMITS.account, secret, (index) => `198.51.100.${index}`)).map(({ kind }) => kind);
    expect(kinds).toEqual(Array.from({ length: CODE_LIMITS.account }, () => 'wrong'));
    for (const code of [codeOf(secret), recoveryCodes[0]!])
      expect((await finish(await begin(), code, '192.0.2.7')).kind).toBe('limited');
    await owner.query(`update watchfloor.sign_in_limits set expire = 1 where key not like 'strikes:%'`);
    const again = await fail(CODE_LIMITS.account + 1, secret, (index) => `198.51.100.${index}`);
    expect(again.at(-1)).toEqual({ kind: 'limited', personId, retryAfterSeconds: 2 * FIRST_WAIT_SECONDS });
    expect(await authenticators.read(personId), 'nothing was used up').toMatchObject({ recoveryCodesLeft: 10 });
  });

  test('a burst of guesses passes no more than the limit', async () => {
    const { secret } = await setUp();
    const token = await begin();
    const answers = await Promise.all(Array.from({ length: 30 }, () => finish(token, wrongOf(secret))));
    expect(answers.filter(({ kind }) => kind === 'wrong')).toHaveLength(CODE_LIMITS.accountFromNetwork);
  });

  test('neither failing at the password nor typing anything as an e-mail uses up the tries of codes', async () => {
    const { secret } = await setUp();
    for (let index = 0; index <= LIMITS.account; index++) {
      const email = index % 2 ? EMAIL : `\0code of ${personId}`;
      await signIn.attempt({ email, password: 'wrong', address: `198.51.100.${index}` });
    }
    expect((await finish(await begin(), codeOf(secret))).kind).toBe('signed in');
  });
});

describe('taking it away', () => {
  test('by a code or a recovery code, which ends every session; afterwards the password alone signs in', async () => {
    for (const by of ['app', 'recovery'] as const) {
      const { secret, recoveryCodes } = await setUp();
      await signInNow({ sessions, pool: access }, personId);
      expect(await turnOff(wrongOf(secret))).toEqual({ kind: 'wrong' });
      expect(await count('public.sessions')).toBe(1);
      const code = by === 'app' ? codeOf(secret) : recoveryCodes[3]!;
      expect((await turnOff(code)).kind).toBe('off');
      expect(await authenticators.read(personId)).toBeNull();
      for (const table of ['public.sessions', 'watchfloor.recovery_codes']) expect(await count(table), table).toBe(0);
      expect((await attempt()).kind).toBe('signed in');
      now += 60_000;
    }
  });

  test('a code that has signed in does not turn it off, and guessing has the same limits', async () => {
    const { secret } = await setUp();
    expect((await finish(await begin(), codeOf(secret))).kind).toBe('signed in');
    expect(await turnOff(codeOf(secret))).toEqual({ kind: 'wrong' });
    for (let index = 1; index < CODE_LIMITS.account; index++) await turnOff(wrongOf(secret));
    expect((await turnOff(codeOf(secret, now + 30_000))).kind).toBe('limited');
  });

  test('an administrator takes it away from who lost it, and their sessions with it', async () => {
    await setUp();
    await signInNow({ sessions, pool: access }, personId);
    expect(await administration.removeSecondFactor(owner, { email: ' ADA@example.com' })).toEqual({
      personId,
      authenticators: 1,
      passkeys: 0,
      ended: 1
    });
    expect((await attempt()).kind).toBe('signed in');
    expect(await administration.removeSecondFactor(owner, { email: EMAIL })).toMatchObject({
      authenticators: 0,
      ended: 0
    });
    await expect(administration.removeSecondFactor(owner, { email: 'nobody@example.com' })).rejects.toThrow('no user');
  });
});

describe('what is kept', () => {
  test('with a key in the configuration a copy of the whole database checks no code; without that key recovery codes do', async () => {
    const key = Buffer.alloc(32, 7);
    const { secret, recoveryCodes } = await setUp(openAuthenticators(access, { key, now: () => now }));
    const token = await begin();
    expect(await finish(token, codeOf(secret))).toEqual({ kind: 'unreadable', personId });
    expect((await finish(token, recoveryCodes[0]!)).kind).toBe('signed in');
  });

  test('what the database’s key sealed is sealed under the configuration’s with the next code', async () => {
    const { secret } = await setUp();
    const withKey = openAuthenticators(access, { key: Buffer.alloc(32, 7), now: () => now });
    const there = openPendingSignIns(access, { authenticators: withKey, secure: false });
    const enter = async () => there.finish({ token: await begin(), code: codeOf(secret), address: ADDRESS });
    expect((await enter()).kind).toBe('signed in');
    now += 30_000;
    expect((await finish(await begin(), codeOf(secret))).kind, 'not by the database’s key').toBe('unreadable');
    expect((await enter()).kind).toBe('signed in');
  });

  test('only the role that signs people in reads the tables', async () => {
    const tables = ['authenticators', 'recovery_codes', 'authenticator_setups', 'pending_sign_ins'];
    for (const role of ROLES) {
      const pool = openPool({ url: database.url, role, max: 1, applicationName: 'tests' });
      const may = [];
      for (const table of tables)
        may.push(
          await pool.query(`select from watchfloor.${table}`).then(
            () => true,
            () => false
          )
        );
      await pool.end();
      expect(may, role).toEqual(tables.map(() => role === 'access' || role === 'owner'));
    }
  });

  test('the cookie of what waits cannot be set by a subdomain over https, is read by no script, and goes after five minutes', async () => {
    await setUp();
    const there = openPendingSignIns(access, { authenticators, secure: true });
    const { name, value, options } = (await there.begin(await proveNow(access, personId)))!;
    expect(name).toMatch(/^__Host-/);
    expect(options).toEqual({ path: '/', httpOnly: true, secure: true, sameSite: 'lax', maxAge: 300 });
    const { rows } = await owner.query<{ token_hash: string }>('select token_hash from watchfloor.pending_sign_ins');
    expect(rows[0]!.token_hash).not.toContain(value);
    expect(there.blankCookie).toMatchObject({ name, value: '', options: { maxAge: 0 } });
  });
});
