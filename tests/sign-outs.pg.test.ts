/**
 * What was proven before somebody was signed out everywhere, on a real Postgres: no session comes of it, nothing that waits
 * for a code, and no change of how they sign in, in whatever order the two happen.
 */
import { Secret, TOTP } from 'otpauth';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { changePassword } from '../src/lib/server/access/account.ts';
import * as administration from '../src/lib/server/access/administration.ts';
import { openAuthenticators, type Authenticators } from '../src/lib/server/access/authenticators.ts';
import { openPasskeys, type Passkeys } from '../src/lib/server/access/passkeys.ts';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { openPendingSignIns, type PendingSignIns } from '../src/lib/server/access/pending-sign-ins.ts';
import { openSessions, type Sessions } from '../src/lib/server/access/sessions.ts';
import type { Proven } from '../src/lib/server/access/sign-outs.ts';
import { openSignIn, type SignIn } from '../src/lib/server/access/sign-in.ts';
import { openPool, withTransaction } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { signInNow } from './harness/sign-in.ts';
import { makeSoftPasskey } from './harness/soft-passkey.ts';

const EMAIL = 'ada@example.com';
const PASSWORD = 'four random words';
const NEXT = 'five other random words';
const PARTY = { id: 'localhost', origin: 'http://localhost:3000' };
let database: TestDatabase;
let owner: pg.Pool;
let access: pg.Pool;
let authenticators: Authenticators;
let pending: PendingSignIns;
let passkeys: Passkeys;
let sessions: Sessions;
let signIn: SignIn;
let passwordHash: string;
let person: { id: number; name: string; email: string };

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 4, applicationName: 'tests' });
  access = openPool({ url: database.url, role: 'access', max: 8, applicationName: 'tests' });
  authenticators = openAuthenticators(access, { key: null });
  pending = openPendingSignIns(access, { authenticators, secure: false });
  passkeys = openPasskeys(access, { secure: false });
  sessions = openSessions({ pool: access, secure: false });
  signIn = openSignIn(access);
  passwordHash = await hashPassword(PASSWORD);
});
beforeEach(async () => {
  await owner.query('delete from public.users');
  await owner.query('delete from watchfloor.sign_in_limits');
  const { rows } = await owner.query<{ id: number }>(
    `insert into public.users (email, name, password_hash) values ($1, 'Ada', $2) returning id`,
    [EMAIL, passwordHash]
  );
  person = { id: rows[0]!.id, name: 'Ada', email: EMAIL };
});
afterAll(async () => {
  await Promise.all([owner?.end(), access?.end()]);
  await database?.drop();
});

const count = async (table: string): Promise<number> =>
  (await owner.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]!.n;
const enterPassword = () => signIn.attempt({ email: EMAIL, password: PASSWORD, address: null });
const addApp = () =>
  owner.query(`insert into watchfloor.authenticators (user_id, sealed, last_step) values ($1, '\\x01', 0)`, [
    person.id
  ]);
const change = (sessionId: string, current = PASSWORD, next = NEXT) =>
  changePassword(
    { pool: access, signIn, sessions },
    { person, sessionId, current, next, address: null, agent: 'the one that changes it' }
  );
/** Begun with a session and the password; `confirm` enters the first code. */
async function setUpApp(sessionId: string) {
  await authenticators.begin(person.id, sessionId);
  const { secret } = (await authenticators.readSetUp(person, sessionId))!;
  const code = TOTP.generate({ secret: Secret.fromBase32(secret.replaceAll(' ', '')) });
  return { confirm: () => authenticators.confirm(person.id, sessionId, code) };
}
async function makePasskey() {
  const { sessionId } = await signInNow({ sessions, pool: access }, person.id);
  const device = makeSoftPasskey({ origin: PARTY.origin, rpId: PARTY.id });
  const begun = (await passkeys.beginCreation(person, sessionId, PARTY))!;
  const create = () =>
    passkeys.create({
      person,
      sessionId,
      challenge: begun.setCookie.value,
      response: device.create(begun.options),
      name: 'Laptop',
      party: PARTY
    });
  return { sessionId, device, create };
}
async function usePasskey(device: ReturnType<typeof makeSoftPasskey>) {
  const { options, setCookie } = await passkeys.beginSignIn(PARTY);
  return passkeys.signIn({ challenge: setCookie.value, response: device.get(options), address: null, party: PARTY });
}
function toProven<K extends string>(answer: { kind: string }, kind: K): Proven {
  expect(answer.kind).toBe(kind);
  return answer as unknown as Proven;
}

