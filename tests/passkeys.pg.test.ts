/** Passkeys on a real Postgres, with devices in software: made, used once a challenge, refused where something is not right. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import * as administration from '../src/lib/server/access/administration.ts';
import { CHALLENGE_MINUTES } from '../src/lib/server/access/passkey-proofs.ts';
import { MOST_PASSKEYS, openPasskeys, type Passkeys } from '../src/lib/server/access/passkeys.ts';
import { openSessions, type Sessions } from '../src/lib/server/access/sessions.ts';
import { FIRST_WAIT_SECONDS, LIMITS } from '../src/lib/server/access/sign-in-limits.ts';
import { openSignIn } from '../src/lib/server/access/sign-in.ts';
import { openPool, ROLES } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { signInNow } from './harness/sign-in.ts';
import { makeSoftPasskey, type Faults, type SoftPasskey } from './harness/soft-passkey.ts';

const library = vi.hoisted(() => ({ verifyRegistrationResponse: vi.fn() }));
vi.mock('@simplewebauthn/server', async (importOriginal) => {
  const original = await importOriginal<typeof import('@simplewebauthn/server')>();
  library.verifyRegistrationResponse.mockImplementation(original.verifyRegistrationResponse);
  return { ...original, verifyRegistrationResponse: library.verifyRegistrationResponse };
});

const PARTY = { id: 'localhost', origin: 'http://localhost:3000' };
const SITE = { origin: PARTY.origin, rpId: PARTY.id };
const EMAIL = 'ada@example.com';
const PASSWORD = 'four random words';
const ADDRESS = '203.0.113.1';
let database: TestDatabase;
let owner: pg.Pool;
let access: pg.Pool;
let passkeys: Passkeys;
/** ms; the clock of whoever judges */
let now = Date.now();
let sessions: Sessions;
let person: { id: number; name: string; email: string };

beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ url: database.url, role: 'owner', max: 2, applicationName: 'tests' });
  access = openPool({ url: database.url, role: 'access', max: 8, applicationName: 'tests' });
  passkeys = openPasskeys(access, { secure: false, now: () => now });
  sessions = openSessions({ pool: access, secure: false });
});
beforeEach(async () => {
  await owner.query('delete from public.users');
  for (const table of ['passkey_challenges', 'passkey_challenges_used'])
    await owner.query(`delete from watchfloor.${table}`);
  now = Date.now();
  await owner.query('delete from watchfloor.sign_in_limits');
  const { id } = await administration.addUser(owner, { email: EMAIL, name: 'Ada', password: PASSWORD });
  person = { id, name: 'Ada', email: EMAIL };
});
afterAll(async () => {
  await Promise.all([owner?.end(), access?.end()]);
  await database?.drop();
});

async function beginCreation(who = person) {
  const { sessionId } = await signInNow({ sessions, pool: access }, who.id);
  const begun = await passkeys.beginCreation(who, sessionId, PARTY);
  if (!begun) throw new Error('too many');
  return { sessionId, options: begun.options, challenge: begun.setCookie.value };
}
async function create(faults: Faults = {}, who = person, device = makeSoftPasskey(SITE)) {
  const { sessionId, options, challenge } = await beginCreation(who);
  const response = device.create(options, faults);
  const made = await passkeys.create({ person: who, sessionId, challenge, response, name: 'Laptop', party: PARTY });
  return { made: made.kind, device, sessionId };
}
/** `cookie`: the value of what the browser keeps. */
async function beginSignIn(): Promise<{ cookie: string; challenge: string }> {
  const { setCookie, options } = await passkeys.beginSignIn(PARTY);
  return { cookie: setCookie.value, challenge: options.challenge };
}
async function signIn(device: SoftPasskey, faults: Faults = {}, address: string | null = ADDRESS) {
  const begun = await beginSignIn();
  return passkeys.signIn({ challenge: begun.cookie, response: device.get(begun, faults), address, party: PARTY });
}
const count = async (table: string): Promise<number> =>
  (await owner.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]!.n;

