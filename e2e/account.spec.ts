/** One's own account in a real browser: sessions that are ended elsewhere, another password, and how this browser shows. */
import { AxeBuilder } from '@axe-core/playwright';
import { insertOperation, makeSession } from '../tests/harness/world.ts';
import { untilLive } from './harness/hub-page.ts';
import { DEMO_PASSWORD } from './harness/instance.ts';
import { addMember, signIn } from './harness/people.ts';
import { expect, hubPath, test } from './harness/test.ts';

test('the menu of one’s name leads to the account, which is clean in light and dark', async ({ world, open }) => {
  const person = await addMember(world, 'operator');
  await makeSession(world.owner, person.id);
  const { page } = await open(person, hubPath(world.a));
  await page.locator('summary', { hasText: 'operator-person' }).click();
  await page.getByRole('link', { name: 'Account' }).click();
  await expect(page).toHaveURL('/account');
  await expect(page.getByRole('heading', { level: 1, name: 'Account' })).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations, colorScheme).toEqual([]);
  }
});

test('a session that is ended elsewhere takes its open page with it, and this one stays', async ({ world, open }) => {
  const person = await addMember(world, 'operator');
  const other = await makeSession(world.owner, person.id);
  const there = await open(other, hubPath(world.a));
  await untilLive(there.page);
  const { page } = await open(person, '/account');
  await expect(page.getByRole('listitem').filter({ hasText: 'this browser' })).toHaveCount(1);
  await page.getByRole('button', { name: /^End/ }).click();
  await expect(page.getByRole('status').filter({ hasText: 'has ended' })).toBeVisible();
  await expect(page.getByRole('button', { name: /^End/ })).toHaveCount(0);
  await expect(there.page).toHaveURL(/\/login/);
  await page.reload();
  await expect(page).toHaveURL('/account?done=session');
});

test('another password: what is wrong is said beside its field, and then one is signed in here alone', async ({
  world,
  open,
  page: fresh
}) => {
  const person = await addMember(world, 'operator');
  const other = await makeSession(world.owner, person.id);
  const there = await open(other, hubPath(world.a));
  await untilLive(there.page);
  const { page, context } = await open(person, '/account');
  const before = (await context.cookies()).find(({ name }) => name === 'watchfloor')!.value;
  const change = async (current: string, next: string, again = next): Promise<void> => {
    await page.getByLabel('Password that you have').fill(current);
    await page.getByLabel('New password', { exact: true }).fill(next);
    await page.getByLabel('New password, once more').fill(again);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await change(DEMO_PASSWORD, 'Password123!');
  await expect(page.getByRole('alert')).toContainText('tried first');
  await change(DEMO_PASSWORD, 'five other random words', 'five other random word');
  await expect(page.getByRole('alert')).toContainText('not the same');
  await change('not my password at all', 'five other random words');
  await expect(page.getByRole('alert')).toContainText('not your password');
  await change(DEMO_PASSWORD, 'five other random words');
  await expect(page.getByRole('status').filter({ hasText: 'Your password was changed' })).toBeVisible();
  await expect(there.page).toHaveURL(/\/login/);
  const after = (await context.cookies()).find(({ name }) => name === 'watchfloor')!.value;
  expect(after).not.toBe(before);
  await page.goto(hubPath(world.a));
  await untilLive(page);

  await fresh.goto('/login');
  await fresh.getByLabel('Email').fill(person.email);
  await fresh.getByLabel('Password').fill('five other random words');
  await fresh.getByRole('button', { name: 'Sign in' }).click();
  await expect(fresh).toHaveURL(/\/admin/);
});

test('colours and zone are this browser’s own choice, also without scripts', async ({ world, browser, baseURL }) => {
  const person = await addMember(world, 'operator');
  await insertOperation(world.writer, world.a, world.a1);
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL: baseURL! });
  const page = await context.newPage();
  await signIn(page, person, '/account');
  await page.getByRole('radio', { name: 'Dark' }).check();
  await page.getByLabel('Time zone').selectOption('Pacific/Auckland');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved for this browser.')).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(
    page.getByText(/Times in NZ|Times in .*Auckland|Times in GMT\+1[23]|Times in .*New Zealand/)
  ).toBeVisible();
  const state = await context.storageState();
  await context.close();

  // With scripts, whose browser is in another zone: what was chosen stays.
  const scripted = await browser.newContext({ storageState: state, baseURL: baseURL!, timezoneId: 'Europe/Vienna' });
  const again = await scripted.newPage();
  await again.goto('/account');
  await expect(again.getByLabel('Time zone')).toHaveValue('Pacific/Auckland');
  await expect(again.getByRole('option', { name: /The browser’s \(Europe\/Vienna\)/ })).toBeAttached();
  await expect(again.getByText(/Times in .*(NZ|GMT\+1[23])/)).toBeVisible();
  await again.getByLabel('Time zone').selectOption('');
  await again.getByLabel('As the system').check();
  await again.getByRole('button', { name: 'Save' }).click();
  await expect(again.getByText(/Times in .*(CET|GMT\+[12]\b)/)).toBeVisible();
  await expect(again.locator('html')).toHaveAttribute('data-theme', 'system');
  await scripted.close();
});

test('after another password, whoever has passkeys is told that those still sign in', async ({ world, open }) => {
  const person = await addMember(world, 'operator');
  const { page } = await open(person, '/account?done=password');
  const done = page.getByRole('status').filter({ hasText: 'Your password was changed' });
  await expect(done).not.toContainText('passkey');
  await world.owner.query(
    `insert into watchfloor.passkeys (user_id, credential_id, public_key, user_handle, counter, transports, name)
     values ($1, $2, '', 'x', 0, '{}', 'My laptop')`,
    [person.id, `told-${person.id}`]
  );
  await page.reload();
  await expect(done).toContainText('Your passkeys still sign you in: remove those that you do not know.');
});

test('whoever enters the password while it is changed elsewhere is signed in nowhere, and told to sign in again', async ({
  world,
  page
}) => {
  const person = await addMember(world, 'operator');
  const changing = await world.owner.connect();
  const { rows } = await changing.query<{ pid: number }>('select pg_backend_pid() as pid');
  await changing.query('begin');
  await changing.query('update users set sign_outs = sign_outs + 1 where id = $1', [person.id]);
  await page.goto('/login?next=%2Faccount');
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(DEMO_PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click({ noWaitAfter: true });
  // The password was right, and the session waits for the row.
  const waiting = () =>
    world.owner.query('select from pg_locks l where not granted and $1 = any (pg_blocking_pids(l.pid))', [
      rows[0]!.pid
    ]);
  await expect.poll(async () => (await waiting()).rowCount).toBeGreaterThan(0);
  await changing.query('commit');
  changing.release();
  await expect(page).toHaveURL('/login?out=1&next=%2Faccount');
  await expect(page.getByRole('status').filter({ hasText: 'signed you out everywhere' })).toBeVisible();
  expect((await page.context().cookies()).map(({ name }) => name)).not.toContain('watchfloor');
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations).toEqual([]);
});
