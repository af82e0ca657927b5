/**
 * The smoke as a program: exit codes, what it writes and where, baselines, expectations, sign-in by a recipe, its bounds,
 * and that its package runs by itself.
 */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from './harness/postgres.ts';
import { runSmoke, serveSamples, SMOKE, toLines, type SampleServer } from './harness/smoke.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
let directory: string;
let clean: SampleServer;
let leaking: SampleServer;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-smoke-program-'));
  clean = await serveSamples([{ path: '/', body: '<title>Shop</title><main><h1>Shop</h1></main>' }]);
  leaking = await serveSamples([
    { path: '/', headers: { server: 'nginx/1.24.0' }, body: '<title>Shop</title><h1>Shop</h1>' },
    { path: '/.env', type: 'text/plain', body: 'DATABASE_URL=postgres://shop:hunter2@db/shop\n' }
  ]);
});
afterAll(async () => {
  await Promise.all([clean?.close(), leaking?.close()]);
  await rm(directory, { recursive: true, force: true });
});

test('clean is 0, findings are 1, and each report says the same', async () => {
  const good = await runSmoke([clean.url]);
  expect(good.code, good.stdout + good.stderr).toBe(0);
  expect(good.stdout).toMatch(/^clean: 2 pages/m);
  expect((await readdir(join(good.directory, 'screenshots'))).length).toBe(2);
  const bad = await runSmoke([leaking.url, '--github']);
  expect(bad.code, bad.stdout + bad.stderr).toBe(1);
  expect(toLines(bad).map((line) => line.split(' at ')[0])).toEqual(['environment-file', 'version-header']);
  expect(await bad.read('verification.md')).toContain('**2 findings**: 1 high, 0 medium, 1 low.');
  expect((await bad.read('junit.xml')).match(/<failure /g)).toHaveLength(2);
  expect(JSON.parse(await bad.read('smoke.sarif')).runs[0].results).toHaveLength(2);
  expect(bad.stdout.match(/^::(error|notice) title=smoke/gm)).toHaveLength(2);
  for (const file of ['verification.md', 'smoke.json', 'junit.xml', 'smoke.sarif'])
    expect(await bad.read(file), 'what stood in the file is nobody’s business').not.toContain('hunter2');
  expect(bad.stderr, 'it says where it is').toMatch(/^01 \/ 200/m);
  await Promise.all([good.remove(), bad.remove()]);
});

test('what could not run is 2, with a sentence', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const cases: [string[], RegExp][] = [
    [[], /Say where/],
    [[nobody], /does not answer/],
    [[clean.url, '--browser', '/no/such/browser'], /there is no such file/],
    [[clean.url, '--baseline', '/no/such/file'], /no such file/],
    [[clean.url, '--login', 'nobody-knows'], /neither a file nor one of watchfloor/],
    [[clean.url, '--canary-env', 'NOT_SET'], /NOT_SET/],
    [[clean.url, '--storage-state', '/no/such/state.json'], /--storage-state/]
  ];
  for (const [args, sentence] of cases) {
    const run = await runSmoke(args);
    expect(run.code, args.join(' ')).toBe(2);
    expect(run.stderr).toMatch(sentence);
    expect(run.stderr).not.toMatch(/\n\s+at /);
    await run.remove();
  }
});

test('a run that is not whole is not clean', async () => {
  const run = await runSmoke([clean.url, '--no-browser', '--max-requests', '10']);
  expect(run.code).toBe(2);
  expect(run.report!.notes.join()).toContain('--max-requests');
  expect(clean.asked.length).toBeGreaterThan(0);
  await run.remove();
});

test('findings below --fail-on are told, and do not fail', async () => {
  const server = await serveSamples([{ path: '/', headers: { server: 'nginx/1.24.0' }, body: '<h1>Shop</h1>' }]);
  const run = await runSmoke([server.url, '--no-browser', '--fail-on', 'medium']);
  await server.close();
  expect(run.code).toBe(0);
  expect(run.report!.findings).toHaveLength(1);
  await run.remove();
});

