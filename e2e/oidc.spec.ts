/**
 * Signing in with a real identity provider (oidc-provider) in a real browser, on a node of its own: what somebody then sees
 * is what their groups give, also on a page that is open; and what fails is said on the sign-in page.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { disableUser, resetPassword } from '../src/lib/server/access/administration.ts';
import { toTransactionSeal } from '../src/lib/server/access/oidc-transaction.ts';
import { startProvider, type IdentityProvider } from '../tests/harness/identity-provider.ts';
import { findCanary, makePlainCanary } from '../tests/harness/canaries.ts';
import { freePort } from '../tests/harness/postgres.ts';
import { linesOf } from '../tests/harness/running-server.ts';
import { insertOperation, makeWorld, type World } from '../tests/harness/world.ts';
import { timeless } from './harness/alike.ts';
import { openAsker } from './harness/ask.ts';
import { rowOf, untilLive } from './harness/hub-page.ts';
import { startInstance, type Instance } from './harness/instance.ts';
import { expect, hubPath, sharedDatabaseUrl, test } from './harness/test.ts';

const LABEL = 'Example Login';
const CLIENT = { clientId: 'watchfloor', clientSecret: makePlainCanary('secret') };
let world: World;
let node: Instance;
let provider: IdentityProvider;
let port: number;
let names = 0;
/** codes, states, cookies: whatever must be in no log */
const secrets = new Set([CLIENT.clientSecret]);

/** Of every node alike: what the last one that starts says of groups holds for all. */
const settings = (): Record<string, string> => ({
  WATCHFLOOR_OIDC_ISSUER: `http://localhost:${port}`,
  WATCHFLOOR_OIDC_CLIENT_ID: CLIENT.clientId,
  WATCHFLOOR_OIDC_CLIENT_SECRET: CLIENT.clientSecret,
  WATCHFLOOR_OIDC_LABEL: LABEL,
  WATCHFLOOR_OIDC_SCOPES: 'openid profile email groups',
  WATCHFLOOR_OIDC_ROLES: `noc = operator workspace ${world.a}; emea = operator workspace ${world.a} environment ${world.a1};
    apac = operator workspace ${world.a} environment ${world.a2}`
});

test.describe.configure({ mode: 'default' });
test.beforeAll(async () => {
  test.setTimeout(120_000);
  world = await makeWorld(sharedDatabaseUrl());
  port = await freePort();
  // The node starts while the provider is away.
  node = await startInstance({
    databaseUrl: sharedDatabaseUrl(),
    environment: { ...settings(), LOG_LEVEL: 'debug' }
  });
});
test.afterAll(async () => {
  await provider?.close();
  await node?.remove();
  await world?.close();
});

async function startAgain(): Promise<void> {
  const people = provider?.people ?? new Map();
  await provider?.close();
  provider = await startProvider({
    port,
    host: 'localhost',
    callbacks: [`${node.baseURL}/login/oidc/callback`],
    ...CLIENT
  });
  for (const [name, person] of people) provider.people.set(name, person);
}
test.beforeEach(async () => {
  if (!provider) await startAgain();
});

/** Somebody at the provider; their e-mail is new here. */
function somebody(groups: string[], more: object = {}): string {
  const name = `person${++names}.${Date.now().toString(36)}`;
  provider.people.set(name, {
    name: `Person ${names}`,
    email: `${name}@corp.test`,
    email_verified: true,
    groups,
    ...more
  });
  return name;
}
async function openBrowser(browser: Browser, options: object = {}): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ baseURL: node.baseURL, ...options });
  const page = await context.newPage();
  page.on('request', (request) => {
    for (const name of ['code', 'state', 'nonce', 'code_challenge'])
      for (const value of new URL(request.url()).searchParams.getAll(name)) if (value.length > 12) secrets.add(value);
  });
  return { context, page };
}
const button = (page: Page) => page.getByRole('link', { name: `Sign in with ${LABEL}` });
async function signIn(page: Page, name: string, path = '/login'): Promise<void> {
  await page.goto(path);
  await button(page).click();
  await page.getByLabel('Name at Example Login').fill(name);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL((url) => url.origin === node.baseURL);
}
/** Beside its first words a server prints lines of JSON alone. */
const logOf = (of: Instance): string =>
  of
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .join('\n');
const personOf = async (name: string): Promise<number> =>
  (await world.owner.query<{ id: number }>('select id from users where email = $1', [`${name}@corp.test`])).rows[0]!.id;

