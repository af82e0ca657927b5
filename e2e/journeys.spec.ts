/**
 * One journey for each role, as a person makes it: sign in, see what needs attention, open it by keyboard, do what the role
 * allows, and come back to where one was. Beside each stands the browser of somebody else, who sees what it changes.
 */
import type { Page } from '@playwright/test';
import type { MemberRole } from '../src/lib/server/access/capabilities.ts';
import type { TestPerson, World } from '../tests/harness/world.ts';
import { attentionOn, rowOf, stripCount, tabOf, untilLive } from './harness/hub-page.ts';
import { addMember, signIn } from './harness/people.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, hubPath, test } from './harness/test.ts';

const REASON = 'The consent of the administrator is missing.';

/** A quiet day in a1 and a2, then a failure in a2 and the one that matters: blocked, in a1. */
async function prepare(world: World): Promise<{ blocked: number; failed: number }> {
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome)
     select $1, (array[$2, $3]::bigint[])[1 + n % 2], 'inventory.sync', 'completed', 'succeeded'
     from generate_series(1, 60) n`,
    [world.a, world.a1, world.a2]
  );
  const failed = await reportEnd(world, world.a2, 'failed', { type: 'policy.sync' });
  const blocked = await reportEnd(world, world.a1, 'blocked', { type: 'restore.execute', reason: REASON });
  await world.writer.query(`update operation_runs set context = '{"trace":"only for support"}' where id = $1`, [
    blocked
  ]);
  return { blocked, failed };
}

/** Signs in, lands in the hub, and opens what needs attention first without a pointer. */
async function findByKeyboard(page: Page, world: World, person: TestPerson, blocked: number): Promise<void> {
  await signIn(page, person);
  await expect(page).toHaveURL(hubPath(world.a));
  await untilLive(page);
  await expect(page.locator('.decision')).toContainText(REASON);
  await expect(attentionOn(page, blocked)).toHaveText('Open operation');
  await expect(stripCount(page, 'Blocked')).toHaveText('1');
  for (const key of ['j', 'j', 'k']) await page.keyboard.press(key);
  await expect(rowOf(page, blocked).locator('.op__link')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(hubPath(world.a, `/${blocked}`));
  await expect(page.locator('.verdict')).toContainText(REASON);
  await untilLive(page);
}

/** Back from an operation far down a filtered list: the same list, where it was left. */
async function expectSamePlace(page: Page, world: World): Promise<void> {
  const address = hubPath(world.a, `?environment_id=${world.a1}&outcome=succeeded`);
  await page.goto(address);
  await untilLive(page);
  for (let row = 0; row < 20; row += 1) await page.keyboard.press('j');
  const left = await page.evaluate(() => window.scrollY);
  expect(left).toBeGreaterThan(300);
  await page.keyboard.press('Enter');
  await expect(page.locator('.crumb')).toBeVisible();
  await untilLive(page);
  await page.locator('.crumb').getByRole('link', { name: 'Operations' }).click();
  await expect(page).toHaveURL(address);
  await expect
    .poll(async () => Math.abs((await page.evaluate(() => window.scrollY)) - left), { message: `was at ${left}` })
    .toBeLessThanOrEqual(1);
}

async function auditOf(world: World, operationId: number): Promise<{ kind: string; user_id: number }[]> {
  const sql = 'select kind, user_id from audit_events where operation_id = $1 order by at, id';
  return (await world.owner.query<{ kind: string; user_id: number }>(sql, [operationId])).rows;
}

/** Posts a form of the detail page by hand, as no button of ours does. */
async function post(page: Page, world: World, operationId: number, action: string): Promise<number> {
  const path = hubPath(world.a, `/${operationId}?/${action}`);
  const headers = { origin: new URL(page.url()).origin, accept: 'text/html' };
  return (await page.context().request.post(path, { form: { any: '1' }, headers, maxRedirects: 0 })).status();
}

for (const [who, role, isNarrowed] of [
  ['an owner', 'owner', false],
  ['a manager', 'manager', false],
  ['an operator', 'operator', false],
  ['an operator of one environment', 'operator', true]
] as const satisfies [string, MemberRole, boolean][]) {
  test(`${who} finds the blocked operation by keyboard and marks it reviewed, which everybody sees live, and undoes it`, async ({
    world,
    open,
    browser,
    baseURL
  }) => {
    const { blocked, failed } = await prepare(world);
    const person = await addMember(world, role, isNarrowed ? [world.a1] : []);
    const context = await browser.newContext({ baseURL: baseURL! });
    const page = await context.newPage();
    const { page: other } = await open(world.everyone, hubPath(world.a, '?activeTab=needs_follow_up'));
    await untilLive(other);
    await expect(rowOf(other, blocked)).toBeVisible();
    await expect(tabOf(other, 'Needs follow-up')).toHaveText(/2$/);

    await findByKeyboard(page, world, person, blocked);
    await expect(page.locator('.title')).toContainText('Follow-up open');
    await page.getByRole('button', { name: 'Mark reviewed' }).press('Enter');
    await expect(page.locator('#review-text')).toContainText(`Reviewed by ${role}-person at`);
    await expect(page.locator('.title')).toContainText('Reviewed');
    await expect(rowOf(other, blocked)).toHaveCount(0);
    await expect(tabOf(other, 'Needs follow-up')).toHaveText(/1$/);
    await expect(stripCount(other, 'Blocked')).toHaveText('0');
    await expect(attentionOn(other, blocked)).toHaveCount(0);
    await expect(attentionOn(other, failed)).toHaveText('Open operation');

    await page.getByRole('button', { name: 'Undo the review' }).press('Enter');
    await expect(page.getByRole('button', { name: 'Mark reviewed' })).toBeVisible();
    await expect(rowOf(other, blocked)).toBeVisible();
    await expect(stripCount(other, 'Blocked')).toHaveText('1');
    await expect(attentionOn(other, blocked)).toHaveText('Open operation');
    expect(await auditOf(world, blocked)).toEqual([
      { kind: 'reviewed', user_id: person.id },
      { kind: 'review_undone', user_id: person.id }
    ]);

    expect(await post(page, world, blocked, 'diagnostics')).toBe(403);
    expect(await post(page, world, failed, 'review')).toBe(isNarrowed ? 404 : 303);
    if (isNarrowed) await expect(stripCount(other, 'Failed')).toHaveText('1');
    await expectSamePlace(page, world);
    await context.close();
  });
}

test('a readonly person reads everything about the blocked operation and can change nothing, also not by hand', async ({
  world,
  browser,
  baseURL
}) => {
  const { blocked } = await prepare(world);
  const person = await addMember(world, 'readonly');
  const context = await browser.newContext({ baseURL: baseURL! });
  const page = await context.newPage();
  await findByKeyboard(page, world, person, blocked);
  await expect(page.locator('#review-text')).toContainText('Owners, managers and operators');
  await expect(page.getByRole('button', { name: /review/i })).toHaveCount(0);
  await expect(page.getByText('Diagnostics')).toHaveCount(0);
  for (const action of ['review', 'undo', 'diagnostics']) expect(await post(page, world, blocked, action)).toBe(403);
  expect(await auditOf(world, blocked)).toEqual([]);
  await page.reload();
  await expect(page.locator('.title')).toContainText('Follow-up open');
  await expectSamePlace(page, world);
  await context.close();
});

test('support opens the diagnostics of the blocked operation, and each opening is recorded', async ({
  world,
  browser,
  baseURL
}) => {
  const { blocked } = await prepare(world);
  const person = await addMember(world, 'support');
  const context = await browser.newContext({ baseURL: baseURL! });
  const page = await context.newPage();
  await findByKeyboard(page, world, person, blocked);
  expect(await page.content()).not.toContain('only for support');
  expect(await auditOf(world, blocked)).toEqual([]);
  await page.locator('summary', { hasText: 'Diagnostics' }).press('Enter');
  await expect(page.getByLabel('Diagnostics as JSON')).toContainText('only for support');
  await expect(page.locator('.diagnostics')).toContainText('Every opening is recorded: yours at');
  expect(await auditOf(world, blocked)).toEqual([{ kind: 'diagnostics_opened', user_id: person.id }]);
  await expect(page.getByRole('button', { name: /review/i })).toHaveCount(0);
  expect(await post(page, world, blocked, 'review')).toBe(403);
  await page.reload();
  await expect(page.locator('summary', { hasText: 'Diagnostics' })).toBeVisible();
  expect(await page.content(), 'a reload opens nothing').not.toContain('only for support');
  await expectSamePlace(page, world);
  await context.close();
});
