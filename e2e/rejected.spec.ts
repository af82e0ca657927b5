/**
 * The page of refused reports: owners find what was wrong and what to do, in order, page by page; others of the
 * workspace are told that their role does not allow it, outsiders nothing. What was reported can neither run nor hide.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { insertOperation, type World } from '../tests/harness/world.ts';
import { addMember } from './harness/people.ts';
import { expect, test } from './harness/test.ts';

const pathOf = (workspaceId: number, query = '') => `/admin/workspaces/${workspaceId}/rejected${query}`;
const EVIL = `<img src=x onerror="document.title='pwned'">\u202egnp.exe`;

async function refuseAll(world: World): Promise<number> {
  const id = await insertOperation(world.writer, world.a, world.a1, 'inventory.sync');
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'succeeded' where id = $1`, [id]);
  await world.writer.query(`update operation_runs set outcome = 'failed', source = 'nightly' where id = $1`, [id]);
  for (const [environment, type, status, hash] of [
    [world.a1, 'policy.sync', 'paused', null],
    [world.b1, 'policy.export', 'queued', null],
    [null, EVIL, 'nonsense', null],
    [world.a2, 'alerts.evaluate', 'queued', 'once'],
    [world.a2, 'alerts.evaluate', 'queued', 'once']
  ] as const)
    await world.writer.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type, status, run_identity_hash, context)
       values ($1, $2, $3, $4, $5, '{"password": "only for support"}')`,
      [world.a, environment, type, status, hash]
    );
  return id;
}

const rows = (page: Page) => page.locator('.refused');

test('an owner reads what was refused, why, what to do, and the report as it was sent', async ({ world, open }) => {
  const owner = await addMember(world, 'owner');
  const { page } = await open(owner, pathOf(world.a));
  await expect(page.getByRole('heading', { level: 2 })).toHaveText('No report was refused.');
  const id = await refuseAll(world);
  await page.getByRole('link', { name: 'Load it again' }).click();
  await expect(rows(page)).toHaveCount(5);
  await expect(rows(page).locator('.reason')).toHaveText([
    /^Operation \d+ is active under the same identity\.$/,
    'Status "nonsense" is unknown; use queued, running or completed.',
    `This workspace has no environment ${world.b1}.`,
    'Status "paused" is unknown; use queued, running or completed.',
    'The outcome succeeded is final.'
  ]);
  await expect(rows(page).first()).toContainText('ON CONFLICT');
  await expect(rows(page).last()).toContainText('From nightly');
  await expect(rows(page).last()).toContainText('a1');
  // The zone is said, and that it is not live.
  await expect(page.locator('.head__at')).toContainText(/As of \d\d:\d\d:\d\d\s+CES?T, not live/);

  await rows(page).nth(1).locator('summary').click();
  const report = rows(page).nth(1).getByLabel('The report as JSON');
  await expect(report).toContainText('<img src=x');
  await expect(page.locator('.refused img')).toHaveCount(0);
  expect(await page.title()).toContain('Refused reports');
  const html = await page.content();
  for (const absent of ['\u202e', 'only for support', 'search_text']) expect(html).not.toContain(absent);

  await rows(page)
    .last()
    .getByRole('link', { name: `Operation ${id}` })
    .click();
  await expect(page).toHaveURL(new RegExp(`/operations/${id}$`));
  await expect(page.getByRole('navigation', { name: 'Workspace' }).getByRole('link')).toHaveText([
    'Overview',
    'Operations',
    'Displays',
    'Refused reports',
    'Delivery'
  ]);
});

test('pages go on by keyset, also without scripts', async ({ world, open }) => {
  const owner = await addMember(world, 'owner');
  await world.writer.query(
    `insert into operation_runs (workspace_id, type, status) select $1, 'kind.' || n, 'nonsense' from generate_series(1, 60) n`,
    [world.a]
  );
  const { page } = await open(owner, pathOf(world.a), { javaScriptEnabled: false });
  const seen: string[] = [];
  for (const left of [25, 25, 10]) {
    await expect(rows(page)).toHaveCount(left);
    seen.push(...(await rows(page).locator('.what code').allTextContents()));
    if (left === 25) await page.getByRole('link', { name: 'Older' }).click();
  }
  expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => `kind.${60 - n}`));
  await expect(page.getByRole('link', { name: 'Older' })).toHaveAttribute('aria-disabled', 'true');
  await page.getByRole('link', { name: 'Newer' }).click();
  await page.getByRole('link', { name: 'Newer' }).click();
  await expect(page).toHaveURL(/before=/);
  await expect(rows(page).first()).toContainText('kind.60');
  expect((await page.goto(pathOf(world.a, '?after=x')))!.status()).toBe(400);
});

test('only owners may read it, each in their places, and outsiders are told nothing', async ({ world, open }) => {
  await refuseAll(world);
  for (const role of ['manager', 'operator', 'readonly', 'support'] as const) {
    const { page, context } = await open(await addMember(world, role), pathOf(world.a));
    await expect(page.getByRole('heading', { level: 2 })).toHaveText('Your role does not allow this.');
    expect(await page.content()).not.toContain('nonsense');
    await page.goto(`/admin/workspaces/${world.a}`);
    await expect(page.getByRole('link', { name: 'Refused reports' })).toHaveCount(0);
    const answer = await context.request.get(`${pathOf(world.a)}/__data.json`);
    expect(await answer.text()).not.toContain('nonsense');
    await context.close();
  }
  const narrowed = await open(await addMember(world, 'owner', [world.a2]), pathOf(world.a));
  // Its own places and the workspace's; what names no environment of the workspace is of no certain place.
  await expect(rows(narrowed.page)).toHaveCount(2);
  await expect(narrowed.page.locator('.list')).not.toContainText('a1');

  const outside = await open(world.stranger, pathOf(world.a));
  const foreign = await outside.context.request.get(pathOf(world.a));
  const absent = await outside.context.request.get(pathOf(987_654));
  expect([foreign.status(), absent.status()]).toEqual([404, 404]);
  const plain = async (answer: typeof foreign) =>
    (await answer.text()).replaceAll(
      /nonce-?="?[^"' ]+|error [0-9a-f-]+|"id":"[^"]+"|workspaces\/\d+|timeZone:"[^"]+"/g,
      ''
    );
  expect(await plain(foreign)).toBe(await plain(absent));
});

test('axe finds nothing on it, light and dark, on a wide screen and on a phone', async ({ world, open }) => {
  await refuseAll(world);
  const { page } = await open(await addMember(world, 'owner'), pathOf(world.a));
  for (const width of [1440, 390])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      if (width === 1440 && colorScheme === 'light') await rows(page).first().locator('summary').click();
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect(violations, `${width} ${colorScheme}`).toEqual([]);
      // Nothing sticks out of a phone.
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const folder = process.env['WATCHFLOOR_PICTURES'];
      if (folder) await page.screenshot({ path: `${folder}/refused-${width}-${colorScheme}.png` });
    }
});
