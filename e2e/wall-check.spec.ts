/**
 * `npm run wall:check` as a person uses it: a program of its own that opens a browser of its own, prints a code, and says
 * by its exit code whether the wall of this server can be trusted.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pair } from './harness/displays.ts';
import { PROJECT } from './harness/instance.ts';
import { addMember } from './harness/people.ts';
import { reportEnd } from './harness/reports.ts';
import { expect, test } from './harness/test.ts';

test.describe.configure({ timeout: 120_000 });

let profile: string;
test.beforeEach(async () => {
  profile = await mkdtemp(join(tmpdir(), 'watchfloor-wall-check-'));
});
test.afterEach(() => rm(profile, { recursive: true, force: true }));

interface Run {
  output(): string;
  /** the exit code, once it has ended */
  ended: Promise<number | null>;
}

function check(url: string, ...more: string[]): Run {
  let output = '';
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'scripts/wall-check.ts', '--url', url, '--profile', profile, '--watch-seconds', '2', ...more],
    { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'] }
  );
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return { output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) };
}

test('a wall is sound once a person has approved its code, and stays paired for the next check', async ({
  baseURL,
  open,
  world
}) => {
  await reportEnd(world, world.a1, 'failed');
  const admin = await open(await addMember(world, 'manager'), '/admin');
  const first = check(baseURL!);
  const code = /approve the code ([A-Z]{8})/;
  await expect.poll(() => first.output(), { timeout: 60_000 }).toMatch(code);
  await pair(admin.page, world.a, code.exec(first.output())![1]!, { name: 'Check' });
  expect(await first.ended, first.output()).toBe(0);
  for (const line of ['answers', 'paired: Check', 'no login form', 'live', 'no scroll', 'no console error']) {
    expect(first.output()).toContain(`ok    ${line}`);
  }
  const again = check(baseURL!, '--pair-minutes', '0');
  expect(await again.ended, again.output()).toBe(0);
});

test('a screen that nobody approves is not paired, and a page that asks for a sign-in is no wall', async ({
  baseURL
}) => {
  const unpaired = check(baseURL!, '--pair-minutes', '0');
  expect(await unpaired.ended).toBe(3);
  expect(unpaired.output()).toContain('FAIL  paired: unpaired');
  const login = check(`${baseURL}/login`, '--pair-minutes', '0');
  expect(await login.ended).toBe(3);
  expect(login.output()).toContain('FAIL  no login form');
});

test('what it cannot ask about it says so', async ({ baseURL }) => {
  expect(await check('no address').ended).toBe(2);
  expect(await check(baseURL!, '--size', 'large').ended).toBe(2);
});
