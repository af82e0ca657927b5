/**
 * The delivery page: an owner reads what the node proves of itself, with plots, and that a recount of the workspace's
 * numbers agrees; others of the workspace are told that their role does not allow it, outsiders nothing.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { untilLive } from './harness/hub-page.ts';
import { addMember } from './harness/people.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, test } from './harness/test.ts';

const pathOf = (workspaceId: number) => `/admin/workspaces/${workspaceId}/delivery`;
/** A node samples itself every ten seconds, and a page reads it as often. */
const PATIENCE_MS = 40_000;

test('an owner sees each figure with its plot and table, and what the browser itself measures', async ({
  world,
  open
}) => {
  test.setTimeout(90_000);
  await reportEnd(world, world.a1, 'failed');
  const owner = await addMember(world, 'owner');
  const { page } = await open(owner, pathOf(world.a));
  await untilLive(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Delivery');
  await expect(page.locator('.verdict__who')).toContainText(/Figures of node [a-z]{6}/);
  await expect(page.locator('.grid h2')).toHaveText([
    'Database → this browser',
    'Canary: database → node',
    'Feed lag',
    'Found late',
    'Re-polls in flight',
    'Resyncs',
    'Slow clients',
    'Ring in memory',
    'Recount of numbers'
  ]);
  await expect(page.locator('.figure canvas').first()).toBeVisible({ timeout: PATIENCE_MS });
  await expect(page.locator('.figure canvas')).not.toHaveCount(1);
  const summary = page.locator('.figure summary').first();
  await summary.click();
  await expect(page.locator('.figure details[open] tbody tr').first()).toBeVisible();
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations).toEqual([]);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await new AxeBuilder({ page }).setLegacyMode().withRules(['color-contrast']).analyze();
  expect(dark.violations).toEqual([]);
});

test('others of the workspace are refused with the reason, outsiders find nothing', async ({ world, open }) => {
  const operator = await addMember(world, 'operator');
  const { page } = await open(operator, pathOf(world.a));
  await expect(page.locator('body')).toContainText('Only owners of this workspace can read how it is delivered.');
  const { page: other } = await open(operator, pathOf(world.b));
  await expect(other.locator('body')).not.toContainText('Only owners');
  expect((await other.request.get(pathOf(world.b))).status()).toBe(404);
});

test('a browser that cannot draw plots is told their course in words', async ({ world, open }) => {
  const owner = await addMember(world, 'owner');
  const { page, context } = await open(owner, 'about:blank');
  await context.addInitScript(() => Object.defineProperty(navigator, 'language', { get: () => 'en-US@posix' }));
  await page.goto(pathOf(world.a));
  await expect(page.locator('.plot__missing').first()).toContainText('This browser cannot draw the plot.', {
    timeout: PATIENCE_MS
  });
  await expect(page.locator('.figure summary').first()).toBeVisible();
});
