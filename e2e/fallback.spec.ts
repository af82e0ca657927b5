/**
 * Where the network refuses WebSockets: pages are live over HTTP and say so, what is reported arrives, what may not be
 * seen any more leaves, a database that is away is admitted, and the WebSocket is taken as soon as it is let through.
 */
import { startPostgres } from '../tests/harness/postgres.ts';
import { makeDisplay } from '../tests/harness/displays.ts';
import { insertOperation, makeWorld } from '../tests/harness/world.ts';
import { untilWallLive } from './harness/displays.ts';
import { expectEqualsFreshPage, rowOf, stampOf, untilLive } from './harness/hub-page.ts';
import { startInstance } from './harness/instance.ts';
import { startRefusingProxy, type RefusingProxy } from './harness/refusing-proxy.ts';
import { reportEnd, reportRunning } from './harness/reports.ts';
import { StampRecord } from './harness/stamp-record.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

const OVER_HTTP = 'over HTTP, every 2 s';
/** Two WebSockets fail first, and each answer may take its time on a busy machine. */
const PATIENCE_MS = 30_000;

let proxy: RefusingProxy;
test.afterEach(() => proxy?.close());

test.describe('a network that refuses WebSockets', () => {
  test.beforeEach(async ({ baseURL }) => void (proxy = await startRefusingProxy(baseURL!)));

  test('a page is live over HTTP and says so; what is reported arrives, and one question is asked at a time', async ({
    world,
    open
  }) => {
    const first = await reportRunning(world, world.a1);
    const { page } = await open(world.everyone, hubPath(world.a), { baseURL: proxy.baseURL });
    await untilLive(page, PATIENCE_MS);
    await expect(page.locator('.stamp__way')).toContainText(OVER_HTTP);
    await expect(page.locator('.stamp__way')).toHaveAttribute('title', /the server is asked every 2 seconds/);
    const since = Date.now();
    const id = await insertOperation(world.writer, world.a, world.a1);
    await expect(rowOf(page, id)).toBeVisible({ timeout: PATIENCE_MS });
    test.info().annotations.push({ type: 'figure', description: `${Date.now() - since} ms from commit to screen` });
    process.stdout.write(`Over HTTP: ${Date.now() - since} ms from commit to screen\n`);
    await world.writer.query(`update operation_runs set status = 'completed', outcome = 'failed' where id = $1`, [
      first
    ]);
    await expect(rowOf(page, first)).toContainText('Failed', { timeout: PATIENCE_MS });
    await expectEqualsFreshPage(page, PATIENCE_MS);
    expect(proxy.refused).toBeGreaterThanOrEqual(2);
    expect(proxy.mostAtOnce).toBe(1);

    // Access that ends takes the rows away here, too.
    await world.owner.query('delete from memberships where user_id = $1', [world.everyone.id]);
    await expect(page.locator('tbody tr')).toHaveCount(0, { timeout: PATIENCE_MS });
  });

  test('a wall asks over HTTP as the display that it is, and is removed there, too', async ({ world, page }) => {
    const display = await makeDisplay(world.owner, world.a, [world.a1]);
    await page.context().addCookies([toCookie(display, proxy.baseURL)]);
    await page.goto(`${proxy.baseURL}/wall`);
    await untilWallLive(page, PATIENCE_MS);
    await reportEnd(world, world.a1, 'failed');
    await expect(page.locator('main')).toContainText(/Follow-up\s*1/, { timeout: PATIENCE_MS });
    expect(proxy.refused).toBeGreaterThanOrEqual(2);
    await world.owner.query('update displays set revoked_at = now() where id = $1', [display.id]);
    await expect(page.getByText('This display was removed')).toBeVisible({ timeout: PATIENCE_MS });
  });

  test('the WebSocket is taken as soon as it is let through, and the page never stops to be live', async ({
    world,
    open
  }) => {
    const { page, context } = await open(world.everyone, 'about:blank', { baseURL: proxy.baseURL });
    const record = await StampRecord.of(page);
    await page.goto(hubPath(world.a));
    await untilLive(page, PATIENCE_MS);
    await expect(page.locator('.stamp__way')).toBeVisible();
    const since = Date.now();
    proxy.allow();
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await expect(page.locator('.stamp__way')).toHaveCount(0, { timeout: PATIENCE_MS });
    await untilLive(page);
    const { asked } = proxy;
    const id = await insertOperation(world.writer, world.a, world.a1);
    await expect(rowOf(page, id)).toBeVisible({ timeout: PATIENCE_MS });
    await expectEqualsFreshPage(page);
    expect(proxy.asked).toBe(asked);
    expect(new Set(record.between(since, Date.now()))).toEqual(new Set(['Live']));
    await context.close();
  });
});

test('over HTTP a database that is away is said, and its return is live again without a touch', async ({ open }) => {
  test.setTimeout(150_000);
  const postgres = await startPostgres();
  const instance = await startInstance({ databaseUrl: postgres.url });
  const world = await makeWorld(postgres.url);
  try {
    proxy = await startRefusingProxy(instance.baseURL);
    await insertOperation(world.writer, world.a, world.a1);
    const { page } = await open(world.everyone, hubPath(world.a), { baseURL: proxy.baseURL });
    await untilLive(page, PATIENCE_MS);
    await postgres.stop('fast');
    await expect(stampOf(page)).toHaveText(/^Stale since /, { timeout: PATIENCE_MS });
    await expect(page.locator('tbody tr').first(), 'what was known stays to be read').toBeVisible();
    await postgres.start();
    const id = await expect
      .poll(() => insertOperation(world.writer, world.a, world.a1).catch(() => null), { timeout: PATIENCE_MS })
      .not.toBeNull()
      .then(
        async () => (await world.owner.query<{ id: number }>('select max(id) as id from operation_runs')).rows[0]!.id
      );
    await untilLive(page, 60_000);
    await expect(rowOf(page, id)).toBeVisible({ timeout: PATIENCE_MS });
    await expectEqualsFreshPage(page, PATIENCE_MS);
  } finally {
    await world.close();
    await instance.remove();
    await postgres.remove();
  }
});
