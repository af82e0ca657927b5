/**
 * Wall displays, with two real browsers: one shows a code, the other approves it as a person does. What the display sees
 * is its scope and nothing else, whatever is done to it takes effect within a second or two, and it never loads anything
 * but itself.
 */
import { openScreen, pair, readCode, untilWallLive, type TestScreen } from './harness/displays.ts';
import { addMember } from './harness/people.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, test, type Seat } from './harness/test.ts';

test.describe.configure({ timeout: 90_000 });

let screen: TestScreen;
let admin: Seat;
test.beforeEach(async ({ browser, baseURL, open, world }) => {
  await reportEnd(world, world.a1, 'failed');
  await reportEnd(world, world.a2, 'blocked');
  screen = await openScreen(browser, baseURL!);
  admin = await open(await addMember(world, 'manager'), '/admin');
});
test.afterEach(() => screen.context.close());

/** To the page of this display. */
async function openDisplay(name: string): Promise<void> {
  await admin.page.getByRole('link', { name }).click();
  await expect(admin.page.getByRole('heading', { level: 1, name })).toBeVisible();
}

test('a screen is paired by its code, shows the workspace live within two seconds, and hears of a follow-up by itself', async ({
  world
}) => {
  const code = await readCode(screen.page);
  await admin.page.goto(`/pair?code=${code}`);
  await expect(admin.page.getByText('This screen asks to be a display')).toBeVisible();
  await expect(admin.page.getByText('1920 × 1080')).toBeVisible();
  await expect(admin.page.getByText(/Chromium \d+ on/)).toBeVisible();
  await pair(admin.page, world.a, code, { name: 'NOC, left' });
  await expect(screen.page.locator('main.wall[data-state]')).toBeVisible({ timeout: 2_000 });
  await untilWallLive(screen.page);
  await expect(screen.page.locator('main')).toContainText('a1');
  await expect(screen.page.locator('main')).toContainText('a2');
  await expect(screen.page.locator('main')).toContainText(/Follow-up\s*2/);
  await reportEnd(world, world.a3, 'failed');
  await expect(screen.page.locator('main')).toContainText(/Follow-up\s*3/, { timeout: 3_000 });
  expect(screen.loads).toHaveLength(1);
  // What it said of itself stands in the list.
  await expect(admin.page.locator('.row').filter({ hasText: 'NOC, left' })).toContainText(/Live.*proof/, {
    timeout: 30_000
  });
});

test('a code works once, and a wrong one finds nothing', async ({ world }) => {
  const code = await readCode(screen.page);
  await pair(admin.page, world.a, code, { name: 'Once' });
  for (const tried of [code, code === 'BBBBBBBB' ? 'CCCCCCCC' : 'BBBBBBBB', 'no code at all']) {
    await admin.page.goto(`/admin/workspaces/${world.a}/displays?code=${encodeURIComponent(tried)}`);
    await expect(admin.page.getByRole('alert')).toContainText('No screen waits under this code.');
  }
});

test('a display for some environments shows these alone, also after its scope was changed, within a second', async ({
  world
}) => {
  await pair(admin.page, world.a, await readCode(screen.page), { name: 'Narrow', environments: ['a1'] });
  await untilWallLive(screen.page);
  const wall = screen.page.locator('main');
  await expect(wall).toContainText('a1');
  await expect(wall).not.toContainText('a2');
  const { rows } = await world.owner.query<{ id: number }>(
    'update displays set environment_ids = array[$2::bigint] where workspace_id = $1 returning id',
    [world.a, world.a2]
  );
  expect(rows).toHaveLength(1);
  await expect(wall).not.toContainText('a1', { timeout: 1_000 });
  await untilWallLive(screen.page);
  await expect(wall).toContainText('a2');
  expect(screen.loads).toHaveLength(1);
});

test('a display that is removed says so at once, politely and without a login form, and can be paired anew', async ({
  world
}) => {
  await pair(admin.page, world.a, await readCode(screen.page), { name: 'Gone soon' });
  await untilWallLive(screen.page);
  await openDisplay('Gone soon');
  await admin.page.getByRole('button', { name: 'Remove this display' }).click();
  await expect(screen.page.getByText('This display was removed')).toBeVisible({ timeout: 2_000 });
  await expect(screen.page.locator('body')).not.toContainText(/a1|a2|Workspace A|Gone soon/);
  await expect(screen.page.locator('input, form')).toHaveCount(0);
  const code = await readCode(screen.page).catch(() => null);
  await expect
    .poll(async () => code ?? (await screen.page.getByLabel(/^Code( [A-Z]){8}$/).count()), { timeout: 45_000 })
    .toBeTruthy();
  await pair(admin.page, world.a, await readCode(screen.page), { name: 'Back again' });
  await untilWallLive(screen.page);
  expect(screen.loads).toHaveLength(1);
});

test('it shows its name when it is asked to, a note until its end, and a new name, each within a second or so', async ({
  world
}) => {
  await pair(admin.page, world.a, await readCode(screen.page), { name: 'Named' });
  await untilWallLive(screen.page);
  await openDisplay('Named');
  const wall = screen.page.locator('main');
  await admin.page.getByRole('button', { name: 'Show its name on it' }).click();
  await expect(wall.locator('.identify')).toContainText('Named', { timeout: 3_000 });
  await admin.page.getByLabel(/What whoever stands before it/).fill('Patch window until six.');
  await admin.page.getByRole('button', { name: 'Put it on the screen' }).click();
  await expect(wall).toContainText('Patch window until six.', { timeout: 3_000 });
  await admin.page.getByRole('button', { name: 'Take it down' }).click();
  await expect(wall).not.toContainText('Patch window', { timeout: 3_000 });
  await admin.page.getByLabel('Name').fill('Renamed');
  await admin.page.getByRole('button', { name: 'Save' }).click();
  await expect(screen.page).toHaveTitle(/^Renamed/, { timeout: 3_000 });
  expect(screen.loads).toHaveLength(1);
});

test('nobody is signed in on a display: every other page asks for a sign-in, and a person beside it stays themselves', async ({
  world
}) => {
  await pair(admin.page, world.a, await readCode(screen.page), { name: 'No person' });
  await untilWallLive(screen.page);
  const other = await screen.context.newPage();
  await other.goto(`/admin/workspaces/${world.a}/operations`);
  await expect(other).toHaveURL(/\/login\?next=/);
  // In the manager's own browser the wall is no display.
  const beside = await admin.context.newPage();
  await beside.goto('/wall');
  await readCode(beside);
});

test('who may not look after displays is told so, and finds no link', async ({ open, world }) => {
  const { page } = await open(world.everyone, `/admin/workspaces/${world.a}/operations`);
  await expect(page.getByRole('link', { name: 'Displays' })).toHaveCount(0);
  const answer = await page.goto(`/admin/workspaces/${world.a}/displays`);
  expect(answer?.status()).toBe(403);
  const { page: theirs } = await open(world.stranger, `/admin/workspaces/${world.a}/displays`);
  await expect(theirs.locator('main')).toContainText(/not found|nothing/i);
});
