/**
 * Passkeys in a real browser with a device that Chromium plays: made on one's account, used to sign in, renamed, removed. By
 * the name localhost, since an address can have none.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { CDPSession, Page } from '@playwright/test';
import { makeRecoveryCodes, toRecoveryHash } from '../src/lib/server/access/authenticator-codes.ts';
import { makeSession, type TestPerson, type World } from '../tests/harness/world.ts';
import { untilLive } from './harness/hub-page.ts';
import { DEMO_PASSWORD } from './harness/instance.ts';
import { addMember } from './harness/people.ts';
import { expect, hubPath, test } from './harness/test.ts';

async function expectClean(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations, `${what}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

const byName = (baseURL: string): string => baseURL.replace('127.0.0.1', 'localhost');

/** A phone or laptop with a screen lock, in this page. */
async function addDevice(page: Page): Promise<{ cdp: CDPSession; id: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true
    }
  });
  return { cdp, id: authenticatorId };
}

async function begin(page: Page, password = DEMO_PASSWORD): Promise<void> {
  await page.goto('/account/passkeys');
  await page.locator('#current-0').fill(password);
  await page.getByRole('button', { name: 'Go on' }).click();
}
async function make(page: Page, name: string): Promise<void> {
  await begin(page);
  await page.getByLabel('Name, to know it by').fill(name);
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  await expect(page).toHaveURL('/account?done=passkey-added');
}

test('a passkey is made with the password, ends other sessions, and signs in without password and code', async ({
  world,
  open,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const there = await open(await makeSession(world.owner, person.id), hubPath(world.a));
  await untilLive(there.page);
  const { page, context } = await open(person, '/account', { baseURL: byName(baseURL!) });
  await addDevice(page);
  await page.getByRole('link', { name: 'Add a passkey' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Passkeys' })).toBeVisible();
  await expectClean(page, 'no passkey yet');
  await begin(page, 'not my password at all');
  await expect(page.getByRole('alert')).toHaveText('This is not your password.');
  await begin(page);
  await expect(page.getByLabel('Name, to know it by')).toHaveValue('Chrome on Linux');
  await expectClean(page, 'a passkey to be made');
  await make(page, 'My laptop');
  await expect(there.page).toHaveURL(/\/login/);
  await expect(page.getByText('My laptop')).toBeVisible();
  await expectClean(page, 'account with a passkey');

  // Somebody with an authenticator app, too: the passkey is both factors.
  await world.owner.query(
    `insert into watchfloor.authenticators (user_id, sealed, last_step) values ($1, '\\x01', 0)`,
    [person.id]
  );
  await context.clearCookies();
  await page.goto('/login?next=%2Faccount');
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeVisible();
  await expectClean(page, 'login with passkeys');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page).toHaveURL('/account');
  await expect(page.getByText(/Made .*, last used/)).toBeVisible();
  const cookies = (await context.cookies()).map(({ name }) => name);
  expect(cookies).toContain('watchfloor');
  expect(cookies).not.toContain('watchfloor-passkey');
});

test('a passkey is renamed and removed with the password; then it signs nobody in', async ({
  world,
  open,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { page, context } = await open(person, '/account', { baseURL: byName(baseURL!) });
  await addDevice(page);
  await make(page, 'My laptop');
  const change = async (button: 'Rename' | 'Remove', password: string): Promise<void> => {
    const item = page.getByRole('listitem').filter({ hasText: 'Change' });
    await item.getByLabel('Password that you have').fill(password);
    await item.getByRole('button', { name: button }).click();
  };
  await page.goto('/account/passkeys');
  await page.locator('summary').filter({ hasText: 'My laptop' }).click();
  await expectClean(page, 'a passkey to be changed');
  await page.getByLabel('Name', { exact: true }).fill('Work laptop');
  await change('Rename', 'not my password at all');
  await expect(page.getByRole('alert')).toHaveText('This is not your password.');
  await expectClean(page, 'a passkey with a wrong password');
  await page.getByLabel('Name', { exact: true }).fill('Work laptop');
  await change('Rename', DEMO_PASSWORD);
  await expect(page).toHaveURL('/account?done=passkey-renamed');
  await expect(page.getByText('Work laptop')).toBeVisible();
  const before = (await context.cookies()).find(({ name }) => name === 'watchfloor')!.value;
  await page.goto('/account/passkeys');
  await page.locator('summary').filter({ hasText: 'Work laptop' }).click();
  await change('Remove', DEMO_PASSWORD);
  await expect(page).toHaveURL('/account?done=passkey-removed');
  await expect(page.getByText('Work laptop')).toHaveCount(0);
  expect((await context.cookies()).find(({ name }) => name === 'watchfloor')!.value).not.toBe(before);

  await context.clearCookies();
  await page.goto('/login');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toContainText('does not belong to an active account');
  await expectClean(page, 'a passkey that was removed');
});

/** An app whose codes nobody knows, and a recovery code that counts. */
async function addApp(world: World, { id }: TestPerson): Promise<string> {
  const [code] = makeRecoveryCodes();
  await world.owner.query(
    `with app as (insert into watchfloor.authenticators (user_id, sealed, last_step) values ($1, '\\x01', 0))
     insert into watchfloor.recovery_codes (user_id, code_hash) values ($1, $2)`,
    [id, toRecoveryHash(code!)]
  );
  return code!;
}
const countChallenges = async (world: World, { id }: TestPerson): Promise<number> =>
  (
    await world.owner.query<{ n: number }>(
      `select count(*) as n from watchfloor.passkey_challenges c join sessions s on s.id = c.session_id
       where s.user_id = $1`,
      [id]
    )
  ).rows[0]!.n;

test('where an app is asked for at signing in, it is for a passkey, too: the password alone makes none, scripts or not', async ({
  world,
  open,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { page } = await open(person, '/account/passkeys', { baseURL: byName(baseURL!), javaScriptEnabled: false });
  const code = page.getByLabel('Code of your authenticator app, or a recovery code');
  const password = page.locator('#current-0');
  const goOn = () => page.getByRole('button', { name: 'Go on' }).click();
  await expect(password).toBeVisible();
  await expect(code, 'who has no app is asked for no code').toHaveCount(0);
  const recoveryCode = await addApp(world, person);
  // The page from before has no such field.
  await password.fill(DEMO_PASSWORD);
  await goOn();
  await expect(page.getByRole('alert')).toHaveText('Enter a code of the app, or a recovery code.');
  await password.fill(DEMO_PASSWORD);
  await code.fill('000000');
  await goOn();
  await expect(page.getByRole('alert')).toContainText('cannot be checked here');
  await password.fill('not my password at all');
  await code.fill(recoveryCode);
  await goOn();
  await expect(page.getByRole('alert')).toHaveText('This is not your password.');
  expect(await countChallenges(world, person)).toBe(0);
  await password.fill(DEMO_PASSWORD);
  await code.fill(recoveryCode);
  await goOn();
  await expect(page.getByRole('button', { name: 'Make the passkey' })).toBeVisible();
  expect(await countChallenges(world, person)).toBe(1);
  await page.goto('/account/passkeys');
  await password.fill(DEMO_PASSWORD);
  await code.fill(recoveryCode);
  await goOn();
  await expect(page.getByRole('alert'), 'it counts once').toContainText('was used already');
});

test('Enter in the name of a passkey makes it, as its button does', async ({ world, open, baseURL }) => {
  const person = await addMember(world, 'operator');
  const { page } = await open(person, '/account', { baseURL: byName(baseURL!) });
  await addDevice(page);
  await begin(page);
  await expect(page.getByRole('button', { name: 'Make the passkey' })).toBeEnabled();
  await page.getByLabel('Name, to know it by').press('Enter');
  await expect(page).toHaveURL('/account?done=passkey-added');
});

test('a passkey that is gone meanwhile is said to be, though it is not in the list any more', async ({
  world,
  open,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  await world.owner.query(
    `insert into watchfloor.passkeys (user_id, credential_id, public_key, user_handle, counter, transports, name)
     values ($1, $2, '', 'x', 0, '{}', 'My laptop')`,
    [person.id, `gone-${person.id}`]
  );
  const { page } = await open(person, '/account/passkeys', { baseURL: byName(baseURL!) });
  await page.locator('summary').filter({ hasText: 'My laptop' }).click();
  await world.owner.query('delete from watchfloor.passkeys where user_id = $1', [person.id]);
  const item = page.getByRole('listitem').filter({ hasText: 'Change' });
  await item.getByLabel('Password that you have').fill(DEMO_PASSWORD);
  await item.getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByRole('alert')).toHaveText('This passkey is not there any more.');
  await expectClean(page, 'a passkey that is gone');
});

test('without the person’s PIN, face or finger, and without a passkey, nobody is signed in', async ({
  world,
  open,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { page, context } = await open(person, '/account', { baseURL: byName(baseURL!) });
  const { cdp, id } = await addDevice(page);
  await make(page, 'My laptop');
  await context.clearCookies();
  await page.goto('/login');
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: false });
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toContainText('No passkey was used');
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: true });
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page).toHaveURL(/\/admin/);
});

