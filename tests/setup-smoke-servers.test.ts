/**
 * The smoke against real servers: development servers of Vite with React and with Vue, Express and a plain server in
 * development, in which every signature that claims so must be found; and production builds of the same, and a static
 * site, in which nothing may be found.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import vue from '@vitejs/plugin-vue';
import { build, createServer, type InlineConfig, type PluginOption } from 'vite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SIGNATURES } from '../src/smoke/signatures/all.ts';
import { CONTROL_SERVERS, type ControlServer, type Sample } from '../src/smoke/signature.ts';
import { freePort } from './harness/postgres.ts';
import { runSmoke, serveSamples, toLines, type SmokeRun } from './harness/smoke.ts';

const APPS = fileURLToPath(new URL('./smoke-apps', import.meta.url));
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-smoke-apps-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function expectAllOf(server: ControlServer, run: SmokeRun): void {
  const found = new Set(run.report?.findings.map(({ signature }) => signature));
  const claimed = SIGNATURES.filter(({ controls }) => controls.real?.includes(server)).map(({ id }) => id);
  expect(claimed.length).toBeGreaterThan(0);
  expect(
    claimed.filter((id) => !found.has(id)),
    toLines(run).join('\n') + run.stderr
  ).toEqual([]);
  expect(run.code).toBe(1);
}

const VITE_APPS: { name: 'vite-react' | 'vite-vue'; plugin: () => PluginOption; paths: string[] }[] = [
  { name: 'vite-react', plugin: () => react(), paths: ['/', '/broken.html'] },
  { name: 'vite-vue', plugin: () => vue(), paths: ['/'] }
];

for (const { name, plugin, paths } of VITE_APPS) {
  const root = join(APPS, name);
  const config = (): InlineConfig => ({ root, configFile: false, logLevel: 'silent', plugins: [plugin()] });

  test(`${CONTROL_SERVERS[name]} is found by every signature that says so`, { timeout: 200_000 }, async () => {
    const server = await createServer({
      ...config(),
      cacheDir: join(directory, `cache-${name}`),
      server: { host: '127.0.0.1', port: await freePort(), strictPort: true }
    });
    await server.listen();
    const url = server.resolvedUrls!.local[0]!;
    const run = await runSmoke(['--base-url', url, '--build-dir', root, ...paths.flatMap((path) => ['--path', path])]);
    await server.close();
    expectAllOf(name, run);
    await run.remove();
  });

  test(`the production build of ${name} is clean`, { timeout: 200_000 }, async () => {
    const outDir = join(directory, `build-${name}`);
    // Vitest's own environment is no production.
    vi.stubEnv('NODE_ENV', 'production');
    await build({ ...config(), mode: 'production', build: { outDir, emptyOutDir: true } });
    vi.unstubAllEnvs();
    await expectClean(outDir, root);
  });
}

test(
  'a static site, and one that answers everything with its start page, are clean',
  { timeout: 200_000 },
  async () => {
    const site = join(directory, 'site');
    await mkdir(join(site, 'guide'), { recursive: true });
    const page = (title: string, body: string): string =>
      `<!doctype html><html lang="en"><head><title>${title}</title><link rel="stylesheet" href="/site.css"><link rel="icon" href="data:,"></head><body>${body}</body></html>`;
    await Promise.all([
      writeFile(
        join(site, 'index.html'),
        page('Shop', '<h1>Shop</h1><a href="/guide/">Guide</a><a href="/logout">Sign out</a>')
      ),
      writeFile(
        join(site, 'guide', 'index.html'),
        page(
          'Guide',
          '<p>Vite serves <code>/@vite/client</code> in development; webpack-dev-server has an overlay.</p>'
        )
      ),
      writeFile(join(site, 'site.css'), 'body { font-family: sans-serif; }\n')
    ]);
    await expectClean(site, site);
  }
);

for (const name of ['express', 'node'] as const)
  test(`${CONTROL_SERVERS[name]} is found by every signature that says so`, { timeout: 200_000 }, async () => {
    const port = await freePort();
    const child = spawn(process.execPath, [join(APPS, 'servers', `${name}.mjs`)], {
      env: { PATH: process.env['PATH'], PORT: String(port), NODE_ENV: 'development' },
      stdio: 'inherit'
    });
    const url = `http://127.0.0.1:${port}`;
    await vi.waitFor(async () => expect((await fetch(url)).status).toBe(200), { timeout: 30_000, interval: 50 });
    const run = await runSmoke(['--base-url', url, '--path', '/', '--path', '/broken']);
    await end(child);
    expectAllOf(name, run);
    await run.remove();
  });

/** With servers that answer what they do not know with a 404, with their start page, and with a page about the address. */
async function expectClean(folder: string, buildDirectory: string): Promise<void> {
  const samples = await readSamples(folder);
  const start = samples.find(({ path }) => path === '/')!;
  const echo = { status: 200, body: '<!doctype html><title>{path}</title><p>There is no {path}.</p>' };
  for (const fallback of [undefined, { ...start, status: 200 }, echo]) {
    const server = await serveSamples(samples, fallback);
    const run = await runSmoke(['--base-url', `${server.url}/`, '--depth', '2', '--build-dir', buildDirectory]);
    await server.close();
    expect(toLines(run)).toEqual([]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    expect(server.asked.filter((line) => line.includes('logout'))).toEqual([]);
    await run.remove();
  }
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml'
};
async function readSamples(folder: string): Promise<Sample[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (file) => ({
      path: `/${relative(folder, file)}`.replace(/index\.html$/, ''),
      type: TYPES[extname(file)] ?? 'application/octet-stream',
      body: await readFile(file, 'utf8')
    }))
  );
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