test('somebody new signs in and sees the environments of their group; other groups change it, on an open page too', async ({
  browser
}) => {
  const [shown, hidden] = [
    await insertOperation(world.writer, world.a, world.a1, 'inventory.sync'),
    await insertOperation(world.writer, world.a, world.a2, 'policy.sync')
  ];
  const name = somebody(['emea', 'of no use here']);
  const violations: string[] = [];
  const { context, page } = await openBrowser(browser);
  page.on('console', (message) => message.type() === 'error' && violations.push(message.text()));
  const sites: (string | null)[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/login/oidc/callback?'))
      void request.headerValue('sec-fetch-site').then((site) => sites.push(site));
  });
  const next = encodeURIComponent(hubPath(world.a, '?activeTab=active'));
  await signIn(page, name, `/login?next=${next}`);
  await expect(page).toHaveURL(hubPath(world.a, '?activeTab=active'));
  await untilLive(page);
  expect(sites, 'the provider is another site').toEqual(['cross-site']);
  await expect(rowOf(page, shown)).toBeVisible();
  await expect(rowOf(page, hidden)).toHaveCount(0);
  expect(violations).toEqual([]);
  const cookies = await context.cookies();
  expect(cookies.find(({ name: of }) => of === 'watchfloor')).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  expect(cookies.filter(({ name: of }) => of === 'watchfloor-oidc')).toEqual([]);
  for (const { value } of cookies) if (value.length > 12) secrets.add(value);
  expect((await context.request.get(hubPath(world.b))).status()).toBe(404);

  // In another browser, with other groups.
  provider.people.get(name)!['groups'] = ['apac'];
  const other = await openBrowser(browser);
  await signIn(other.page, name);
  await expect(rowOf(page, shown)).toHaveCount(0);
  await expect(rowOf(page, hidden)).toBeVisible();
  await expect(rowOf(other.page, hidden)).toBeVisible();

  provider.people.get(name)!['groups'] = [];
  const third = await openBrowser(browser);
  await signIn(third.page, name);
  await expect(third.page.getByRole('alert')).toContainText('has no access to Watchfloor. Ask whoever administers');
  await expect(third.page).toHaveURL('/login?oidc=access');
  await expect(rowOf(page, hidden)).toHaveCount(0);
  await page.goto('/admin');
  await expect(page.getByRole('main')).not.toContainText('Workspace A');
  await Promise.all([context, other.context, third.context].map((one) => one.close()));
});

test('it works without scripts, ends whoever was signed in before, and the account page says how one signs in', async ({
  browser
}) => {
  const [first, second] = [somebody(['noc']), somebody(['noc'])];
  const { context, page } = await openBrowser(browser, { javaScriptEnabled: false });
  await signIn(page, first, '/login?next=%2Faccount');
  await expect(page.getByRole('region', { name: 'Signing in' })).toContainText(`signs in with ${LABEL}`);
  const [before] = (await context.cookies()).filter(({ name }) => name === 'watchfloor');
  secrets.add(before!.value);
  // The provider knows this browser: it would not ask again.
  await context.clearCookies({ name: /^_(session|interaction)/ });
  await page.goto('/login/oidc?next=%2Faccount');
  await page.getByLabel('Name at Example Login').fill(second);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('main')).toContainText(`${second}@corp.test`);
  await context.addCookies([before!]);
  await page.goto('/account');
  await expect(page, 'the former session counts no more').toHaveURL(/\/login/);
  await context.close();
});

