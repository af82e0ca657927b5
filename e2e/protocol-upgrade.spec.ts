/**
 * Another version of the wire is deployed under open pages. They are told, and load themselves once the new server is
 * ready: at the same place, never from under somebody who writes, and never in a loop. The servers are the build under
 * test and a copy of it that speaks the next version (harness/next-release.ts).
 */
import type { Page } from '@playwright/test';
import { startPostgres, type TestPostgres } from '../tests/harness/postgres.ts';
import { insertOperation, makeWorld, type World } from '../tests/harness/world.ts';
import { writeHistory } from './harness/history.ts';
import { rowOf, stampOf, untilLive } from './harness/hub-page.ts';
import { startInstance, type Instance } from './harness/instance.ts';
import { makeNextRelease, NEXT_PROTOCOL, type NextRelease } from './harness/next-release.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

let postgres: TestPostgres;
let instance: Instance;
let world: World;
let next: NextRelease;
let mixed: NextRelease;

test.describe.configure({ mode: 'serial', timeout: 120_000 });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  [postgres, next, mixed] = await Promise.all([
    startPostgres(),
    makeNextRelease({ pages: 'next' }),
    makeNextRelease({ pages: 'same' })
  ]);
  instance = await startInstance({ databaseUrl: postgres.url });
  world = await makeWorld(postgres.url);
  await writeHistory(world, 120);
});
test.afterAll(async () => {
  await world?.close();
  await instance?.remove();
  await Promise.all([next?.remove(), mixed?.remove()]);
  await postgres?.remove();
});

/** A page that counts its own loads, and the versions that it said on its sockets. */
async function open(page: Page, path: string): Promise<{ loads: () => number; said: number[] }> {
  await page.context().addCookies([toCookie(world.everyone, instance.baseURL)]);
  let loads = 0;
  const said: number[] = [];
  page.on('load', () => (loads += 1));
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => {
      const version = /"protocol":(\d+)/.exec(String(payload))?.[1];
      if (version) said.push(Number(version));
    })
  );
  await page.goto(instance.baseURL + path);
  await untilLive(page);
  expect(loads).toBe(1);
  return { loads: () => loads, said };
}

async function deploy(release?: NextRelease): Promise<void> {
  await instance.kill();
  await instance.start(release?.build);
}

test('a list loads itself for the new version: same filter and page, same row under the same line, focused, paused', async ({
  page
}) => {
  // The second page of a filtered list, in the middle of it.
  const first = await open(page, hubPath(world.a, '?status=completed'));
  await page.getByRole('link', { name: /Older/ }).click();
  await expect(page).toHaveURL(/after=/);
  await untilLive(page);
  const address = page.url();
  const row = page.locator('tbody tr').nth(14);
  const link = row.locator('a[href*="/operations/"]').first();
  const href = (await link.getAttribute('href'))!;
  await link.scrollIntoViewIfNeeded();
  await page.evaluate(() => window.scrollBy(0, 60));
  await page.getByRole('button', { name: 'Pause' }).first().click();
  await expect(stampOf(page)).toHaveText('Paused');
  await link.evaluate((element: HTMLElement) => element.focus({ preventScroll: true }));
  const topOf = async (): Promise<number> =>
    Math.round((await page.locator(`tbody a[href="${href}"]`).first().boundingBox())!.y);
  const top = await topOf();

  await deploy(next);
  await expect.poll(first.loads, { timeout: 60_000 }).toBe(2);
  await expect(stampOf(page)).toHaveText('Paused', { timeout: 30_000 });
  expect(page.url()).toBe(address);
  await expect(page.locator(`tbody a[href="${href}"]`).first()).toBeFocused();
  expect(Math.abs((await topOf()) - top)).toBeLessThanOrEqual(1);
  await page.getByRole('button', { name: 'Resume' }).first().click();
  await untilLive(page, 30_000);
  expect(first.said.at(-1)).toBe(NEXT_PROTOCOL);
  expect(first.loads()).toBe(2);
});

test('a page with text being written waits, says so, and loads itself with the text once it is left', async ({
  page
}) => {
  await deploy();
  const id = await insertOperation(world.writer, world.a, world.a1);
  // A field as the review's note is one; it stands on every page that is loaded here.
  await page.addInitScript(() =>
    document.addEventListener('DOMContentLoaded', () => {
      const form = document.createElement('form');
      form.method = 'post';
      form.innerHTML = '<textarea id="note" aria-label="Note"></textarea>';
      document.body.append(form);
    })
  );
  const opened = await open(page, hubPath(world.a, `/${id}`));
  const note = page.getByRole('textbox', { name: 'Note' });
  await note.pressSequentially('Called the provider; waiting');
  await deploy(next);
  await expect(page.getByText('A new version of Watchfloor is running.')).toBeVisible({ timeout: 60_000 });
  await note.pressSequentially(' for their answer.');
  // Told again and again meanwhile, as often as the page comes back.
  const said = opened.said.length;
  await expect.poll(() => opened.said.length, { timeout: 60_000 }).toBeGreaterThan(said);
  expect(opened.loads()).toBe(1);
  await note.blur();
  await expect.poll(opened.loads, { timeout: 30_000 }).toBe(2);
  await expect(note).toHaveValue('Called the provider; waiting for their answer.');
  await untilLive(page, 30_000);
  await expect(page.getByText('A new version of Watchfloor is running.')).toBeHidden();
});

test('where the server gives the same page as before, a page does not load itself, and is live again with a node of its version', async ({
  page
}) => {
  await deploy();
  const id = await insertOperation(world.writer, world.a, world.a1);
  const opened = await open(page, hubPath(world.a));
  let questions = 0;
  page.on('request', (request) => (questions += request.url().endsWith('/version.json') ? 1 : 0));
  await deploy(mixed);
  // Told more than once, and each time it asked whether a load would help.
  await expect.poll(() => questions, { timeout: 90_000 }).toBeGreaterThanOrEqual(2);
  expect(opened.loads()).toBe(1);
  await expect(rowOf(page, id)).toBeVisible();
  await deploy();
  await untilLive(page, 60_000);
  expect(opened.loads()).toBe(1);
});