describe('a sign-in that was on its way', () => {
  test('ends with another password, whoever set it: no session, and the one that set it stays', async () => {
    const mine = await signInNow({ sessions, pool: access }, person.id);
    const proven = toProven(await enterPassword(), 'signed in');
    expect((await change(mine.sessionId)).kind).toBe('changed');
    expect(await sessions.signIn(proven)).toBeNull();
    expect(await sessions.readOwn(person.id)).toMatchObject([{ agent: 'the one that changes it' }]);
    const next = toProven(await signIn.attempt({ email: EMAIL, password: NEXT, address: null }), 'signed in');
    await administration.resetPassword(owner, { email: EMAIL, password: PASSWORD });
    expect(await sessions.signIn(next)).toBeNull();
    expect(await count('public.sessions')).toBe(0);
    expect(await sessions.signIn(toProven(await enterPassword(), 'signed in'))).not.toBeNull();
  });

  test('ends when an authenticator app is turned on or off', async () => {
    const { sessionId } = await signInNow({ sessions, pool: access }, person.id);
    const { confirm } = await setUpApp(sessionId);
    const byPassword = toProven(await enterPassword(), 'signed in');
    const on = await confirm();
    if (on.kind !== 'on') throw new Error(on.kind);
    expect(await sessions.signIn(byPassword)).toBeNull();
    expect(await count('public.sessions')).toBe(0);

    const waiting = await pending.begin(toProven(await enterPassword(), 'code needed'));
    const [first, second] = on.recoveryCodes as [string, string];
    const answer = await pending.finish({ token: waiting!.value, code: first, address: null });
    const byCode = toProven(answer, 'signed in');
    const mine = (await sessions.signIn(on.proven))!;
    const me = { personId: person.id, sessionId: mine.sessionId };
    expect((await authenticators.turnOff(me, second, null)).kind).toBe('off');
    expect(await sessions.signIn(byCode)).toBeNull();
    expect(await count('public.sessions')).toBe(0);
  });

  test('ends when a passkey is made or removed, also one by that passkey', async () => {
    const { device, create } = await makePasskey();
    const byPassword = toProven(await enterPassword(), 'signed in');
    const made = await create();
    if (made.kind !== 'created') throw new Error(made.kind);
    expect(await sessions.signIn(byPassword)).toBeNull();
    const { sessionId } = (await sessions.signIn(made.proven))!;
    const byPasskey = toProven(await usePasskey(device), 'signed in');
    const [passkey] = await passkeys.readOwn(person.id);
    expect(await passkeys.remove({ personId: person.id, sessionId }, passkey!.id)).not.toBeNull();
    expect(await sessions.signIn(byPasskey)).toBeNull();
    expect(await count('public.sessions')).toBe(0);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['is signed out by an administrator', () => administration.endSessions(owner, { email: EMAIL })],
    ['is disabled', () => administration.disableUser(owner, { email: EMAIL })],
    [
      'is disabled and may sign in again',
      async () => {
        await administration.disableUser(owner, { email: EMAIL });
        await administration.enableUser(owner, { email: EMAIL });
      }
    ],
    ['loses the second factor', () => administration.removeSecondFactor(owner, { email: EMAIL })]
  ])('ends when its person %s', async (_, act) => {
    const { create } = await makePasskey();
    await create();
    const proven = toProven(await enterPassword(), 'signed in');
    await act();
    expect(await sessions.signIn(proven)).toBeNull();
    expect(await count('public.sessions')).toBe(0);
  });

  test('does not wait for a code that it was not asked for any more: nothing waits', async () => {
    await addApp();
    const former = toProven(await enterPassword(), 'code needed');
    await administration.resetPassword(owner, { email: EMAIL, password: NEXT });
    expect(await pending.begin(former)).toBeNull();
    const next = toProven(await signIn.attempt({ email: EMAIL, password: NEXT, address: null }), 'code needed');
    await administration.removeSecondFactor(owner, { email: EMAIL });
    expect(await pending.begin(next), 'the app is gone').toBeNull();
    expect(await count('watchfloor.pending_sign_ins')).toBe(0);
  });

  test('a session that is just being made is seen by whoever signs out everywhere, and ends', async () => {
    const mine = await signInNow({ sessions, pool: access }, person.id);
    const proven = toProven(await enterPassword(), 'signed in');
    let changing: ReturnType<typeof change> | undefined;
    await withTransaction(access, '', async (client) => {
      // As sessions.ts makes one, and not committed yet.
      await client.query(
        `insert into public.sessions (id, user_id, expires_at)
         select repeat('a', 64), id, now() + interval '1 day' from public.users
         where id = $1 and sign_outs = $2 for share`,
        [proven.personId, proven.signOuts]
      );
      changing = change(mine.sessionId);
      await expect
        .poll(async () => (await owner.query('select from pg_locks where not granted')).rowCount)
        .toBeGreaterThan(0);
    });
    expect((await changing!).kind).toBe('changed');
    expect(await sessions.readOwn(person.id)).toMatchObject([{ agent: 'the one that changes it' }]);
  });

  test('of many sign-ins and two other passwords at once, nobody is left but who set the last', async () => {
    for (let round = 0; round < 5; round++) {
      await owner.query('update public.users set password_hash = $1', [passwordHash]);
      const one = await signInNow({ sessions, pool: access }, person.id);
      const other = await signInNow({ sessions, pool: access }, person.id);
      const proven = toProven(await enterPassword(), 'signed in');
      const [first, second] = await Promise.all([
        change(one.sessionId),
        change(other.sessionId, PASSWORD, 'six other random words'),
        ...Array.from({ length: 8 }, () => sessions.signIn(proven))
      ]);
      // The second finds that its session is over, and changes nothing.
      expect([first, second].map(({ kind }) => kind).sort()).toEqual(['changed', 'over']);
      expect(await sessions.readOwn(person.id)).toMatchObject([{ agent: 'the one that changes it' }]);
    }
  });
});

