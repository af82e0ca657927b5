/**
 * The production build shows nothing of development, on every page and state, and the same smoke fails against
 * `npm run dev`: without that second half, a smoke that looks at the wrong things would pass for ever. The smoke is the
 * built program, as CI runs it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeSmokeToken } from '../src/lib/server/access/smoke-sign-in.ts';
import { SIGNATURES } from '../src/smoke/signatures/all.ts';
import { runSmoke, toLines } from '../tests/harness/smoke.ts';
import { makeWorld, type World } from '../tests/harness/world.ts';
import { writeHistory } from './harness/history.ts';
import { BUILD, DEMO_PASSWORD, PROJECT, startInstance } from './harness/instance.ts';
import { openStatementProxy } from './harness/statement-proxy.ts';
import { expect, hubPath, sharedDatabaseUrl, test, toCookie } from './harness/test.ts';

/** Overview, hub, filtered hub, detail, and error pages of every kind. */
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

/** Signed in as this person, in the form of Playwright. */
async function writeState(directory: string, person: { cookie: string }, url: string): Promise<string> {
  const { name, value } = toCookie(person, url);
  const cookie = { name, value, domain: new URL(url).hostname, path: '/', expires: -1, httpOnly: true, secure: false };
  const file = join(directory, 'state.json');
  await writeFile(file, JSON.stringify({ cookies: [{ ...cookie, sameSite: 'Lax' }], origins: [] }));
  return file;
}

const paths = (list: string[]): string[] => list.flatMap((path) => ['--path', path]);
const buildDirectories = [...new Set([PROJECT, BUILD])].flatMap((path) => ['--build-dir', path]);
let directory: string;
test.beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-smoke-state-'));
});
test.afterEach(() => rm(directory, { recursive: true, force: true }));

test('the production build is clean, signed out and on every page and state', async ({ baseURL, world }) => {
  test.setTimeout(300_000);
  const signedOut = await runSmoke([
    '--base-url',
    baseURL!,
    ...paths(['/login', '/login?next=%2Fadmin']),
    ...buildDirectories
  ]);
  expect(toLines(signedOut)).toEqual([]);
  expect(signedOut.code, signedOut.stderr).toBe(0);
  const state = await writeState(directory, world.everyone, baseURL!);
  const signedIn = await runSmoke(
    [
      ...['--base-url', baseURL!, '--storage-state', state, '--depth', '1', ...buildDirectories],
      ...['--canary-env', 'WATCHFLOOR_DEMO_PASSWORD'],
      ...['--expect', `${hubPath(world.a)} selector=table`, '--expect', '/nothing/here status=404'],
      ...paths(await pathsOf(world))
    ],
    { WATCHFLOOR_DEMO_PASSWORD: DEMO_PASSWORD }
  );
  expect(toLines(signedIn)).toEqual([]);
  expect(signedIn.code, signedIn.stderr).toBe(0);
  expect(
    signedIn.report!.pages.filter(({ isSignedIn, status }) => isSignedIn && status === 200).length
  ).toBeGreaterThan(8);
  await Promise.all([signedOut.remove(), signedIn.remove()]);
});

test('without its database it shows that it cannot answer, and nothing else', async () => {
  test.setTimeout(180_000);
  const proxy = await openStatementProxy(sharedDatabaseUrl());
  const cutOff = await startInstance({ databaseUrl: proxy.url });
  try {
    await proxy.close();
    const expected = ['--expect', '/login status=503', '--expect', '/login text=cannot reach its database'];
    const state = await writeState(directory, { cookie: `watchfloor=${'A'.repeat(43)}` }, cutOff.baseURL);
    const run = await runSmoke([
      '--base-url',
      cutOff.baseURL,
      '--storage-state',
      state,
      '--path',
      '/login',
      ...expected
    ]);
    // That it cannot answer is found, and so is that the page asks until it can. It tells nothing else.
    const isTrue = (signature: string, at: string): boolean =>
      signature === 'server-error' || (signature === 'failed-request' && at === '/readyz');
    const leaks = run.report?.findings.filter(({ signature, at }) => !isTrue(signature, at));
    expect(leaks, run.stderr).toEqual([]);
    expect(run.report!.pages.some(({ status }) => status === 503)).toBe(true);
    await run.remove();
  } finally {
    await cutOff.remove();
  }
});