describe('making one', () => {
  test('it is kept under its name, ends every session, and signs in without password and code', async () => {
    const elsewhere = await signInNow({ sessions, pool: access }, person.id);
    const { made, device, sessionId } = await create();
    expect(made).toBe('created');
    for (const id of [elsewhere.sessionId, sessionId])
      expect((await owner.query('select from sessions where id = $1', [id])).rowCount).toBe(0);
    expect(await passkeys.readOwn(person.id)).toMatchObject([{ name: 'Laptop', usedAt: null }]);
    expect(await signIn(device)).toEqual({ kind: 'signed in', personId: person.id, signOuts: 1 });
    expect((await passkeys.readOwn(person.id))[0]!.usedAt).toBeGreaterThan(0);
    // The password is as good as before.
    expect((await openSignIn(access).attempt({ email: EMAIL, password: PASSWORD, address: ADDRESS })).kind).toBe(
      'signed in'
    );
  });

  test('the device is asked to verify its person and to keep it, tells no model, and knows nothing of who they are', async () => {
    const { options } = await beginCreation();
    expect(options).toMatchObject({
      rp: { id: 'localhost', name: 'Watchfloor' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' }
    });
    expect(Buffer.from(options.user.id, 'base64url')).toHaveLength(64);
    expect(Buffer.from(options.challenge, 'base64url')).toHaveLength(32);
  });

  test('a second one of the person has the same handle, and a device that has one is not asked again', async () => {
    const { device } = await create();
    const { options } = await beginCreation();
    expect(options.excludeCredentials).toMatchObject([{ id: device.id }]);
    const second = makeSoftPasskey(SITE);
    expect((await create({}, person, second)).made).toBe('created');
    const { rows } = await owner.query('select distinct user_handle from watchfloor.passkeys');
    expect(rows).toHaveLength(1);
    for (const one of [device, second]) expect((await signIn(one)).kind).toBe('signed in');
  });

  test.each<[string, Faults]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another site', { rpId: 'evil.example' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a person who was not verified', { isUnverified: true }]
  ])('one for %s is refused, and nothing ends', async (_, faults) => {
    const { made } = await create(faults);
    expect(made).toBe('refused');
    expect(await count('watchfloor.passkeys')).toBe(0);
    expect(await count('public.sessions')).toBe(1);
  });

  test('one that comes with certificates is refused unread: no revocation is looked up anywhere', async () => {
    library.verifyRegistrationResponse.mockClear();
    expect((await create({ hasCertificate: true })).made).toBe('refused');
    expect(library.verifyRegistrationResponse).not.toHaveBeenCalled();
    expect((await create()).made).toBe('created');
    expect(library.verifyRegistrationResponse).toHaveBeenCalledTimes(1);
  });

  test('a challenge counts once, for five minutes, and for the session that gave the password', async () => {
    const device = makeSoftPasskey(SITE);
    const begun = await beginCreation();
    const other = await signInNow({ sessions, pool: access }, person.id);
    const ask = async (challenge: string | undefined, sessionId: string, response: unknown) =>
      (await passkeys.create({ person, sessionId, challenge, response, name: 'x', party: PARTY })).kind;
    expect(await ask(begun.challenge, other.sessionId, device.create(begun.options))).toBe('over');
    expect(await ask(begun.challenge, begun.sessionId, device.create(begun.options)), 'it was used up').toBe('over');
    for (const none of [undefined, '', 'x', 'A'.repeat(43)])
      expect(await ask(none, begun.sessionId, device.create(begun.options))).toBe('over');
    const late = await beginCreation();
    await owner.query('update watchfloor.passkey_challenges set expires_at = now()');
    expect(await ask(late.challenge, late.sessionId, device.create(late.options))).toBe('over');
    // One for signing in makes none.
    const { cookie, challenge } = await beginSignIn();
    for (const one of [cookie, challenge])
      expect(await ask(one, late.sessionId, device.create(late.options))).toBe('over');
    expect(await count('watchfloor.passkeys')).toBe(0);
  });

  test('what is no answer of a browser is refused', async () => {
    for (const response of [null, 'x', {}, { id: 'x', rawId: 'x', type: 'public-key', response: {} }]) {
      const { sessionId, challenge } = await beginCreation();
      expect(await passkeys.create({ person, sessionId, challenge, response, name: 'x', party: PARTY })).toEqual({
        kind: 'refused'
      });
    }
  });

  test('a device that is somebody else’s already stays theirs', async () => {
    const { device } = await create();
    const { id } = await administration.addUser(owner, { email: 'bob@example.com', name: 'Bob', password: PASSWORD });
    expect((await create({}, { id, name: 'Bob', email: 'bob@example.com' }, device)).made).toBe('refused');
    expect(await passkeys.readOwn(id)).toEqual([]);
    expect(await passkeys.readOwn(person.id)).toHaveLength(1);
  });

  test('twenty are enough, also of two that come at once', async () => {
    const late = await beginCreation();
    await owner.query(
      `insert into watchfloor.passkeys (user_id, credential_id, public_key, user_handle, counter, transports, name)
       select $1, n, '', 'x', 0, '{}', 'x' from generate_series(1, $2) n`,
      [person.id, MOST_PASSKEYS]
    );
    const response = makeSoftPasskey(SITE).create(late.options);
    const asked = { person, sessionId: late.sessionId, challenge: late.challenge, response, name: 'x', party: PARTY };
    expect(await passkeys.create(asked)).toEqual({ kind: 'refused' });
    expect(await passkeys.beginCreation(person, late.sessionId, PARTY)).toBeNull();
  });
});