test('whoever has no password is asked for none on the account page, until they are given one', async ({ browser }) => {
  const name = somebody(['noc']);
  const { context, page } = await openBrowser(browser);
  await signIn(page, name, '/login?next=%2Faccount');
  const region = (title: string) => page.getByRole('region', { name: title });
  await expect(region('Signing in')).toContainText('You have no password for Watchfloor, and need none.');
  await expect(region('Password')).toHaveCount(0);
  await expect(page.getByRole('main')).not.toContainText('Your password alone signs you in');
  await expect(region('Second factor')).toContainText(`${LABEL} asks for a second factor`);
  await expect(region('Passkeys')).toContainText(`you have none here: ${LABEL} signs you in`);
  await expect(page.getByRole('link', { name: /authenticator app|Add a passkey/ })).toHaveCount(0);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations, colorScheme).toEqual([]);
  }
  await resetPassword(world.owner, { email: `${name}@corp.test`, password: makePlainCanary('password') });
  await context.close();

  const other = await openBrowser(browser);
  await signIn(other.page, name, '/login?next=%2Faccount');
  await expect(other.page.getByLabel('Password that you have')).toBeVisible();
  await expect(other.page.getByRole('main')).toContainText('Your password alone signs you in');
  await expect(other.page.getByRole('link', { name: 'Set up an authenticator app' })).toBeVisible();
  await other.context.close();
});

test('nothing leads to another site afterwards, and a link of another site begins nothing by itself', async ({
  browser
}) => {
  const name = somebody(['noc']);
  for (const next of ['https://elsewhere.example/', '//elsewhere.example', '/\\elsewhere.example', '/logout']) {
    const { context, page } = await openBrowser(browser);
    await page.goto(`/login/oidc?next=${encodeURIComponent(next)}`);
    await page.getByLabel('Name at Example Login').fill(name);
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(page).toHaveURL(hubPath(world.a));
    await context.close();
  }
  const { context, page } = await openBrowser(browser);
  await page.route('http://elsewhere.example/', (route) =>
    route.fulfill({ contentType: 'text/html', body: `<a href="${node.baseURL}/login/oidc?next=/account">x</a>` })
  );
  await page.goto('http://elsewhere.example/');
  await page.getByRole('link').click();
  await expect(page).toHaveURL(`${node.baseURL}/login?next=%2Faccount`);
  expect((await context.cookies()).filter(({ name: of }) => of === 'watchfloor-oidc')).toEqual([]);
  await context.close();
});

test('what is replayed, of another browser, over or declined is said on the sign-in page, and signs nobody in', async ({
  browser
}) => {
  const name = somebody(['noc']);
  const { context, page } = await openBrowser(browser);
  let back = '';
  page.on('request', (request) => {
    if (request.url().includes('/login/oidc/callback?')) back = request.url();
  });
  const isIn = async (): Promise<boolean> => (await context.cookies()).some(({ name: of }) => of === 'watchfloor');
  // A page that is open would go to sign in by itself.
  const leave = async (): Promise<void> => {
    await page.goto('about:blank');
    await context.clearCookies({ name: 'watchfloor' });
  };
  const refused = async (url: string, words: string): Promise<void> => {
    await page.goto(url);
    await expect(page.getByRole('alert')).toContainText(words);
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toMatch(/^\/login\?oidc=\w+$/);
    expect(await isIn()).toBe(false);
  };
  await signIn(page, name);
  const replayed = back;
  expect(replayed).toContain('code=');
  await leave();
  await refused(replayed, 'was begun in another window');

  // One that was begun here, and a way back of another browser.
  await page.goto('/login');
  await button(page).click();
  await page.waitForURL((url) => url.origin === node.baseURL && url.pathname !== '/login');
  await leave();
  await page.goto('/login/oidc/callback?code=x&state=of-another');
  await expect(page.getByRole('alert')).toContainText('another window');

  // Sealed by us, eleven minutes ago.
  const { rows } = await world.owner.query<{ value: Buffer }>(
    `select value from watchfloor.secrets where name = 'token_key'`
  );
  const old = { state: 'a-state-of-then', nonce: 'n', verifier: 'v', next: null, expiresAt: Date.now() - 60_000 };
  const value = toTransactionSeal(rows[0]!.value).seal(old);
  await context.addCookies([{ name: 'watchfloor-oidc', value, url: node.baseURL }]);
  await refused(`/login/oidc/callback?code=x&state=${old.state}`, 'it took too long');

  provider.whoComes = '';
  await context.clearCookies();
  await page.goto('/login');
  await button(page).click();
  await expect(page.getByRole('alert')).toContainText(`${LABEL} did not sign you in`);
  provider.whoComes = null;
  await context.close();
});

