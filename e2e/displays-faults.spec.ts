/**
 * Real faults under a wall, on a server and a Postgres of these tests' own. Whatever is away and for however long, a wall
 * loads nothing: it says what it does not know, and is live again by itself. It loads itself once for another version,
 * when the server is ready, and never before a minute has passed.
 */
import type { Page } from '@playwright/test';
import { startPostgres, type TestPostgres } from '../tests/harness/postgres.ts';
import { makeDisplay, type TestDisplay } from '../tests/harness/displays.ts';
import { makePerson, makeWorld, type World } from '../tests/harness/world.ts';
import { openScreen, pair, readCode, untilWallLive, wallIn, type TestScreen } from './harness/displays.ts';
import { startInstance, type Instance } from './harness/instance.ts';
import { makeNextRelease, type NextRelease } from './harness/next-release.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, test, toCookie } from './harness/test.ts';

let postgres: TestPostgres;
let instance: Instance;
let world: World;
let next: NextRelease;
let mixed: NextRelease;
let display: TestDisplay;
const screens: TestScreen[] = [];

test.describe.configure({ mode: 'serial', timeout: 150_000 });

test.beforeAll(async () => {
  test.setTimeout(150_000);
  [postgres, next, mixed] = await Promise.all([
    startPostgres(),
    makeNextRelease({ pages: 'next' }),
    makeNextRelease({ pages: 'same' })
  ]);
  instance = await startInstance({ databaseUrl: postgres.url });
  world = await makeWorld(postgres.url);
  await reportEnd(world, world.a1, 'failed');
  display = await makeDisplay(world.owner, world.a, [], 'The wall');
});
test.afterEach(async () => {
  for (const { context } of screens.splice(0)) await context.close();
});
test.afterAll(async () => {
  await world?.close();
  await instance?.remove();
  await Promise.all([next?.remove(), mixed?.remove()]);
  await postgres?.remove();
});

/** A wall that is paired already, live; `clock`: its time can be put forward. */
async function openWall(page: Page, { clock = false } = {}): Promise<{ page: Page; loads: string[] }> {
  await page.context().addCookies([toCookie(display, instance.baseURL)]);
  if (clock) await page.clock.install();
  const loads: string[] = [];
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) loads.push(request.url());
  });
  await page.goto(`${instance.baseURL}/wall`);
  await untilWallLive(page);
  return { page, loads };
}
const followUps = (page: Page, count: number) =>
  expect(page.locator('main')).toContainText(new RegExp(`Follow-up\\s*${count}`), { timeout: 30_000 });

test('the server is killed and started again: stale, then without data, then live by itself, without a load', async ({
  page
}) => {
  const { loads } = await openWall(page, { clock: true });
  await followUps(page, 1);
  await instance.kill();
  await expect(wallIn(page, 'stale')).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('main')).toContainText(/Stale since/);
  // However long it lasts: hours of this browser's clock.
  for (let hour = 0; hour < 3; hour += 1) await page.clock.fastForward('01:00:00');
  await expect(wallIn(page, 'no_data')).toBeVisible({ timeout: 30_000 });
  await reportEnd(world, world.a2, 'failed');
  await instance.start();
  await page.clock.fastForward('00:30');
  await untilWallLive(page, 60_000);
  await followUps(page, 2);
  expect(loads).toHaveLength(1);
});

test('the database is stopped and started again: not live while it is away, live and complete when it is back', async ({
  page
}) => {
  const { loads } = await openWall(page);
  await postgres.stop('fast');
  await expect(wallIn(page, 'stale')).toBeVisible({ timeout: 30_000 });
  await postgres.start();
  await expect
    .poll(
      () =>
        reportEnd(world, world.a3, 'blocked').then(
          () => true,
          () => false
        ),
      { timeout: 30_000 }
    )
    .toBe(true);
  await untilWallLive(page, 60_000);
  await followUps(page, 3);
  expect(loads).toHaveLength(1);
});

