/**
 * The second factor in a real browser: an authenticator app set up and turned off on one's account, signing in with its
 * codes and with recovery codes, scripts or not.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { Secret, TOTP } from 'otpauth';
import type { TestPerson, World } from '../tests/harness/world.ts';
import { makeSession } from '../tests/harness/world.ts';
import { untilLive } from './harness/hub-page.ts';
import { DEMO_PASSWORD } from './harness/instance.ts';
import { addMember } from './harness/people.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

async function expectClean(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations, `${what}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

const codeOf = (secret: string): string => TOTP.generate({ secret: Secret.fromBase32(secret.replaceAll(/\s/g, '')) });
const wrongOf = (secret: string): string => {
  const near = [-30_000, 0, 30_000].map((shift) =>
    TOTP.generate({ secret: Secret.fromBase32(secret.replaceAll(/\s/g, '')), timestamp: Date.now() + shift })
  );
  return ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code))!;
};
/** As if the last code had been used some minutes ago: the present one counts. */
const later = (world: World, { id }: TestPerson) =>
  world.owner.query('update watchfloor.authenticators set last_step = last_step - 10 where user_id = $1', [id]);

/** On the account, from the page that asks for the password on. */
async function setUp(page: Page): Promise<{ secret: string; usedCode: string; recoveryCodes: string[] }> {
  await page.goto('/account/authenticator');
  await page.getByLabel('Password that you have').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Go on' }).click();
  const secret = await page.locator('.secret').innerText();
  const usedCode = codeOf(secret);
  await page.getByLabel('Six digits that the app shows').fill(usedCode);
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByText('Your authenticator app is on.')).toBeVisible();
  return { secret, usedCode, recoveryCodes: await page.locator('.codes li').allInnerTexts() };
}

/** A browser in which nobody is signed in, on the page that asks for a code. */
async function enterPassword(
  browser: Browser,
  baseURL: string,
  person: TestPerson,
  { hasScripts = true, next = '/account' } = {}
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({ baseURL, javaScriptEnabled: hasScripts });
  const page = await context.newPage();
  await page.goto(`/login?next=${encodeURIComponent(next)}`);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Enter your code');
  return { page, context };
}
/**
 * Ends when the answer is there, whatever it is: forms are plain, so the page of the answer before looks like it, and what
 * is typed into a page that is about to go is lost.
 */
async function enterCode(page: Page, code: string): Promise<void> {
  await page.getByLabel(/Six digits|Recovery code/).fill(code);
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  const loaded = page.waitForEvent('load');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await Promise.all([answer, loaded]);
}

test('an app is set up with the password and its first code; other browsers are signed out; codes are shown once', async ({
  world,
  open
}) => {
  const person = await addMember(world, 'operator');
  const there = await open(await makeSession(world.owner, person.id), hubPath(world.a));
  await untilLive(there.page);
  const { page, context } = await open(person, '/account');
  const before = (await context.cookies()).find(({ name }) => name === 'watchfloor')!.value;
  await page.getByRole('link', { name: 'Set up an authenticator app' }).click();
  await expectClean(page, 'the password is asked for');
  await page.getByLabel('Password that you have').fill('not my password at all');
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByRole('alert')).toHaveText('This is not your password.');
  await page.getByLabel('Password that you have').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(page.getByRole('img', { name: 'QR code for an authenticator app' })).toBeVisible();
  const secret = await page.locator('.secret').innerText();
  const link = await page.getByRole('link', { name: 'open it on this device' }).getAttribute('href');
  expect(new URL(link!).searchParams.get('secret')).toBe(secret.replaceAll(' ', ''));
  await expectClean(page, 'the secret is shown');
  const digits = page.getByLabel('Six digits that the app shows');
  await expect(digits).toHaveAttribute('inputmode', 'numeric');
  await digits.fill(wrongOf(secret));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByRole('alert')).toContainText('This code is not right');
  await expectClean(page, 'a wrong first code');
  await expect(page.locator('.secret'), 'the same is tried again').toHaveText(secret);
  await page.getByLabel('Six digits that the app shows').fill(codeOf(secret));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.locator('.codes li')).toHaveCount(10);
  await expectClean(page, 'recovery codes');
  await expect(there.page).toHaveURL(/\/login/);
  expect((await context.cookies()).find(({ name }) => name === 'watchfloor')!.value).not.toBe(before);
  await page.getByRole('link', { name: 'I kept them' }).click();
  await expect(page).toHaveURL('/account');
  await expect(page.getByText('10 of 10 recovery codes are left.')).toBeVisible();
  await expectClean(page, 'account with a second factor');
  await page.goto('/account/authenticator');
  await expect(page.locator('.codes')).toHaveCount(0);
  await expect(page.locator('.secret')).toHaveCount(0);
  await expectClean(page, 'to be turned off');
});