describe('a session that ended while it changed how its person signs in', () => {
  test('makes no passkey, and is told so', async () => {
    const { sessionId, create } = await makePasskey();
    const lock = await owner.connect();
    await lock.query('begin');
    await lock.query('select from public.users where id = $1 for update', [person.id]);
    const made = create();
    // The answer was verified, or is about to be; what follows waits for the row.
    await expect.poll(() => count('watchfloor.passkey_challenges')).toBe(0);
    await owner.query('delete from public.sessions where id = $1', [sessionId]);
    await lock.query('commit');
    lock.release();
    expect(await made).toEqual({ kind: 'over' });
    expect(await count('watchfloor.passkeys')).toBe(0);
  });

  test('changes no password, turns no app on or off, and removes no passkey', async () => {
    const { sessionId } = await signInNow({ sessions, pool: access }, person.id);
    const over = { personId: person.id, sessionId };
    const { confirm } = await setUpApp(sessionId);
    await sessions.signOut(sessionId);
    expect(await confirm()).toEqual({ kind: 'over' });
    expect(await change(sessionId)).toEqual({ kind: 'over' });
    expect((await enterPassword()).kind).toBe('signed in');
    const { create } = await makePasskey();
    await create();
    const [passkey] = await passkeys.readOwn(person.id);
    expect(await passkeys.remove(over, passkey!.id)).toBeNull();
    expect(await count('watchfloor.passkeys')).toBe(1);
  });
});
