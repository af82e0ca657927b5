/**
 * The production build shows nothing of development, and the same smoke fails against `npm run dev`: without that second
 * half, a smoke that looks at the wrong things would pass for ever.
 */
import { findLeaks } from './harness/find-leaks.ts';
import { writeHistory } from './harness/history.ts';
import { PROJECT, startInstance } from './harness/instance.ts';
import { expect, hubPath, test, toCookie } from './harness/test.ts';
import { makeWorld, type World } from '../tests/harness/world.ts';

/** Overview, hub, filtered hub, detail, and error pages of every kind; /login is for who is signed out. */
async function pathsOf(world: World): Promise<string[]> {
  const [newest] = await writeHistory(world, 30);
  return [
    '/admin',
    '/admin/connection',
    `/admin/connection?workspace=${world.b}`,
    `/admin/workspaces/${world.a}`,
    `/admin/workspaces/${world.a}/delivery`,
    hubPath(world.a),
    hubPath(world.a, '?activeTab=needs_follow_up&type=inventory.sync&q=sync'),
    hubPath(world.a, `?environment_id=${world.a1}`),
    hubPath(world.a, `/${newest}`),
    hubPath(world.b),
    hubPath(world.a, '/abc'),
    hubPath(world.a, '?rows=7'),
    '/admin/nothing/here',
    '/nothing/here'
  ];
}

test('the production build shows no development client, overlay, source map, path or version on any page', async ({
  browser,
  baseURL,
  world
}) => {
  const signedOut = await browser.newContext();
  const signedIn = await browser.newContext();
  await signedIn.addCookies([toCookie(world.everyone, baseURL!)]);
  const options = { secretPaths: [PROJECT, process.env['WATCHFLOOR_E2E_BUILD'] ?? PROJECT] };
  expect(await findLeaks(baseURL!, ['/login', '/login?next=%2Fadmin'], signedOut, options)).toEqual([]);
  expect(await findLeaks(baseURL!, await pathsOf(world), signedIn, options)).toEqual([]);
  await Promise.all([signedOut.close(), signedIn.close()]);
});

test('the same smoke fails against npm run dev', async ({ browser }) => {
  test.setTimeout(180_000);
  const development = await startInstance({ development: true });
  try {
    const world = await makeWorld(await development.databaseUrl());
    const context = await browser.newContext();
    await context.addCookies([toCookie(world.everyone, development.baseURL)]);
    const leaks = await findLeaks(development.baseURL, ['/login', hubPath(world.a), hubPath(world.b)], context, {
      secretPaths: [PROJECT]
    });
    await Promise.all([context.close(), world.close()]);
    const kinds = new Set(leaks.map(({ kind }) => kind));
    for (const kind of ['development client', 'development socket', 'machine path', 'source file', 'source map'])
      expect([...kinds], `what was found: ${JSON.stringify(leaks.slice(0, 20), null, 1)}`).toContain(kind);
  } finally {
    await development.remove();
  }
});