test('the built-in recipe signs in by the form, and what follows from a wrong password is no verdict', async ({
  baseURL
}) => {
  test.setTimeout(120_000);
  const environment = {
    WATCHFLOOR_SMOKE_EMAIL: 'maren.holt@haldenroy.example',
    WATCHFLOOR_SMOKE_PASSWORD: DEMO_PASSWORD
  };
  const run = await runSmoke(
    [
      '--base-url',
      baseURL!,
      '--login',
      'watchfloor',
      '--path',
      '/admin',
      '--depth',
      '0',
      '--expect',
      '/admin status=200'
    ],
    environment
  );
  expect(toLines(run)).toEqual([]);
  expect(run.code, run.stderr).toBe(0);
  expect(JSON.stringify(run.report) + run.stdout + run.stderr).not.toContain(DEMO_PASSWORD);
  const wrong = await runSmoke(['--base-url', baseURL!, '--login', 'watchfloor'], {
    ...environment,
    WATCHFLOOR_SMOKE_EMAIL: 'nobody@haldenroy.example'
  });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('Signing in failed');
  await Promise.all([run.remove(), wrong.remove()]);
});

test('the same smoke fails against npm run dev, by every signature that says so', async () => {
  test.setTimeout(300_000);
  const development = await startInstance({ development: true });
  try {
    const world = await makeWorld(await development.databaseUrl());
    const state = await writeState(directory, world.everyone, development.baseURL);
    const run = await runSmoke([
      ...['--base-url', development.baseURL, '--storage-state', state, '--depth', '0', '--build-dir', PROJECT],
      ...paths(['/login', hubPath(world.a)])
    ]);
    await world.close();
    const found = new Set(run.report?.findings.map(({ signature }) => signature));
    const claimed = SIGNATURES.filter(({ controls }) => controls.real?.includes('vite-sveltekit'));
    const missed = claimed.filter(({ id }) => !found.has(id)).map(({ id }) => id);
    expect(missed, toLines(run).join('\n') + run.stderr).toEqual([]);
    expect(run.code).toBe(1);
    await run.remove();
  } finally {
    await development.remove();
  }
});

test('a single-use token signs the smoke in where that is switched on, and /login/smoke is nothing where it is not', async ({
  baseURL,
  request
}) => {
  test.setTimeout(240_000);
  expect((await request.get(`${baseURL}/login/smoke`)).status()).toBe(404);
  const open = await startInstance({ environment: { WATCHFLOOR_SMOKE_SIGN_IN: '1' } });
  try {
    const world = await makeWorld(await open.databaseUrl());
    const { token } = await makeSmokeToken(world.owner, { workspaceId: world.a });
    const args = ['--base-url', open.baseURL, '--login', 'watchfloor-session', '--depth', '0'];
    const run = await runSmoke(
      [...args, '--path', hubPath(world.a), '--expect', `${hubPath(world.a)} selector=table, [role=status]`],
      { WATCHFLOOR_SMOKE_TOKEN: token }
    );
    expect(toLines(run)).toEqual([]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.report!.pages.find(({ path, isSignedIn }) => path === hubPath(world.a) && isSignedIn)!.status).toBe(200);
    const again = await runSmoke([...args, '--timeout', '5'], { WATCHFLOOR_SMOKE_TOKEN: token });
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('Signing in failed');
    await Promise.all([world.close(), run.remove(), again.remove()]);
  } finally {
    await open.remove();
  }
});
