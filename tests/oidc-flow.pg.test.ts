/**
 * Signing in with an identity provider, the whole way but for the browser: a real one (oidc-provider) that everything goes
 * well with, and one that lies, whose every lie must fail. What is told of a failure holds no code, token or claim.
 */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openOidc, type Finished, type Oidc } from '../src/lib/server/access/oidc.ts';
import { keepOidcRoles } from '../src/lib/server/access/oidc-people.ts';
import { MINUTES } from '../src/lib/server/access/oidc-transaction.ts';
import type { OidcConfig } from '../src/lib/server/config.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openWalker, startProvider, type IdentityProvider, type ProviderOptions } from './harness/identity-provider.ts';
import { startLyingProvider, type Lies, type LyingProvider } from './harness/lying-provider.ts';
import { freePort } from './harness/postgres.ts';
import { makeWorld, type World } from './harness/world.ts';

const CALLBACK = 'http://127.0.0.1:1/login/oidc/callback';
/** What a way back has in common here; tests/oidc-limits.pg.test.ts has addresses. */
const BACK = { callback: CALLBACK, address: null };
const CLIENT = 'watchfloor';
const SECRET = 'a secret with signs: %/+ &';
let database: TestDatabase;
let world: World;
let access: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  access = openPool({ url: database.url, role: 'access', max: 6, applicationName: 'tests' });
});
afterAll(async () => {
  await access?.end();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => {
  await world.owner.query('delete from watchfloor.oidc_accounts');
  await world.owner.query(`delete from users where email = 'ada@example.test'`);
});

function toSettings(issuer: string, more: Partial<OidcConfig> = {}): OidcConfig {
  const roles = [{ group: 'noc', role: 'operator' as const, workspaceId: world.a, environmentIds: [] }];
  const scopes = 'openid profile email groups';
  return {
    issuer,
    clientId: CLIENT,
    clientSecret: SECRET,
    label: 'Example',
    scopes,
    groupsClaim: 'groups',
    roles,
    ...more
  };
}
async function open(settings: OidcConfig, now?: () => number): Promise<Oidc> {
  await keepOidcRoles(database.url, settings);
  return openOidc(access, settings, { secure: false, ...(now && { now }) });
}
async function begin(oidc: Oidc, next: string | null = null): Promise<{ location: string; cookie: string }> {
  const begun = await oidc.begin({ callback: CALLBACK, next });
  if (begun.kind !== 'begun') throw new Error(begun.reason);
  return { location: begun.location, cookie: begun.setCookie.value };
}
/** What is told of it is short and holds nothing that was secret. */
function expectFailure(answer: Finished, failure: string, reason: RegExp | string, ...secrets: string[]): void {
  expect(answer).toMatchObject({ kind: 'failed', failure });
  const said = (answer as { reason: string }).reason;
  expect(said).toMatch(reason);
  for (const secret of [SECRET, 'ada', 'noc', ...secrets]) expect(said).not.toContain(secret);
}

describe('a real provider', () => {
  let provider: IdentityProvider;
  async function start(more: Partial<ProviderOptions> = {}): Promise<void> {
    const options = { clientId: CLIENT, clientSecret: SECRET, callbacks: [CALLBACK], ...more };
    provider = await startProvider({ port: await freePort(), ...options });
    provider.people.set('ada', {
      name: 'Ada Lovelace',
      email: 'ada@example.test',
      email_verified: true,
      groups: ['noc', 'others']
    });
    provider.whoComes = 'ada';
  }
  afterEach(() => provider?.close());
  const walk = (location: string): Promise<URL> => openWalker().walk(location, CALLBACK);

  test.each<[string, Partial<ProviderOptions>, string | null]>([
    ['with claims in the token', {}, SECRET],
    ['with claims at userinfo', { areClaimsInToken: false }, SECRET],
    ['that takes the secret in the form alone', { authMethod: 'client_secret_post' }, SECRET],
    ['of a public client', { clientSecret: null }, null]
  ])('%s: a person is signed in as who they are there, and led on', async (_, options, clientSecret) => {
    await start(options);
    const oidc = await open(toSettings(provider.issuer, { clientSecret }));
    const { location, cookie } = await begin(oidc, '/admin?from=mail');
    const asked = new URL(location).searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({ code_challenge_method: 'S256', response_type: 'code' });
    const back = await walk(location);
    const answer = await oidc.finish({ ...BACK, search: back.search, cookie });
    if (answer.kind !== 'signed in') throw new Error(answer.reason);
    expect(answer).toMatchObject({ next: '/admin?from=mail', setCookie: { value: '', options: { maxAge: 0 } } });
    const { rows } = await world.owner.query(
      'select u.name, u.email, m.workspace_id, m.role from users u join memberships m on m.user_id = u.id where u.id = $1',
      [answer.personId]
    );
    expect(rows).toEqual([
      { name: 'Ada Lovelace', email: 'ada@example.test', workspace_id: world.a, role: 'operator' }
    ]);
  });

  test('the cookie is sealed, for ten minutes and this browser’s navigations alone', async () => {
    await start();
    const oidc = await open(toSettings(provider.issuer));
    const begun = await oidc.begin({ callback: CALLBACK, next: '/admin/secret' });
    if (begun.kind !== 'begun') throw new Error(begun.reason);
    expect(begun.setCookie.options).toEqual({ path: '/', httpOnly: true, secure: false, sameSite: 'lax', maxAge: 600 });
    expect(begun.setCookie.name).toBe('watchfloor-oidc');
    expect(openOidc(access, toSettings(provider.issuer), { secure: true }).cookieName).toBe('__Host-watchfloor-oidc');
    const state = new URL(begun.location).searchParams.get('state')!;
    const bytes = Buffer.from(begun.setCookie.value, 'base64url').toString('latin1');
    for (const told of [state, 'nonce', 'verifier', '/admin']) expect(bytes).not.toContain(told);
  });

  test('what came back once does not come back again, also not with another code', async () => {
    await start();
    const oidc = await open(toSettings(provider.issuer));
    const { location, cookie } = await begin(oidc);
    const { search } = await walk(location);
    const [one, two] = await Promise.all([1, 2].map(() => oidc.finish({ ...BACK, search, cookie })));
    expect([one!.kind, two!.kind].sort()).toEqual(['failed', 'signed in']);
    const again = await walk(location);
    for (const replayed of [search, again.search])
      expectFailure(
        await oidc.finish({ ...BACK, search: replayed, cookie }),
        'begun elsewhere',
        'come back before',
        new URLSearchParams(replayed).get('code')!
      );
  });

  test('another browser’s code ends nothing here: its state is not this one’s, and what was begun goes on', async () => {
    await start();
    const oidc = await open(toSettings(provider.issuer));
    const mine = await begin(oidc);
    const attackers = await walk((await begin(oidc)).location);
    const states = [attackers.search, '?code=x', '?code=x&state=', `?state=${mine.cookie}&code=x`];
    for (const search of states) {
      const answer = await oidc.finish({ ...BACK, search, cookie: mine.cookie });
      expectFailure(answer, 'begun elsewhere', 'the state is not that of this browser');
      expect((answer as { setCookie: unknown }).setCookie).toBeNull();
    }
    // With the right state, and the code of the other: PKCE and the nonce are of one browser.
    const swapped = new URLSearchParams(attackers.search);
    swapped.set('state', new URL(mine.location).searchParams.get('state')!);
    expectFailure(
      await oidc.finish({ ...BACK, search: `?${swapped}`, cookie: mine.cookie }),
      'away',
      'invalid_grant',
      swapped.get('code')!
    );
    const next = await begin(oidc);
    const { search } = await walk(next.location);
    expect(await oidc.finish({ ...BACK, search, cookie: next.cookie })).toMatchObject({ kind: 'signed in' });
  });

  test('without the cookie, with a forged or a foreign one, or after ten minutes, nothing was begun', async () => {
    await start();
    let now = Date.now();
    const oidc = await open(toSettings(provider.issuer), () => now);
    const { location, cookie } = await begin(oidc);
    const { search } = await walk(location);
    const bytes = Buffer.from(cookie, 'base64url');
    bytes[20] = bytes[20]! ^ 1;
    for (const wrong of [null, '', 'x', cookie.slice(0, -2), bytes.toString('base64url')])
      expectFailure(await oidc.finish({ ...BACK, search, cookie: wrong }), 'begun elsewhere', 'nothing was begun');
    now += MINUTES * 60_000;
    expectFailure(await oidc.finish({ ...BACK, search, cookie }), 'begun elsewhere', 'it is over');
    now -= 1_000;
    expect(await oidc.finish({ ...BACK, search, cookie })).toMatchObject({ kind: 'signed in' });
  });

  test('who declines there is told so, and who has no group of ours has no access', async () => {
    await start();
    const oidc = await open(toSettings(provider.issuer));
    provider.whoComes = '';
    const declined = await begin(oidc, '/admin');
    const { search } = await walk(declined.location);
    const answer = await oidc.finish({ ...BACK, search, cookie: declined.cookie });
    expectFailure(answer, 'not signed in there', 'access_denied');
    expect(answer.next).toBe('/admin');
    provider.whoComes = 'bob';
    provider.people.set('bob', { email: 'bob@example.test', email_verified: true, groups: [] });
    const begun = await begin(oidc);
    const back = await walk(begun.location);
    expectFailure(await oidc.finish({ ...BACK, search: back.search, cookie: begun.cookie }), 'no access', 'no access');
  });

  test('with the wrong secret nobody is signed in', async () => {
    await start();
    const oidc = await open(toSettings(provider.issuer, { clientSecret: 'not the secret' }));
    const { location, cookie } = await begin(oidc);
    const { search } = await walk(location);
    expectFailure(
      await oidc.finish({ ...BACK, search, cookie }),
      'away',
      'are the client id and its secret right',
      'not the secret'
    );
  });

  test('a provider that is away is told so at once, and found again as soon as it answers; one that went, on the way back', async () => {
    await start();
    const [port, people] = [Number(new URL(provider.issuer).port), provider.people];
    await provider.close();
    const oidc = await open(toSettings(provider.issuer));
    expect(await oidc.begin({ callback: CALLBACK, next: '/admin' })).toMatchObject({
      kind: 'failed',
      failure: 'away',
      reason: expect.stringContaining('ECONNREFUSED'),
      next: '/admin'
    });
    provider = await startProvider({ port, clientId: CLIENT, clientSecret: SECRET, callbacks: [CALLBACK] });
    for (const [name, person] of people) provider.people.set(name, person);
    provider.whoComes = 'ada';
    const { location, cookie } = await begin(oidc);
    const { search } = await walk(location);
    await provider.close();
    // A connection that was kept may have been lost before it was missed.
    expectFailure(
      await oidc.finish({ ...BACK, search, cookie }),
      'away',
      /ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/,
      new URLSearchParams(search).get('code')!
    );
  });
});

describe('a provider that lies', () => {
  let liar: LyingProvider;
  let oidc: Oidc;
  beforeAll(async () => {
    liar = await startLyingProvider(CLIENT);
    oidc = await open(toSettings(liar.issuer));
  });
  afterAll(() => liar?.close());
  beforeEach(() => {
    liar.lies = {};
  });

  /** As far as a browser could tell, all went well. */
  async function come(lies: Lies, through = oidc): Promise<Finished> {
    liar.lies = lies;
    const { location, cookie } = await begin(through);
    const { state, nonce } = Object.fromEntries(new URL(location).searchParams);
    liar.nonce = nonce!;
    return through.finish({ ...BACK, search: `?code=the-code&state=${state}`, cookie });
  }

  test('the control: when it tells the truth, somebody is signed in, and its description and keys are asked for once', async () => {
    liar.asked.clear();
    for (let times = 0; times < 3; times++) expect(await come({})).toMatchObject({ kind: 'signed in' });
    expect(liar.asked.get('/.well-known/openid-configuration') ?? 0).toBeLessThanOrEqual(1);
    expect(liar.asked.get('/keys') ?? 0).toBeLessThanOrEqual(1);
    expect(liar.asked.get('/token')).toBe(3);
  });

  const hour = 3600;
  const now = Math.floor(Date.now() / 1000);
  test.each<[string, Lies]>([
    ['is signed by another key', { signedBy: 'other' }],
    ['is not signed', { signedBy: 'none', header: { alg: 'none' } }],
    ['is signed with what everybody knows', { signedBy: 'hmac', header: { alg: 'HS256' } }],
    ['has another signature', { tamper: (token) => `${token.slice(0, -6)}AAAAAA` }],
    [
      'was changed after it was signed',
      {
        tamper: (token) => {
          const [header, body = '', signature] = token.split('.');
          const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
          const other = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url');
          return `${header}.${other}.${signature}`;
        }
      }
    ],
    ['is for another client', { claims: { aud: 'another' } }],
    ['is for others, too, and was asked for by one of them', { claims: { aud: [CLIENT, 'another'], azp: 'another' } }],
    ['is from another issuer', { claims: { iss: 'https://login.example.test' } }],
    ['has another nonce', { claims: { nonce: 'of another request' } }],
    ['has no nonce', { claims: { nonce: undefined } }],
    ['is over', { claims: { iat: now - 2 * hour, exp: now - hour } }],
    ['has no end', { claims: { exp: undefined } }],
    ['is of tomorrow', { claims: { nbf: now + hour } }],
    ['is about nobody', { claims: { sub: undefined } }],
    ['has an empty subject', { claims: { sub: '' } }],
    ['has a subject without end', { claims: { sub: 'a'.repeat(300) } }],
    ['is no token', { tamper: () => 'not.a.token' }],
    ['is a page', { tokens: { status: 200, body: '<html>', type: 'text/html' } }],
    ['is no JSON', { tokens: { status: 200, body: '{"id_token":' } }],
    ['is no JSON and would be quoted', { tokens: { status: 200, body: '{"access_token":CANARY}' } }],
    ['is missing', { tokens: { status: 200, body: '{"access_token":"a","token_type":"Bearer"}' } }],
    ['is a failure', { tokens: { status: 500, body: '{}' } }],
    [
      'is a refusal in words of its own',
      { tokens: { status: 400, body: '{"error":"<b>ada</b>","error_description":"ada noc"}' } }
    ],
    ['leads elsewhere', { tokens: { status: 302, body: '' } }],
    ['says no e-mail', { claims: { email: undefined } }],
    [
      'says groups somewhere else, because they are many',
      { claims: { groups: undefined, _claim_names: { groups: 'src1' } } }
    ]
  ])('an ID token that %s signs nobody in, and nothing of it is told', async (_, lies) => {
    expectFailure(await come(lies), 'away', /\w/, 'the-code', 'access', 'another', 'root', '<b>', 'CANARY');
    expect((await world.owner.query('select from watchfloor.oidc_accounts')).rowCount).toBe(0);
  });

  test('userinfo about somebody else is not believed, and never counts before the token', async () => {
    expectFailure(
      await come({ claims: { groups: undefined }, userinfo: { sub: 'bob', groups: ['noc'] } }),
      'away',
      /\w/
    );
    const answer = await come({
      claims: { groups: undefined, email_verified: false },
      userinfo: { groups: 'noc', email: 'root@example.test', email_verified: true }
    });
    expect(answer).toMatchObject({ kind: 'signed in' });
    expect((await world.owner.query(`select from users where email = 'root@example.test'`)).rowCount).toBe(0);
  });

  test('a description that is another issuer’s, or no description, is told as such', async () => {
    for (const metadata of [{ issuer: 'https://login.example.test' }, { issuer: undefined }]) {
      liar.lies = { metadata };
      const fresh = await open(toSettings(liar.issuer));
      expect(await fresh.begin({ callback: CALLBACK, next: null })).toMatchObject({ kind: 'failed', failure: 'away' });
    }
  });

  test('one that never answers is given up after seconds', async () => {
    const begun = performance.now();
    expectFailure(await come({ isSilent: true }), 'away', /timed out|timeout/i);
    expect(performance.now() - begun).toBeLessThan(15_000);
  });

  test('what it said of itself is asked for again after an hour, and the old one does while it cannot', async () => {
    let clock = Date.now();
    const patient = await open(toSettings(liar.issuer), () => clock);
    liar.asked.clear();
    const asked = (): number => liar.asked.get('/.well-known/openid-configuration') ?? 0;
    await begin(patient);
    clock += 59 * 60_000;
    await begin(patient);
    expect(asked()).toBe(1);
    clock += 2 * 60_000;
    await begin(patient);
    expect(asked()).toBe(2);
    clock += 61 * 60_000;
    liar.lies = { metadata: { issuer: 'https://login.example.test' } };
    expect(await come(liar.lies, patient)).toMatchObject({ kind: 'signed in' });
    expect(asked()).toBeGreaterThan(2);
  });

  test('a crowd that comes back is asked about in turns, and who finds no place is told so', async () => {
    liar.lies = { isSilent: true };
    const crowd = await Promise.all(Array.from({ length: 80 }, () => begin(oidc)));
    const answers = crowd.map(({ location, cookie }) =>
      oidc.finish({
        ...BACK,
        search: `?code=x&state=${new URL(location).searchParams.get('state')}`,
        cookie
      })
    );
    const first = await Promise.race(answers);
    expect(first).toMatchObject({ kind: 'failed', failure: 'busy', reason: 'too many at once' });
    liar.lies = { tokens: { status: 500, body: '{}' } };
    await Promise.all(answers);
  }, 60_000);
});
