/**
 * Access that moves under open pages of the production build: what is taken leaves every page without a reload, with one
 * line that says why, and what is given comes back, also what did not change meanwhile. Changes are made as the command line
 * makes them. How long it took is printed, not judged.
 */
import type { Page } from '@playwright/test';
import { addMember as setMember, disableUser, entitle, removeMember } from '../src/lib/server/access/administration.ts';
import { insertOperation, makeSession, type TestPerson, type World } from '../tests/harness/world.ts';
import { rowOf, stripCount, untilLive } from './harness/hub-page.ts';
import { addMember, signIn } from './harness/people.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';

const NOTHING_HERE = 'There is nothing at this address.';
const notice = (page: Page) => page.locator('.notice');
const tile = (page: Page, name: string) => page.locator('.fleet__grid').getByText(name, { exact: true });

/** A page that was loaded anew has lost this. */
const mark = (page: Page): Promise<void> => page.evaluate(() => void Object.assign(window, { isSamePage: true }));
const isSame = (page: Page): Promise<boolean> => page.evaluate(() => 'isSamePage' in window);

/** Does it, waits for what must follow, and prints how long that took: until things left, and until all was read anew. */
async function timed(
  what: string,
  change: () => Promise<unknown>,
  follows: () => Promise<unknown>,
  leaves?: () => Promise<unknown>
): Promise<void> {
  const from = performance.now();
  const tookMs = (): number => Math.round(performance.now() - from);
  await change();
  await leaves?.();
  const left = leaves ? `left after ${tookMs()} ms, ` : '';
  await follows();
  console.info(`${what}: ${left}all pages read anew after ${tookMs()} ms`);
}

interface Places {
  list: Page;
  detail: Page;
  overview: Page;
  /** of a1 and of a2 */
  shown: number;
  hidden: number;
}

/** A list of the workspace, a detail of a2 and the overview, each open in a browser of its own, with a failure in a1 and in a2. */
async function openPlaces(
  world: World,
  open: (person: TestPerson, path: string) => Promise<{ page: Page }>,
  person: TestPerson
): Promise<Places> {
  const [shown, hidden] = [await reportEnd(world, world.a1, 'failed'), await reportEnd(world, world.a2, 'failed')];
  const [list, detail, overview] = await Promise.all(
    [hubPath(world.a), hubPath(world.a, `/${hidden}`), `/admin/workspaces/${world.a}`].map(
      async (path) => (await open(person, path)).page
    )
  );
  for (const page of [list!, detail!, overview!]) {
    await untilLive(page);
    await mark(page);
  }
  await expect(stripCount(list!, 'Failed')).toHaveText('2');
  await expect(stripCount(overview!, 'Failed')).toHaveText('2');
  return { list: list!, detail: detail!, overview: overview!, shown, hidden };
}

test('a membership that is removed takes list, detail and overview away without a reload, and the same words come for all', async ({
  world,
  open
}) => {
  const person = await addMember(world, 'operator');
  const { list, detail, overview, hidden } = await openPlaces(world, open, person);
  const pages = [list, detail, overview];
  const { email } = person;
  await timed(
    'membership removed',
    () => removeMember(world.owner, { workspaceId: world.a, email }),
    () => Promise.all(pages.map((page) => expect(page.getByText(NOTHING_HERE)).toBeVisible())),
    () => Promise.all(pages.map((page) => expect(page.locator('tbody tr, article')).toHaveCount(0)))
  );
  for (const page of pages) {
    await expect(notice(page)).toContainText(/You no longer see what was open here, since \d\d:\d\d:\d\d CET\./);
    expect(await isSame(page)).toBe(true);
    await expect(page.locator('tbody tr, .strip__count, article, .fleet')).toHaveCount(0);
    await expect(page.locator('body')).not.toContainText('Workspace A');
  }
  // Put away by hand; and whoever loads the address is told nothing but what everybody is.
  await notice(list).getByRole('button', { name: 'Dismiss this notice' }).click();
  await expect(notice(list)).toHaveCount(0);
  await detail.reload();
  await expect(detail.getByText(NOTHING_HERE)).toBeVisible();
  await expect(notice(detail)).toHaveCount(0);
  await setMember(world.owner, { workspaceId: world.a, email, role: 'operator' });
  await list.reload();
  await expect(rowOf(list, hidden)).toBeVisible();
});

