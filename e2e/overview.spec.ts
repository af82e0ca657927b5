/**
 * The overview: a tile for each environment that one may see, the worst first, live, and still under a hand. What it says
 * without proof is held where the feed is really lost (faults.spec.ts).
 */
import type { Page } from '@playwright/test';
import type { World } from '../tests/harness/world.ts';
import { shownIds, stripCount, untilLive } from './harness/hub-page.ts';
import { reportEnd, reportRunning } from './harness/reports.ts';
import { expect, hubPath, test } from './harness/test.ts';

const overviewPath = (workspaceId: number, query = ''): string => `/admin/workspaces/${workspaceId}${query}`;
const tile = (page: Page, name: string) =>
  page.locator('.tile').filter({ has: page.getByRole('link', { name, exact: true }) });
const names = (page: Page) => page.locator('.tile__name').allInnerTexts();

/** a1 calm, a2 failed, a3 has never reported, and the workspace itself runs something. */
async function prepare(world: World): Promise<void> {
  await reportEnd(world, world.a1, 'succeeded');
  await reportEnd(world, world.a2, 'failed', { reason: 'The quota is used up.' });
  await reportRunning(world, null);
}

test('the worst environment comes first, says why, and leads into the hub with its filter', async ({ world, open }) => {
  await prepare(world);
  const { page } = await open(world.everyone, overviewPath(world.a));
  await untilLive(page);
  await expect.poll(() => names(page)).toEqual(['a2', 'a3', 'a1', 'The workspace itself']);
  await expect(tile(page, 'a2')).toContainText(/Failed\s*Inventory sync: The quota is used up\./);
  await expect(tile(page, 'a3')).toContainText('No report yet');
  await expect(tile(page, 'a1')).toContainText('No open follow-up');
  await expect(page.locator('.fleet__note')).toHaveText(
    '1 needs attention, 1 has not reported yet, 1 has nothing open.'
  );
  await expect(stripCount(page, 'Failed')).toHaveText('1');
  await expect(stripCount(page, 'Active')).toHaveText('1');
  // The whole tile is the link.
  await tile(page, 'a2').click({ position: { x: 8, y: 60 } });
  await expect(page).toHaveURL(hubPath(world.a, `?environment_id=${world.a2}`));
  await expect(page.locator('tbody tr')).toHaveCount(1);
  await page.goBack();
  await page.getByRole('link', { name: 'Name', exact: true }).click();
  await expect(page).toHaveURL(overviewPath(world.a, '?order=name'));
  await expect.poll(() => names(page)).toEqual(['a1', 'a2', 'a3', 'The workspace itself']);
});

test('tiles change live and in place while one points at them or has one focused; then they find their order', async ({
  world,
  open
}) => {
  await prepare(world);
  const { page } = await open(world.everyone, overviewPath(world.a));
  await untilLive(page);
  const before = ['a2', 'a3', 'a1', 'The workspace itself'];
  await expect.poll(() => names(page)).toEqual(before);
  await tile(page, 'a3').hover();
  await reportEnd(world, world.a1, 'blocked', { type: 'restore.execute', reason: 'A licence is missing.' });
  await expect(tile(page, 'a1')).toContainText(/Blocked\s*\S.*A licence is missing\./);
  await expect(stripCount(page, 'Blocked')).toHaveText('1');
  expect(await names(page)).toEqual(before);
  await page.mouse.move(400, 3);
  await expect.poll(() => names(page)).toEqual(['a1', 'a2', 'a3', 'The workspace itself']);

  const link = tile(page, 'a2').getByRole('link');
  await link.focus();
  await reportEnd(world, world.a3, 'blocked', { type: 'restore.execute' });
  await expect(tile(page, 'a3')).toContainText('Blocked');
  expect(await names(page)).toEqual(['a1', 'a2', 'a3', 'The workspace itself']);
  await expect(link).toBeFocused();
  await link.blur();
  await expect.poll(() => names(page)).toEqual(['a1', 'a3', 'a2', 'The workspace itself']);
});

test('a narrowed person sees the tiles, numbers and changes of their environments and of no other', async ({
  world,
  open
}) => {
  await prepare(world);
  const { page, received } = await open(world.narrowed, overviewPath(world.a));
  await untilLive(page);
  await expect.poll(() => names(page)).toEqual(['a1', 'The workspace itself']);
  await expect(stripCount(page, 'Failed')).toHaveText('0');
  await expect(page.locator('.fleet__note')).toHaveText('It has nothing open.');
  await reportEnd(world, world.a2, 'blocked', { reason: 'secret.reason' });
  await reportEnd(world, world.a1, 'failed', { reason: 'The marker.' });
  await expect(tile(page, 'a1')).toContainText('The marker.');
  await expect(stripCount(page, 'Failed')).toHaveText('1');
  await expect(stripCount(page, 'Blocked')).toHaveText('0');
  expect(received.join('\n')).toContain('The marker.');
  expect(received.join('\n')).not.toContain('secret.reason');
  expect(await page.content()).not.toContain('secret.reason');
  // A right that is taken away: its tile goes, without a reload.
  await world.owner.query('update environment_memberships set managed_environment_id = $2 where user_id = $1', [
    world.narrowed.id,
    world.a3
  ]);
  await expect.poll(() => names(page)).toEqual(['a3', 'The workspace itself']);
  await expect(page.locator('body')).not.toContainText('The marker.');
});

test('the overview works without JavaScript: numbers, tiles, their order, and the way into the hub', async ({
  world,
  open
}) => {
  await prepare(world);
  const { page } = await open(world.everyone, overviewPath(world.a), { javaScriptEnabled: false });
  expect(await names(page)).toEqual(['a2', 'a3', 'a1', 'The workspace itself']);
  await expect(page.locator('noscript .still')).toBeVisible();
  await expect(page.locator('.stamp')).not.toContainText('Live');
  await page.locator('.strip__item', { hasText: 'Failed' }).click();
  await expect(page).toHaveURL(hubPath(world.a, '?activeTab=needs_follow_up&outcome=failed'));
  expect(await shownIds(page)).toHaveLength(1);
});