test('who was disabled here and who never had access are told the same', async ({ browser }) => {
  const [leaver, nobody] = [somebody(['noc']), somebody([])];
  const first = await openBrowser(browser);
  await signIn(first.page, leaver);
  await expect(first.page).toHaveURL(hubPath(world.a));
  await disableUser(world.owner, { email: `${leaver}@corp.test` });
  await expect(first.page).toHaveURL(/\/login/);
  const said: string[] = [];
  for (const name of [leaver, nobody]) {
    const { context, page } = await openBrowser(browser);
    await signIn(page, name);
    said.push(`${new URL(page.url()).search} ${await page.getByRole('alert').innerText()}`);
    await context.close();
  }
  expect(said[0]).toContain('no access');
  expect(said[1]).toBe(said[0]);
  await first.context.close();
});

test('while the provider is away the page says so, passwords are as ever, and it is found again', async ({
  browser
}) => {
  const name = somebody(['noc']);
  await provider.close();
  const lonely = await startInstance({
    databaseUrl: sharedDatabaseUrl(),
    environment: settings()
  });
  try {
    const context = await browser.newContext({ baseURL: lonely.baseURL });
    const page = await context.newPage();
    await page.goto('/login?next=%2Faccount');
    await button(page).click();
    await expect(page).toHaveURL(`${lonely.baseURL}/login?oidc=away&next=%2Faccount`);
    await expect(page.getByRole('alert')).toContainText(
      `Signing in with ${LABEL} did not work: it does not answer as it should. Try again in a moment, or sign in with your password.`
    );
    await expect(page.getByLabel('Password')).toBeVisible();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations, colorScheme).toEqual([]);
    }
    expect(linesOf(logOf(lonely))).toContainEqual(
      expect.objectContaining({
        msg: 'denied',
        door: 'sign-in',
        why: 'identity provider',
        reason: expect.stringContaining('ECONNREFUSED')
      })
    );
    await context.close();
  } finally {
    await lonely.remove();
    await startAgain();
  }
  const { context, page } = await openBrowser(browser);
  await signIn(page, name);
  await expect(page).toHaveURL(hubPath(world.a));
  await context.close();
});

test('without a provider its addresses are like any that lead nowhere, and nothing is offered', async ({
  baseURL,
  page
}) => {
  const asker = openAsker(baseURL!);
  try {
    const headers = { accept: 'text/html' };
    for (const path of ['/login/oidc', '/login/oidc?next=/admin', '/login/oidc/callback?code=x&state=y']) {
      // As deep: pages name their files from where they are.
      const lost = path.includes('callback') ? '/login/nothing/here' : '/nothing/here';
      const [answer, nowhere] = [await asker.ask({ path, headers }), await asker.ask({ path: lost, headers })];
      expect(answer.status).toMatch(/^404/);
      expect(timeless(answer, [path]), path).toEqual(timeless(nowhere, [lost]));
    }
  } finally {
    asker.close();
  }
  await page.goto('/login?oidc=away');
  await expect(page.getByRole('link', { name: /^Sign in with/ })).toHaveCount(0);
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('who signed in stands in the log, and no code, state, cookie or secret does', async ({ browser }) => {
  const name = somebody(['noc']);
  const { context, page } = await openBrowser(browser);
  await signIn(page, name);
  for (const { value } of await context.cookies()) if (value.length > 12) secrets.add(value);
  await context.close();
  const output = node.output();
  expect(linesOf(logOf(node))).toContainEqual(
    expect.objectContaining({ msg: 'signed in', person: await personOf(name), session: expect.any(String) })
  );
  expect(secrets.size).toBeGreaterThan(10);
  expect([...secrets].map((secret) => findCanary(output, secret)).filter(Boolean)).toEqual([]);
});