test('a narrowing takes rows, numbers and tiles of what is hidden, and its end brings them back unchanged, all without a reload', async ({
  world,
  open
}) => {
  const person = await addMember(world, 'operator');
  const { list, detail, overview, shown, hidden } = await openPlaces(world, open, person);
  const { email } = person;
  await timed(
    'narrowed',
    () => entitle(world.owner, { workspaceId: world.a, email, environmentIds: [world.a1] }),
    async () => {
      await expect(rowOf(list, hidden)).toHaveCount(0);
      await expect(tile(overview, 'a2')).toHaveCount(0);
      await expect(detail.getByText(NOTHING_HERE)).toBeVisible();
    },
    async () => {
      await expect(rowOf(list, hidden)).toHaveCount(0);
      await expect(detail.locator('article')).toHaveCount(0);
    }
  );
  await expect(rowOf(list, shown)).toBeVisible();
  await expect(tile(overview, 'a1')).toBeVisible();
  for (const page of [list, overview]) {
    await expect(stripCount(page, 'Failed')).toHaveText('1');
    await expect(notice(page)).toContainText(
      /Your access changed at \d\d:\d\d:\d\d CET\. This is what you may see now\./
    );
  }
  await expect(notice(detail)).toContainText('You no longer see what was open here');
  // Neither what comes into a2 now nor its name: what was there is hidden, and what comes is not told.
  const secret = await insertOperation(world.writer, world.a, world.a2, 'secret.after');
  const seen = await insertOperation(world.writer, world.a, world.a1);
  await expect(rowOf(list, seen)).toBeVisible();
  await expect(list.locator('body')).not.toContainText('secret.after');
  await notice(list).getByRole('button', { name: 'Dismiss this notice' }).click();

  await timed(
    'narrowing lifted',
    () => entitle(world.owner, { workspaceId: world.a, email, environmentIds: [] }),
    async () => {
      for (const id of [hidden, secret]) await expect(rowOf(list, id)).toBeVisible();
      await expect(tile(overview, 'a2')).toBeVisible();
    }
  );
  for (const page of [list, overview]) {
    await expect(stripCount(page, 'Failed')).toHaveText('2');
    await expect(notice(page)).toContainText('This is what you may see now.');
    expect(await isSame(page)).toBe(true);
  }
});

for (const [what, take] of Object.entries({
  'a session that is deleted': (world: World, { sessionId }: TestPerson) =>
    world.owner.query('delete from sessions where id = $1', [sessionId]),
  'a person who is disabled': (world: World, { email }: TestPerson) => disableUser(world.owner, { email })
}))
  test(`${what} leads every page to sign in, which says so; signed in again, everything is there`, async ({
    world,
    open,
    baseURL
  }) => {
    const person = await addMember(world, 'operator');
    const { list, detail, overview, hidden } = await openPlaces(world, open, person);
    await timed(
      what,
      () => take(world, person),
      () => Promise.all([list, detail, overview].map((page) => page.waitForURL(/\/login\?next=/))),
      () =>
        Promise.all([
          expect(rowOf(list, hidden)).toBeHidden(),
          expect(detail.locator('article')).toBeHidden(),
          expect(tile(overview, 'a2')).toBeHidden()
        ])
    );
    for (const page of [list, detail, overview])
      await expect(notice(page)).toContainText(
        /Your session ended at \d\d:\d\d:\d\d CET\. Sign in to go on where you were\./
      );
    await world.owner.query('update users set disabled_at = null where id = $1', [person.id]);
    const again = await makeSession(world.owner, person.id);
    await list.context().addCookies([toCookie(again, baseURL!)]);
    await list.reload();
    await expect(list).toHaveURL(new RegExp(`${hubPath(world.a)}$`));
    await expect(rowOf(list, hidden)).toBeVisible();
    await expect(notice(list)).toHaveCount(0);
  });

test('who signs out is told so, and another tab of theirs that its session ended', async ({ world, open }) => {
  const person = await addMember(world, 'readonly');
  const { page, context } = await open(person, hubPath(world.a));
  await untilLive(page);
  const other = await context.newPage();
  await other.goto(hubPath(world.a));
  await untilLive(other);
  await page.locator('summary', { hasText: 'readonly-person' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
  await expect(notice(page)).toContainText('You are signed out.');
  await expect(other).toHaveURL(/\/login\?next=/);
  await expect(notice(other)).toContainText('Your session ended at');
  await signIn(page, person);
  await expect(notice(page)).toHaveCount(0);
});

test('a capability that is lost takes its buttons from an open page, its form refuses, and it comes back with the role', async ({
  world,
  open
}) => {
  const person = await addMember(world, 'operator');
  const failed = await reportEnd(world, world.a1, 'failed');
  const path = hubPath(world.a, `/${failed}`);
  const { page } = await open(person, path);
  await untilLive(page);
  await mark(page);
  const review = page.getByRole('button', { name: 'Mark reviewed' });
  const diagnostics = page.locator('summary', { hasText: 'Diagnostics' });
  await expect(review).toBeVisible();
  await expect(diagnostics).toHaveCount(0);
  const role = (name: string) => () =>
    setMember(world.owner, { workspaceId: world.a, email: person.email, role: name });

  await timed('operator → support', role('support'), async () => {
    await expect(diagnostics).toBeVisible();
    await expect(review).toHaveCount(0);
  });
  await expect(notice(page)).toContainText('Your access changed at');
  const origin = new URL(page.url()).origin;
  const post = (action: string) =>
    page.request.post(`${path}?/${action}`, { form: { any: '1' }, headers: { origin }, maxRedirects: 0 });
  expect((await post('review')).status()).toBe(403);

  await timed('support → readonly', role('readonly'), async () => {
    await expect(diagnostics).toHaveCount(0);
    await expect(page.getByText('What is shown is the last that was known of it.')).toHaveCount(0);
    await expect(page.locator('article')).toBeVisible();
  });
  for (const action of ['review', 'undo', 'diagnostics']) expect((await post(action)).status(), action).toBe(403);

  await timed('readonly → operator', role('operator'), () => expect(review).toBeVisible());
  await review.click();
  await expect(page.getByRole('button', { name: /^Undo/ })).toBeVisible();
  expect(await isSame(page)).toBe(true);
});