describe('signing in', () => {
  test.each<[string, Faults]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another site', { rpId: 'evil.example' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a person who was not verified', { isUnverified: true }],
    ['the handle of somebody else', { userHandle: Buffer.alloc(64).toString('base64url') }]
  ])('a signature for %s is refused', async (_, faults) => {
    const { device } = await create();
    expect(await signIn(device, faults)).toEqual({ kind: 'refused' });
    expect((await signIn(device)).kind).toBe('signed in');
  });

  test('a passkey that nobody has, one of who is disabled, and what is none get one answer', async () => {
    const { device } = await create();
    await administration.disableUser(owner, { email: EMAIL });
    expect(await signIn(device)).toEqual({ kind: 'refused' });
    await administration.enableUser(owner, { email: EMAIL });
    expect(await signIn(makeSoftPasskey(SITE), { userHandle: 'AAAA' })).toEqual({ kind: 'refused' });
    for (const response of [null, 'x', {}, { id: "' or true --" }]) {
      const { cookie } = await beginSignIn();
      expect(await passkeys.signIn({ challenge: cookie, response, address: ADDRESS, party: PARTY })).toEqual({
        kind: 'refused'
      });
    }
  });

  test('a challenge counts once, also of many at once, for five minutes, and in the browser that asked', async () => {
    const { device } = await create();
    const begun = await beginSignIn();
    // Of a device that does not count: nothing but the challenge tells the second from the first.
    const response = device.get(begun, { counter: 0 });
    const ask = (cookie: string | undefined) =>
      passkeys.signIn({ challenge: cookie, response, address: ADDRESS, party: PARTY });
    const other = await beginSignIn();
    for (const none of [undefined, '', 'x', begun.challenge, `A${begun.cookie.slice(1)}`, `${begun.cookie}A`])
      expect(await ask(none)).toEqual({ kind: 'over' });
    expect(await ask(other.cookie), 'another browser').toEqual({ kind: 'refused' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(begun.cookie)));
    expect(answers.filter(({ kind }) => kind === 'signed in')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'refused')).toHaveLength(7);
    expect(await ask(begun.cookie), 'once more').toEqual({ kind: 'refused' });
    const { rows } = await owner.query<{ all: string }>(
      'select json_agg(c)::text as all from watchfloor.passkey_challenges_used c'
    );
    for (const told of [begun.challenge, begun.cookie]) expect(rows[0]!.all, 'its hash alone').not.toContain(told);
    const late = await beginSignIn();
    now += CHALLENGE_MINUTES * 60_000;
    expect(
      await passkeys.signIn({ challenge: late.cookie, response: device.get(late), address: null, party: PARTY })
    ).toEqual({ kind: 'over' });
  });

  test('whoever only begins leaves nothing behind and pushes nobody out, also where a proxy hides who they are', async () => {
    const { device } = await create();
    const first = await beginSignIn();
    for (let index = 0; index < 1_000; index++) await beginSignIn();
    for (const table of ['passkey_challenges', 'passkey_challenges_used', 'sign_in_limits'])
      expect(await count(`watchfloor.${table}`), table).toBe(0);
    const answer = await passkeys.signIn({
      challenge: first.cookie,
      response: device.get(first),
      address: null,
      party: PARTY
    });
    expect(answer.kind).toBe('signed in');
  });

  test('a counter that does not grow is that of a copy, and is refused; devices that do not count say 0 for ever', async () => {
    const { device } = await create();
    expect((await signIn(device, { counter: 0 })).kind, 'it does not count yet').toBe('signed in');
    expect((await signIn(device, { counter: 0 })).kind).toBe('signed in');
    expect((await signIn(device, { counter: 7 })).kind).toBe('signed in');
    for (const counter of [7, 6, 0]) expect((await signIn(device, { counter })).kind, String(counter)).toBe('refused');
    expect((await signIn(device, { counter: 8 })).kind).toBe('signed in');
  });

  test('of two signatures with one counter at once, one signs in', async () => {
    const { device } = await create();
    const answers = await Promise.all(Array.from({ length: 4 }, () => signIn(device, { counter: 5 })));
    expect(answers.filter(({ kind }) => kind === 'signed in')).toHaveLength(1);
  });

  test('a network fails 60 times and then waits, passwords beside it do not; who signs in uses up none', async () => {
    const { device } = await create();
    for (let index = 0; index < LIMITS.network + 5; index++) expect((await signIn(device)).kind).toBe('signed in');
    const stranger = makeSoftPasskey(SITE);
    for (let index = 0; index < LIMITS.network; index++)
      expect((await signIn(stranger, { userHandle: 'AAAA' })).kind).toBe('refused');
    expect(await signIn(device)).toEqual({ kind: 'limited', retryAfterSeconds: FIRST_WAIT_SECONDS });
    const attempt = await openSignIn(access).attempt({ email: EMAIL, password: PASSWORD, address: ADDRESS });
    expect(attempt.kind).toBe('signed in');
    expect((await signIn(device, {}, '198.51.100.1')).kind).toBe('signed in');
  });

  test('what was used is swept once it counts no more', async () => {
    const { device } = await create();
    expect((await signIn(device)).kind).toBe('signed in');
    await owner.query(`update watchfloor.passkey_challenges_used set expires_at = now() - interval '2 hours'`);
    expect((await signIn(device)).kind).toBe('signed in');
    expect(await count('watchfloor.passkey_challenges_used')).toBe(1);
  });
});

