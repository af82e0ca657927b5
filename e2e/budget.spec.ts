/**
 * What a page costs and what it says to the browser's console: JavaScript before the first interaction, and neither an
 * error, a warning nor a violation of the content security policy on any page, error pages included.
 */
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { writeHistory } from './harness/history.ts';
import { untilLive } from './harness/hub-page.ts';
import { expect, hubPath, test } from './harness/test.ts';

/**
 * For the hub: everything until the stamp says Live, each file gzipped as it would be sent. With rows alone it was 90 KB;
 * numbers, decision, queue, tabs and filters were paid for almost entirely by what is fetched only when it is asked for.
 * Bursts, the way over HTTP (itself fetched where it is needed) and the notice of access took 3 KB; what a tab remembers of
 * its connection, and loading a new version in place, 5 KB.
 */
const JAVASCRIPT_BUDGET_BYTES = 104 * 1024;

test('a first load opens one socket, and no second while that one opens', async ({ world, open }) => {
  const { page } = await open(world.everyone, 'about:blank');
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await page.goto(hubPath(world.a));
  await untilLive(page);
  expect(sockets).toHaveLength(1);
});

test('the hub loads at most 104 KB of gzipped JavaScript before the first interaction', async ({ world, open }) => {
  await writeHistory(world, 60);
  // A context of its own: nothing is in its cache, and each file comes once.
  const { page } = await open(world.everyone, 'about:blank');
  const bodies = new Map<string, Promise<Buffer>>();
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') bodies.set(response.url(), response.body());
  });
  await page.goto(hubPath(world.a), { waitUntil: 'networkidle' });
  await untilLive(page);
  const sizes = (await Promise.all(bodies.values())).map((body) => gzipSync(body).byteLength);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  test.info().annotations.push({ type: 'figure', description: `${total} bytes in ${sizes.length} scripts` });
  process.stdout.write(`JavaScript of the hub: ${total} bytes gzipped in ${sizes.length} files\n`);
  expect(sizes.length).toBeGreaterThan(0);
  expect(total).toBeLessThanOrEqual(JAVASCRIPT_BUDGET_BYTES);
});

/** Everything that the page's console says from now on, policy violations and uncaught errors too. */
async function listen(page: Page): Promise<string[]> {
  const said: string[] = [];
  await page.exposeFunction('tellViolation', (text: string) => said.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { violatedDirective, blockedURI, sample } = event;
      const tell = (window as unknown as { tellViolation(text: string): void }).tellViolation;
      tell(`${violatedDirective} ${blockedURI} ${sample}`);
    });
  });
  page.on('pageerror', (error) => said.push(`uncaught: ${error.message}`));
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // What was under way when the page was left.
    if (reason !== 'net::ERR_ABORTED') said.push(`failed: ${request.url()} ${reason}`);
  });
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // Chromium itself reports the status of an error page; no page can help that.
    const isOwnStatus =
      message.location().url === page.url() && /^Failed to load resource: .* status of 4\d\d/.test(message.text());
    if (!isOwnStatus) said.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  return said;
}

test('no page says an error or a warning to the console, or violates the content security policy', async ({
  world,
  open
}) => {
  const [newest] = await writeHistory(world, 60);
  const { page, context } = await open(world.everyone, '/healthz');
  const said = await listen(page);
  for (const [path, status] of [
    ['/admin', 200],
    [`/admin/connection?workspace=${world.a}`, 200],
    [`/admin/workspaces/${world.a}`, 200],
    [hubPath(world.a), 200],
    [hubPath(world.a, '?activeTab=needs_follow_up&type=inventory.sync&from=7d&q=sync'), 200],
    [hubPath(world.a, `?environment_id=${world.a1}`), 200],
    [hubPath(world.a, `/${newest}`), 200]
  ] as const) {
    expect((await page.goto(path))!.status()).toBe(status);
    await untilLive(page);
    // What happens while one works with it: another theme, a filter, an operation and back.
    await page.getByRole('button', { name: 'Switch between light and dark' }).click();
  }
  await page.goto(hubPath(world.a));
  await untilLive(page);
  // What is fetched only when it is asked for: the filters and the list of keys.
  await page.keyboard.press('f');
  await expect(page.locator('.filter input:focus')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.locator('tbody tr').first().locator('.op__link').click();
  await expect(page).toHaveURL(hubPath(world.a, `/${newest}`));
  await expect(page.locator('.crumb')).toContainText('Live');
  await page.goBack();
  await expect(page.locator('tbody tr')).toHaveCount(25);
  await untilLive(page);
  for (const [path, status] of [
    [hubPath(world.b), 404],
    ['/nothing/here', 404],
    [hubPath(world.a, '?rows=7'), 400]
  ] as const) {
    expect((await page.goto(path, { waitUntil: 'networkidle' }))!.status()).toBe(status);
  }
  await context.clearCookies();
  for (const path of ['/login', '/login?next=%2Fadmin']) await page.goto(path, { waitUntil: 'networkidle' });
  expect(said).toEqual([]);
});