test('the network is cut and comes back, and a screen that waits for its pairing keeps its code meanwhile', async ({
  browser,
  page
}) => {
  const { loads } = await openWall(page);
  const waiting = await openScreen(browser, instance.baseURL);
  screens.push(waiting);
  const code = await readCode(waiting.page);
  for (const one of [page, waiting.page]) await one.context().setOffline(true);
  await instance.kill();
  await expect(wallIn(page, 'stale')).toBeVisible({ timeout: 30_000 });
  await expect(waiting.page.locator('main[data-pairing="away"]')).toBeVisible({ timeout: 30_000 });
  await instance.start();
  for (const one of [page, waiting.page]) await one.context().setOffline(false);
  await untilWallLive(page, 60_000);
  await expect(waiting.page.locator('main[data-pairing="waiting"]')).toBeVisible({ timeout: 30_000 });
  expect(await readCode(waiting.page)).toBe(code);
  const admin = await browser.newContext({ baseURL: instance.baseURL });
  const manager = await makePerson(world.owner, 'manager');
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'manager')`, [
    world.a,
    manager.id
  ]);
  await admin.addCookies([toCookie(manager, instance.baseURL)]);
  await pair(await admin.newPage(), world.a, code, { name: 'After the cut' });
  await untilWallLive(waiting.page);
  expect([loads.length, waiting.loads.length]).toEqual([1, 1]);
  await admin.close();
});

test('it was revoked while the server was away: removed as soon as the server is back, and nothing of it stays', async ({
  page
}) => {
  const gone = await makeDisplay(world.owner, world.a, [], 'Gone');
  await page.context().addCookies([toCookie(gone, instance.baseURL)]);
  await page.goto(`${instance.baseURL}/wall`);
  await untilWallLive(page);
  await instance.kill();
  await world.owner.query('update displays set revoked_at = now() where id = $1', [gone.id]);
  await instance.start();
  await expect(page.getByText('This display was removed')).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('body')).not.toContainText(/a1|a2|Workspace A/);
});

test('another version is deployed: it loads itself once, with the new server ready, and not within a minute', async ({
  page
}) => {
  const { loads } = await openWall(page, { clock: true });
  await instance.kill();
  // Its time is up, long before there is a server to load anything from.
  for (let minute = 0; minute < 4; minute += 1) await page.clock.fastForward('01:00');
  expect(loads).toHaveLength(1);
  await instance.start(next.build);
  await expect
    .poll(
      async () => {
        await page.clock.fastForward('00:20');
        return loads.length;
      },
      { timeout: 90_000, intervals: [500] }
    )
    .toBe(2);
  await untilWallLive(page, 60_000);
  // A page of the new version has nothing to renew, however long it stands.
  for (let minute = 0; minute < 10; minute += 1) await page.clock.fastForward('01:00');
  await untilWallLive(page, 60_000);
  expect(loads).toHaveLength(2);
});

test('a server of another wire with the same pages makes no loop, and a person’s wish is done once', async ({
  page
}) => {
  await instance.kill();
  await instance.start();
  const { loads } = await openWall(page, { clock: true });
  await instance.kill();
  await instance.start(mixed.build);
  for (let minute = 0; minute < 20; minute += 1) await page.clock.fastForward('01:00');
  expect(loads).toHaveLength(1);
  await instance.kill();
  await instance.start();
  await page.clock.fastForward('00:30');
  await untilWallLive(page, 60_000);
  await world.owner.query('update displays set reload_asked_at = clock_timestamp() where id = $1', [display.id]);
  await expect.poll(() => loads.length, { timeout: 30_000 }).toBe(2);
  await untilWallLive(page, 60_000);
  for (let minute = 0; minute < 5; minute += 1) await page.clock.fastForward('01:00');
  await untilWallLive(page, 60_000);
  expect(loads).toHaveLength(2);
});

test('a screen that is switched on before the database is there comes by itself once it is', async ({ page }) => {
  await page.context().addCookies([toCookie(display, instance.baseURL)]);
  await postgres.stop('fast');
  const answer = await page.goto(`${instance.baseURL}/wall`);
  expect(answer?.status()).toBe(500);
  expect(answer?.headers()['refresh']).toBe('15');
  await postgres.start();
  await untilWallLive(page, 60_000);
});