describe('changing them', () => {
  test('one’s own are renamed and removed, others’ are not; removing ends every session', async () => {
    const { device } = await create();
    const [mine] = await passkeys.readOwn(person.id);
    const { id: bob } = await administration.addUser(owner, {
      email: 'b@example.com',
      name: 'Bob',
      password: PASSWORD
    });
    const theirs = { personId: bob, ...(await signInNow({ sessions, pool: access }, bob)) };
    expect(await passkeys.rename(bob, mine!.id, 'stolen')).toBe(false);
    expect(await passkeys.remove(theirs, mine!.id)).toBeNull();
    expect(await count('public.sessions')).toBe(1);
    expect(await passkeys.rename(person.id, mine!.id, 'Phone')).toBe(true);
    expect(await passkeys.readOwn(person.id)).toMatchObject([{ name: 'Phone' }]);
    const { sessionId } = await signInNow({ sessions, pool: access }, person.id);
    expect(await passkeys.remove({ personId: person.id, sessionId }, mine!.id)).toMatchObject({ personId: person.id });
    expect(await sessions.readOwn(person.id)).toEqual([]);
    expect(await sessions.readOwn(bob)).toHaveLength(1);
    expect((await signIn(device)).kind).toBe('refused');
  });

  test('an administrator takes them away from who lost the device', async () => {
    const { device } = await create();
    await signInNow({ sessions, pool: access }, person.id);
    expect(await administration.removeSecondFactor(owner, { email: EMAIL })).toMatchObject({ passkeys: 1, ended: 1 });
    expect((await signIn(device)).kind).toBe('refused');
  });

  test('only the role that signs people in reads the tables', async () => {
    for (const role of ROLES) {
      const pool = openPool({ url: database.url, role, max: 1, applicationName: 'tests' });
      const may = [];
      for (const table of ['passkeys', 'passkey_challenges', 'passkey_challenges_used'])
        may.push(
          await pool.query(`select from watchfloor.${table}`).then(
            () => true,
            () => false
          )
        );
      await pool.end();
      expect(may, role).toEqual([0, 1, 2].map(() => role === 'access' || role === 'owner'));
    }
  });

  test('the cookie of a challenge cannot be set by a subdomain over https, is read by no script, and goes after five minutes', async () => {
    const begun = await openPasskeys(access, { secure: true }).beginSignIn(PARTY);
    expect(begun.setCookie).toMatchObject({
      name: '__Host-watchfloor-passkey',
      options: { path: '/', httpOnly: true, secure: true, sameSite: 'lax', maxAge: 300 }
    });
  });
});
