/**
 * How often a network may come back from the identity provider in vain. The provider lies, and counts what it is asked: what
 * is refused by the limit costs neither it nor the database anything.
 */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openOidc, type Finished, type Oidc } from '../src/lib/server/access/oidc.ts';
import { keepOidcRoles } from '../src/lib/server/access/oidc-people.ts';
import { LIMITS } from '../src/lib/server/access/sign-in-limits.ts';
import type { OidcConfig } from '../src/lib/server/config.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { startLyingProvider, type LyingProvider } from './harness/lying-provider.ts';
import { makeWorld, type World } from './harness/world.ts';

const CALLBACK = 'http://127.0.0.1:1/login/oidc/callback';
const [HERE, NEXT_DOOR, ELSEWHERE] = ['203.0.113.7', '2001:db8:1:2::3', '198.51.100.1'];
const NO_TOKENS = { tokens: { status: 400, body: '{"error":"invalid_grant"}' } };
let database: TestDatabase;
let world: World;
let access: pg.Pool;
let liar: LyingProvider;
let oidc: Oidc;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  access = openPool({ url: database.url, role: 'access', max: 6, applicationName: 'tests' });
  liar = await startLyingProvider('watchfloor');
  const settings: OidcConfig = {
    issuer: liar.issuer,
    clientId: 'watchfloor',
    clientSecret: null,
    label: 'Example',
    scopes: 'openid',
    groupsClaim: 'groups',
    roles: [{ group: 'noc', role: 'operator', workspaceId: world.a, environmentIds: [] }]
  };
  await keepOidcRoles(database.url, settings);
  oidc = openOidc(access, settings, { secure: false });
});
afterAll(async () => {
  await liar?.close();
  await access?.end();
  await world?.close();
  await database?.drop();
});
beforeEach(async () => {
  liar.lies = {};
  await world.owner.query('truncate watchfloor.sign_in_limits, watchfloor.oidc_ended');
});

/** Begins, and comes back from this address with what the provider might have sent along. */
async function come(address: string | null, { sent = 'code=x', state = '' } = {}): Promise<Finished> {
  const begun = await oidc.begin({ callback: CALLBACK, next: null });
  if (begun.kind !== 'begun') throw new Error(begun.reason);
  const asked = new URL(begun.location).searchParams;
  liar.nonce = asked.get('nonce')!;
  const search = `?${sent}&state=${state || asked.get('state')}`;
  return oidc.finish({ callback: CALLBACK, search, cookie: begun.setCookie.value, address });
}
async function comeOften(times: number, ...of: Parameters<typeof come>): Promise<string[]> {
  const failures: string[] = [];
  for (let index = 0; index < times; index++) {
    const answer = await come(...of);
    failures.push(answer.kind === 'failed' ? answer.failure : answer.kind);
  }
  return [...new Set(failures)];
}
const requests = (): number => liar.asked.get('/token') ?? 0;
const ended = async (): Promise<number> => (await world.owner.query('select from watchfloor.oidc_ended')).rowCount ?? 0;

test('a network comes back in vain 60 times and then waits, without a request or a row; others sign in meanwhile', async () => {
  liar.lies = NO_TOKENS;
  expect(await comeOften(LIMITS.network, HERE)).toEqual(['away']);
  const before = { requests: requests(), ended: await ended() };
  expect(before.ended).toBe(LIMITS.network);
  expect(await come(HERE)).toMatchObject({ kind: 'failed', failure: 'limited', reason: 'too many attempts' });
  liar.lies = {};
  expect(await come(HERE), 'also with a right one').toMatchObject({ failure: 'limited' });
  expect({ requests: requests(), ended: await ended() }).toEqual(before);
  expect(await come(ELSEWHERE)).toMatchObject({ kind: 'signed in' });
  expect(await come(NEXT_DOOR)).toMatchObject({ kind: 'signed in' });
});

test('a crowd from one network at once is no way around', async () => {
  liar.lies = NO_TOKENS;
  const before = requests();
  await Promise.all(Array.from({ length: LIMITS.network + 20 }, () => come(HERE)));
  expect(requests() - before).toBeLessThanOrEqual(LIMITS.network);
  expect(await ended()).toBeLessThanOrEqual(LIMITS.network);
});

test('who signs in uses up no try, nor who declines there, and neither of them leaves a row for declining', async () => {
  expect(await comeOften(LIMITS.network + 5, HERE)).toEqual(['signed in']);
  const before = await ended();
  expect(await comeOften(LIMITS.network + 5, HERE, { sent: 'error=access_denied' })).toEqual(['not signed in there']);
  expect(await ended()).toBe(before);
  liar.lies = NO_TOKENS;
  expect(await come(HERE)).toMatchObject({ failure: 'away' });
}, 60_000);

test('declining with a code beside it is counted, as it leaves a row', async () => {
  const sent = 'error=access_denied&code=x';
  expect(await comeOften(LIMITS.network, HERE, { sent })).toEqual(['not signed in there']);
  expect(await come(HERE, { sent })).toMatchObject({ failure: 'limited' });
});

test('what another site sends here with a state of its own uses up nobody’s tries', async () => {
  expect(await comeOften(LIMITS.network + 5, HERE, { state: 'of-another' })).toEqual(['begun elsewhere']);
  expect(await come(HERE)).toMatchObject({ kind: 'signed in' });
});

test('where a proxy hides addresses, nobody waits for others', async () => {
  liar.lies = NO_TOKENS;
  expect(await comeOften(LIMITS.network + 5, null)).toEqual(['away']);
});