test('a baseline that was written accepts what was found, and an entry that is over does not', async () => {
  const file = join(directory, 'baseline.json');
  const first = await runSmoke([leaking.url, '--no-browser', '--write-baseline', file]);
  expect(first.code).toBe(1);
  const second = await runSmoke([leaking.url, '--no-browser', '--baseline', file]);
  expect(second.code).toBe(0);
  expect(second.report!.accepted).toHaveLength(2);
  await writeFile(file, (await readFile(file, 'utf8')).replace(/"until": "[^"]+"/, '"until": "2020-01-01"'));
  const third = await runSmoke([leaking.url, '--no-browser', '--baseline', file]);
  expect(third.code).toBe(1);
  expect(third.report!.over).toHaveLength(1);
  await Promise.all([first.remove(), second.remove(), third.remove()]);
});

test('expectations are held, with a browser and without', async () => {
  const met = ['--expect', '/ status=200', '--expect', 'text=Shop', '--expect', '/ selector=main h1'];
  const good = await runSmoke([clean.url, ...met]);
  expect(toLines(good)).toEqual([]);
  const bad = await runSmoke([clean.url, '--no-browser', '--expect', '/ text=Cart', '--expect', '/ status=204']);
  expect(bad.code).toBe(1);
  expect(bad.report!.findings.map(({ evidence }) => evidence)).toEqual([
    'the text "Cart" is not there',
    'status 200 instead of 204'
  ]);
  await Promise.all([good.remove(), bad.remove()]);
});

test('without a browser the sources are still found, and it says what was not looked at', async () => {
  const server = await serveSamples([
    {
      path: '/',
      body: '<script type="module" src="/app.js"></script>',
      also: [
        { path: '/app.js', type: 'text/javascript', body: '0;\n//# sourceMappingURL=app.js.map' },
        { path: '/app.js.map', type: 'application/json', body: '{"version":3,"sources":[],"mappings":"AAAA"}' }
      ]
    }
  ]);
  const run = await runSmoke([server.url, '--no-browser']);
  await server.close();
  expect(run.report!.findings.map(({ signature }) => signature).sort()).toEqual([
    'source-map-answers',
    'source-map-comment'
  ]);
  expect(run.report!.notes.join()).toContain('Without a browser');
  await run.remove();
});

test('a recipe signs in, its secret is nowhere, and only then pages are seen that need it', async () => {
  const forms: string[] = [];
  const server = createServer((request, response) => {
    const isIn = request.headers.cookie === 'in=1';
    response.setHeader('content-type', 'text/html');
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        forms.push(body);
        const right = body === 'who=ada&secret=open-sesame-7';
        response.writeHead(303, { location: right ? '/private' : '/sign-in', ...(right && { 'set-cookie': 'in=1' }) });
        response.end();
      });
    } else if (request.url === '/sign-in')
      response.end(
        '<!doctype html><form method="post"><input name="who"><input name="secret" type="password"><button>In</button></form>'
      );
    else if (request.url === '/private' && !isIn) response.writeHead(303, { location: '/sign-in' }).end();
    else if (request.url === '/private')
      response.end('<!doctype html><p id="in">In</p><script>console.error("broken inside")</script>');
    else response.writeHead(404).end('<!doctype html><p>Not found</p>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const recipe = join(directory, 'recipe.json');
  await writeFile(
    recipe,
    JSON.stringify({
      path: '/sign-in',
      fill: { 'input[name=who]': 'ada', 'input[name=secret]': '$SECRET' },
      press: 'button',
      until: '#in'
    })
  );
  const args = [url, '--path', '/private', '--depth', '0'];
  const out = await runSmoke(args);
  expect(toLines(out)).toEqual([]);
  const inside = await runSmoke([...args, '--login', recipe], { SECRET: 'open-sesame-7' });
  expect(inside.report!.findings.map(({ signature, at }) => [signature, at])).toEqual([['console-error', '/private']]);
  expect(JSON.stringify(inside.report) + inside.stdout + inside.stderr).not.toContain('open-sesame');
  const wrong = await runSmoke([...args, '--login', recipe, '--timeout', '3'], { SECRET: 'wrong-secret-8' });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('Signing in failed');
  expect(wrong.stderr).not.toContain('wrong-secret');
  expect(forms).toHaveLength(2);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  await Promise.all([out.remove(), inside.remove(), wrong.remove()]);
});

test('what leads to another origin is not followed', async () => {
  const server = createServer((_request, response) => void response.writeHead(302, { location: clean.url }).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const before = clean.asked.length;
  const run = await runSmoke([`http://127.0.0.1:${(server.address() as AddressInfo).port}`]);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  expect(run.code).toBe(2);
  expect(run.stderr).toContain('another origin');
  expect(clean.asked.length).toBe(before);
  await run.remove();
});

test('its package runs by itself, beside nothing but playwright-core', async () => {
  const [{ filename, files }] = JSON.parse(
    execFileSync('npm', ['pack', dirname(SMOKE), '--json', '--pack-destination', directory], { encoding: 'utf8' })
  );
  expect(files.map(({ path }: { path: string }) => path).sort()).toEqual([
    'LICENSE',
    'README.md',
    'package.json',
    'smoke.js'
  ]);
  const home = join(directory, 'node_modules');
  await mkdir(join(home, 'watchfloor-smoke'), { recursive: true });
  execFileSync('tar', [
    '-xzf',
    join(directory, filename),
    '-C',
    join(home, 'watchfloor-smoke'),
    '--strip-components=1'
  ]);
  const manifest = JSON.parse(await readFile(join(home, 'watchfloor-smoke', 'package.json'), 'utf8'));
  expect(Object.keys(manifest.dependencies)).toEqual(['playwright-core']);
  await symlink(join(project, 'node_modules', 'playwright-core'), join(home, 'playwright-core'));
  const program = join(home, 'watchfloor-smoke', manifest.bin['watchfloor-smoke']);
  const run = await runSmoke([clean.url, '--no-browser'], {}, program);
  expect(run.code, run.stderr).toBe(0);
  expect((await readFile(program, 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true);
  await run.remove();
});
