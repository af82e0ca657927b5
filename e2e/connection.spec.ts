/**
 * The connection page tells a person which of four parts is at fault, by what it measured: all sound, WebSockets refused
 * by the network, a database that is away, a server that is gone, a session that ended. It is reached from the stamp.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { startPostgres } from '../tests/harness/postgres.ts';
import { makeWorld } from '../tests/harness/world.ts';
import { untilLive } from './harness/hub-page.ts';
import { startInstance } from './harness/instance.ts';
import { startRefusingProxy } from './harness/refusing-proxy.ts';
import { expect, hubPath, test } from './harness/test.ts';

const PATIENCE_MS = 30_000;
const CONNECTION = '/admin/connection';
const verdictOf = (page: Page) => page.getByRole('heading', { level: 2 }).first();
const factOf = (page: Page, name: string) => page.locator('.fact', { has: page.locator('dt', { hasText: name }) });

test('from the stamp a person comes to what its connection is: way, round trip, proof, node and protocol', async ({
  world,
  open
}) => {
  const { page } = await open(world.everyone, hubPath(world.a));
  await untilLive(page);
  await page.locator('a.stamp').click();
  await expect(page).toHaveURL(new RegExp(`${CONNECTION}\\?workspace=${world.a}$`));
  await expect(verdictOf(page)).toHaveText('Changes arrive here as they happen.');
  await expect(factOf(page, 'Way')).toContainText('WebSocket');
  await expect(factOf(page, 'Round trip')).toContainText(/\d+(\.\d)? m?s/);
  await expect(factOf(page, 'Last proof')).toContainText('Everything in');
  await expect(factOf(page, 'Node that answers')).toContainText(/[a-z]{6}/);
  await expect(factOf(page, 'Protocol')).toContainText('Both speak the same version.');
  await expect(factOf(page, 'Lost in this tab')).toContainText('Never');
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations).toEqual([]);
  // Back to where it was asked from.
  await page.getByRole('link', { name: 'Operations' }).first().click();
  await expect(page).toHaveURL(new RegExp(`${hubPath(world.a)}$`));
});

test('a network that refuses WebSockets is named, with the text for those who run it', async ({
  world,
  open,
  baseURL
}) => {
  const proxy = await startRefusingProxy(baseURL!);
  try {
    const { page } = await open(world.everyone, `${CONNECTION}?workspace=${world.a}`, { baseURL: proxy.baseURL });
    await expect(verdictOf(page)).toHaveText('It is live, but without a WebSocket.', { timeout: PATIENCE_MS });
    await expect(factOf(page, 'Way')).toContainText('HTTP catch-up');
    await expect(page.getByRole('complementary')).toContainText('This is what to ask for, word for word.');
    await expect(page.getByRole('complementary')).toContainText('/live/socket');
  } finally {
    await proxy.close();
  }
});

test('a database that is away and a server that is gone are told apart, and each is taken back when it returns', async ({
  open
}) => {
  test.setTimeout(180_000);
  const postgres = await startPostgres();
  const instance = await startInstance({ databaseUrl: postgres.url });
  const world = await makeWorld(postgres.url);
  try {
    const { page } = await open(world.everyone, CONNECTION, { baseURL: instance.baseURL });
    await expect(verdictOf(page)).toHaveText('Changes arrive here as they happen.', { timeout: PATIENCE_MS });
    await world.close();
    await postgres.stop('fast');
    await expect(verdictOf(page)).toHaveText('The server is reached, but has lost its database.', {
      timeout: PATIENCE_MS
    });
    await expect(page.locator('.verdict')).toContainText('It is not your network.');
    await postgres.start();
    await expect(verdictOf(page)).toHaveText('Changes arrive here as they happen.', { timeout: 60_000 });
    await expect(factOf(page, 'Lost in this tab')).not.toContainText('Never');
    await instance.kill();
    await expect(verdictOf(page)).toHaveText('The server cannot be reached from here.', { timeout: 60_000 });
    await expect(page.getByRole('button', { name: 'Try now' })).toBeVisible();
    await instance.start();
    await expect(verdictOf(page)).toHaveText('Changes arrive here as they happen.', { timeout: 60_000 });
  } finally {
    await world.close().catch(() => undefined);
    await instance.remove();
    await postgres.remove();
  }
});

test('a session that ended is said on the page itself, with the way back in', async ({ world, open }) => {
  const { page } = await open(world.everyone, `${CONNECTION}?workspace=${world.a}`);
  await expect(verdictOf(page)).toHaveText('Changes arrive here as they happen.');
  await world.owner.query('delete from sessions where user_id = $1', [world.everyone.id]);
  await expect(verdictOf(page)).toHaveText('You are signed out.');
  await page.getByRole('link', { name: 'Sign in again' }).click();
  await expect(page).toHaveURL(/\/login\?next=/);
});