test('signing in asks for a code, without scripts, too: a wrong one is said, a right one counts once', async ({
  world,
  open,
  browser,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { secret } = await setUp((await open(person, '/account')).page);
  await later(world, person);
  const next = hubPath(world.a, '?activeTab=failed');
  const plain = await enterPassword(browser, baseURL!, person, { hasScripts: false, next });
  const { page } = plain;
  const field = page.getByLabel('Six digits');
  await expect(field).toHaveAttribute('autocomplete', 'one-time-code');
  await expect(field).toHaveAttribute('inputmode', 'numeric');
  expect((await plain.context.cookies()).map(({ name }) => name)).toContain('watchfloor-second');
  expect((await plain.context.cookies()).map(({ name }) => name)).not.toContain('watchfloor');
  await page.goto('/admin');
  await expect(page, 'nobody is signed in yet').toHaveURL('/login');
  await page.goto(`/login/second?next=${encodeURIComponent(next)}`);
  await enterCode(page, wrongOf(secret));
  await expect(page.getByRole('alert')).toContainText('This code is not right');
  const other = await enterPassword(browser, baseURL!, person);
  const code = codeOf(secret);
  await enterCode(page, code);
  await expect(page).toHaveURL(next);
  expect((await plain.context.cookies()).map(({ name }) => name)).not.toContain('watchfloor-second');
  await enterCode(other.page, code);
  await expect(other.page.getByRole('alert'), 'the same once more').toContainText('was used already');
  await expectClean(other.page, 'a code that was used');
  await plain.context.close();
  await other.context.close();
});

test('a recovery code signs in once', async ({ world, open, browser, baseURL }) => {
  const person = await addMember(world, 'operator');
  const { recoveryCodes } = await setUp((await open(person, '/account')).page);
  const typed = recoveryCodes[0]!.toLowerCase().replaceAll('-', '');
  const { page, context } = await enterPassword(browser, baseURL!, person);
  await expectClean(page, 'a code is asked for');
  await page.getByRole('link', { name: 'Use a recovery code instead' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Enter a recovery code');
  await expectClean(page, 'a recovery code is asked for');
  await enterCode(page, typed);
  await expect(page).toHaveURL('/account');
  await expect(page.getByText('9 of 10 recovery codes are left.')).toBeVisible();
  await context.close();
  const again = await enterPassword(browser, baseURL!, person);
  await again.page.getByRole('link', { name: 'Use a recovery code instead' }).click();
  await expect(again.page.getByRole('heading', { level: 1 })).toHaveText('Enter a recovery code');
  await enterCode(again.page, typed);
  await expect(again.page.getByRole('alert')).toContainText('was used already');
  await again.page.getByRole('link', { name: 'Use a code of the app instead' }).click();
  await expect(again.page.getByRole('heading', { level: 1 })).toHaveText('Enter your code');
  await again.context.close();
});

test('too many wrong codes wait; what took too long begins again; without a password there is no second page', async ({
  world,
  open,
  browser,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { secret } = await setUp((await open(person, '/account')).page);
  await later(world, person);
  const { page, context } = await enterPassword(browser, baseURL!, person);
  for (let tries = 0; tries < 5; tries++) {
    await enterCode(page, wrongOf(secret));
    await expect(page.getByRole('alert')).toContainText('This code is not right');
  }
  await enterCode(page, codeOf(secret));
  await expect(page.getByRole('alert')).toHaveText('Too many wrong codes. Try again in a minute.');
  await expectClean(page, 'too many wrong codes');
  await world.owner.query('update watchfloor.pending_sign_ins set expires_at = now() where user_id = $1', [person.id]);
  await enterCode(page, codeOf(secret));
  await expect(page).toHaveURL('/login?over=1&next=%2Faccount');
  await expect(page.getByRole('status').filter({ hasText: 'longer than five minutes' })).toBeVisible();
  await expectClean(page, 'it took too long');
  await context.close();
  const stranger = await browser.newContext({ baseURL: baseURL! });
  const fresh = await stranger.newPage();
  await fresh.goto('/login/second');
  await expect(fresh).toHaveURL('/login');
  await stranger.close();
});

test('a second "Turn on" is not sent, and one that is answers nothing that signs this browser out', async ({
  world,
  open,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const begin = async (page: Page): Promise<string> => {
    await page.goto('/account/authenticator');
    await page.getByLabel('Password that you have').fill(DEMO_PASSWORD);
    await page.getByRole('button', { name: 'Go on' }).click();
    return page.locator('.secret').innerText();
  };
  const { page } = await open(person, '/account');
  const secret = await begin(page);
  let sent = 0;
  const twice = page.waitForEvent('console', (message) => message.text() === 'clicked twice');
  await page.route('**/account/authenticator?/confirm', async (route) => {
    sent++;
    await twice;
    await route.continue();
  });
  await page.getByLabel('Six digits that the app shows').fill(codeOf(secret));
  // By the page itself: Playwright's second click would wait for what the first began.
  await page.getByRole('button', { name: 'Turn on' }).evaluate((button: HTMLButtonElement) => {
    button.click();
    setTimeout(() => {
      button.click();
      console.log('clicked twice');
    }, 100);
  });
  await expect(page.locator('.codes li')).toHaveCount(10);
  expect(sent).toBe(1);

  // Without scripts nothing holds it back.
  const other = await addMember(world, 'operator');
  const there = await open(other, '/account', { javaScriptEnabled: false });
  const body = new URLSearchParams({ code: codeOf(await begin(there.page)) });
  const confirm = () =>
    fetch(new URL('/account/authenticator?/confirm', baseURL), {
      method: 'POST',
      headers: { cookie: other.cookie, origin: new URL(baseURL!).origin, accept: 'text/html' },
      body,
      redirect: 'manual'
    });
  const answers = [...(await Promise.all([confirm(), confirm()])), await confirm()];
  const cookies = answers.map(({ headers }) => headers.getSetCookie().filter((one) => one.startsWith('watchfloor=')));
  expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
  expect(cookies.flat(), 'one new session, and no blank cookie').toHaveLength(1);
  expect(cookies.flat()[0]).toMatch(/^watchfloor=[\w-]{43};/);
  expect(answers[2]!.headers.get('location')).toContain('/login');
});

test('a cookie that went with its five minutes leads back to where one wanted to go', async ({
  world,
  open,
  browser,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  await setUp((await open(person, '/account')).page);
  const { page, context } = await enterPassword(browser, baseURL!, person);
  await context.clearCookies();
  await page.goto('/login/second?with=recovery&next=%2Faccount');
  await expect(page).toHaveURL('/login?over=1&next=%2Faccount');
  await expect(page.getByRole('status').filter({ hasText: 'longer than five minutes' })).toBeVisible();
  await page.goto('/login/second?with=recovery');
  await expect(page).toHaveURL('/login?over=1');
  await page.goto('/login/second?next=https%3A%2F%2Fevil.example');
  await expect(page).toHaveURL('/login?over=1');
  await context.close();
});

test('an app is turned off with the password and a code; then the password alone signs in', async ({
  world,
  open,
  browser,
  baseURL
}) => {
  const person = await addMember(world, 'operator');
  const { page, context } = await open(person, '/account');
  const { secret, usedCode } = await setUp(page);
  const turnOff = async (password: string, code: string): Promise<void> => {
    await page.goto('/account/authenticator');
    await page.getByLabel('Password that you have').fill(password);
    await page.getByLabel('Code of the app, or a recovery code').fill(code);
    await page.getByRole('button', { name: 'Turn off' }).click();
  };
  await turnOff('not my password at all', codeOf(secret));
  await expect(page.getByRole('alert')).toHaveText('This is not your password.');
  await turnOff(DEMO_PASSWORD, usedCode);
  await expect(page.getByRole('alert'), 'the one that turned it on').toContainText('was used already');
  await later(world, person);
  const other = await browser.newContext({ baseURL: baseURL! });
  await other.addCookies([toCookie(await makeSession(world.owner, person.id), baseURL!)]);
  await turnOff(DEMO_PASSWORD, codeOf(secret));
  await expect(page).toHaveURL('/account?done=authenticator-removed');
  await expect(page.getByRole('status').filter({ hasText: 'password alone' })).toBeVisible();
  expect((await other.request.get('/account', { maxRedirects: 0 })).status(), 'other sessions end').toBe(303);
  await other.close();
  await context.clearCookies();
  await page.goto('/login?next=%2Faccount');
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/account');
});