test('a copy of a device, whose counter is behind, is refused', async ({ world, open, baseURL }) => {
  const person = await addMember(world, 'operator');
  const { page, context } = await open(person, '/account', { baseURL: byName(baseURL!) });
  const { cdp, id } = await addDevice(page);
  await make(page, 'My laptop');
  const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId: id });
  await world.owner.query('update watchfloor.passkeys set counter = counter + 1000 where user_id = $1', [person.id]);
  expect(credentials).toHaveLength(1);
  await context.clearCookies();
  await page.goto('/login');
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toContainText('does not belong to an active account');
  await expect(page).toHaveURL('/login');
});

test('by an address there are no passkeys, and the account says why; without scripts none are offered', async ({
  world,
  open,
  browser,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { page } = await open(person, '/account');
  await expect(page.getByText(/in place of an address: open http:\/\/localhost:\d+ instead\./)).toBeVisible();
  await expect(page.getByRole('link', { name: 'Add a passkey' })).toHaveCount(0);
  await expectClean(page, 'account by an address');
  for (const options of [{ baseURL: baseURL! }, { baseURL: byName(baseURL!), javaScriptEnabled: false }]) {
    const context = await browser.newContext(options);
    const login = await context.newPage();
    await login.goto('/login');
    await expect(login.getByRole('button', { name: 'Sign in', exact: true })).toBeVisible();
    await expect(login.getByRole('button', { name: 'Sign in with a passkey' })).toHaveCount(0);
    await context.close();
  }
});
