/**
 * What every request meets at the built server: pages of other sites, bodies, Host headers, ways back, and the headers of
 * every kind of answer. One server as on this machine alone, one as behind a proxy with https.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { ask, startServer, type Answer, type RunningServer } from './harness/running-server.ts';
import { insertOperation, makeSession, makeWorld, type World } from './harness/world.ts';

const ORIGIN = 'https://ops.example.com';
const PASSWORD = 'four random words';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
let postgres: TestPostgres;
let world: World;
let directory: string;
let port: number;
let proxiedPort: number;
let here: RunningServer;
let proxied: RunningServer;
let operation: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-requests-'));
  postgres = await startPostgres({});
  [port, proxiedPort] = [await freePort(), await freePort()];
  const environment = { HOME: directory, DATABASE_URL: postgres.url };
  here = await startServer({ ...environment, PORT: String(port) }, directory);
  proxied = await startServer(
    {
      ...environment,
      PORT: String(proxiedPort),
      ORIGIN,
      ADDRESS_HEADER: 'X-Forwarded-For',
      WATCHFLOOR_TRUSTED_PROXIES: '203.0.113.0/24'
    },
    directory
  );
  world = await makeWorld(postgres.url);
  const hash = await hashPassword(PASSWORD);
  await world.owner.query('update users set password_hash = $1', [hash]);
  operation = `/admin/workspaces/${world.a}/operations/${await insertOperation(world.writer, world.a, world.a1)}`;
});

afterAll(async () => {
  for (const server of [here, proxied]) {
    server?.process.kill('SIGTERM');
    await server?.ended;
  }
  await world?.close();
  await postgres?.remove();
  await rm(directory, { recursive: true, force: true });
});

const mine = () => ({ cookie: world.everyone.cookie, origin: `http://127.0.0.1:${port}` });
const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();
const lines = (server: RunningServer): Record<string, unknown>[] =>
  server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const signIn = (fields: Record<string, string> = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(port, '/login', { ...FORM, ...headers }, form({ email: world.everyone.email, password: PASSWORD, ...fields }));

describe('pages of other sites', () => {
  const foreign: Record<string, string>[] = [
    { origin: 'http://evil.test' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' }
  ];
  const types = [
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json',
    'multipart/form-data; boundary=x'
  ];

  test('change nothing at any door, in any form, and are told one thing', async () => {
    const { cookie } = await makeSession(world.owner, world.everyone.id);
    const doors = ['/login', '/logout', `${operation}?/review`, '/live/catch-up', '/nothing', '/'];
    const answers = new Set<string>();
    for (const path of doors)
      for (const headers of foreign)
        for (const type of types) {
          const answer = await ask(port, path, { ...headers, 'content-type': type, cookie }, 'a=1');
          answers.add(`${answer.status} ${answer.headers['cache-control'] as string} ${answer.body}`);
          expect(answer.headers['set-cookie']).toBeUndefined();
        }
    expect([...answers]).toEqual([expect.stringMatching(/^403 no-store This was sent by a page of another site/)]);
    // Among them were a hundred ways to sign out.
    expect((await ask(port, operation, { cookie })).status).toBe(200);
  });

  test('nor does a script that has a cookie and names no page; one of ours signs out', async () => {
    const { cookie } = await makeSession(world.owner, world.everyone.id);
    const nameless = await ask(port, '/logout', { ...FORM, cookie, origin: '' }, '');
    expect(nameless.status).toBe(403);
    expect((await ask(port, operation, { cookie })).status).toBe(200);
    const own = await ask(port, '/logout', { ...FORM, cookie, 'sec-fetch-site': 'same-origin' }, '');
    expect(own.status).toBe(303);
    expect((await ask(port, operation, { cookie })).status).toBe(303);
  });

  test('are told to the log with where they are from', () => {
    expect(lines(here)).toContainEqual(
      expect.objectContaining({ door: 'request', why: 'foreign origin', path: '/logout', origin: 'http://evil.test' })
    );
  });
});

describe('what is not there', () => {
  test('methods that nobody has are refused, TRACE among them, and nothing is sent back', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'QUERY', 'M-SEARCH'])
      for (const path of ['/login', '/icon.svg', '/healthz', operation]) {
        const answer = await ask(port, path, { ...mine(), 'x-secret': 'told' }, undefined, method);
        expect([403, 405], `${method} ${path}`).toContain(answer.status);
        expect(JSON.stringify(answer)).not.toContain('told');
      }
  });

  test('no listing, no file beside those that were built, and no way out of their directory', async () => {
    const paths = [
      ...['/_app/', '/_app/immutable/', '/_app/immutable/chunks/', '/.git/HEAD', '/.env', '/package.json'],
      ...['/server.js', '/handler.js', '/../package.json', '/%2e%2e/package.json', '/..%2f..%2fpackage.json'],
      ...['/_app/..%2f..%2f..%2fpackage.json', '/icon.svg/..', '/icon.svg%00.js', '/static/', '/.well-known/'],
      ...[
        '/_app/immutable/..%5c..%5cpackage.json',
        '/node_modules/svelte/package.json',
        '/src/server.ts',
        '/@fs/etc/passwd'
      ]
    ];
    for (const path of paths) {
      const answer = await ask(port, path);
      expect([303, 307, 308, 400, 404], path).toContain(answer.status);
      expect(answer.body, path).not.toMatch(/"dependencies"|root:|ref: refs|Index of/);
    }
  });
});

describe('bodies', () => {
  test('a form beyond 512 KB is not read, whether or not it says how long it is', async () => {
    const answer = await signIn({ password: 'x'.repeat(600_000) }).catch((error: NodeJS.ErrnoException) => error);
    if (!(answer instanceof Error)) expect(answer.status).toBe(413);
    const chunked = await signIn({ password: 'x'.repeat(600_000) }, { 'transfer-encoding': 'chunked' }).catch(
      (error: NodeJS.ErrnoException) => error
    );
    if (!(chunked instanceof Error)) expect(chunked.status).toBe(413);
    // Nobody was judged: it is not in the log of refused sign-ins.
    expect(lines(here).filter(({ door }) => door === 'sign-in')).toEqual([]);
  });

  test('a question to the live door is 16 KB at most', async () => {
    const { cookie } = world.everyone;
    const headers = { cookie, 'content-type': 'application/json' };
    expect((await ask(port, '/live/catch-up', headers, 'x'.repeat(17_000))).status).toBe(413);
  });
});

describe('the Host header', () => {
  test('a name that is not ours is refused before anything is looked at', async () => {
    for (const host of ['evil.test', `evil.test:${port}`, '127.0.0.1', 'localhost:1', '127.0.0.1:3000@evil.test'])
      expect((await ask(port, '/login', { host })).status, host).toBe(421);
  });

  test('behind a proxy it decides nothing: no way, no cookie and no page has it', async () => {
    for (const host of ['evil.test', 'ops.example.com']) {
      for (const path of ['/', '/admin', '/login', '/login/', '/logout']) {
        const answer = await ask(proxiedPort, path, { host, 'x-forwarded-host': host, 'x-forwarded-proto': 'http' });
        expect(JSON.stringify([answer.headers, answer.body])).not.toContain('evil.test');
      }
    }
  });
});

describe('ways back', () => {
  const elsewhere = [
    '//evil.test',
    '/\\evil.test',
    'https://evil.test',
    '/.//evil.test',
    '/%09/evil.test',
    '\t//evil.test'
  ];

  test('signing in leads to a path of ours, whatever the form says', async () => {
    for (const next of [...elsewhere, 'javascript:alert(1)', '/admin?x=1']) {
      const { status, headers } = await signIn({ next });
      expect(status).toBe(303);
      const target = new URL(headers['location'] as string, `http://127.0.0.1:${port}`);
      expect(target.origin, next).toBe(`http://127.0.0.1:${port}`);
      expect(headers['location']).toMatch(/^\/(?![/\\])/);
    }
  });

  test('no path that is asked for leads to another site', async () => {
    for (const path of [
      ...elsewhere.slice(0, 2),
      '//evil.test/',
      '//evil.test/%2e%2e',
      '/\\evil.test/',
      '/login//',
      '//'
    ])
      for (const asked of [path, `${path}?x=1`]) {
        const { headers } = await ask(port, asked.replace('\t', '%09'));
        const location = headers['location'];
        if (location !== undefined) expect(location, asked).toMatch(/^\/(?![/\\])/);
      }
  });
});

describe('whose address it is', () => {
  test('who comes around the proxies that were named cannot choose his own', async () => {
    const wrong = form({ email: 'nobody@example.test', password: 'wrong' });
    const headers = { ...FORM, origin: ORIGIN, 'x-forwarded-for': '198.51.100.7' };
    expect((await ask(proxiedPort, '/login', headers, wrong)).status).toBe(400);
    const said = lines(proxied).filter(({ door }) => door === 'sign-in');
    expect(said.map(({ address }) => address)).toEqual(['127.0.0.1']);
    // Nor by the name of the header that passes it on inside.
    expect((await ask(port, '/login', { ...FORM, 'x-watchfloor-address': '198.51.100.7' }, wrong)).status).toBe(400);
    expect(
      lines(here)
        .filter(({ door }) => door === 'sign-in')
        .at(-1)!['address']
    ).toBe('127.0.0.1');
  });
});

describe('headers', () => {
  const ALWAYS = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('camera=()') as unknown
  };
  const directives = ({ headers }: Answer): Record<string, string[]> =>
    Object.fromEntries(
      String(headers['content-security-policy'])
        .split(';')
        .map((one) => one.trim().split(' '))
        .map(([name, ...values]) => [name!, values])
    );

  /** One of every kind of answer there is, each with the status that says that it is this kind. */
  async function everyKind(on: number, origin: string): Promise<[string, number, Answer][]> {
    const cookie = world.everyone.cookie.replace(/^/, on === proxiedPort ? '__Host-' : '');
    const client = (await readdir('build/client', { recursive: true })).filter((name) => !/\.(gz|br)$/.test(name));
    const file = (end: string): string => `/${client.find((name) => name.endsWith(end))!}`;
    const get = (path: string, headers = {}): Promise<Answer> => ask(on, path, headers);
    return [
      ['page', 200, await get(operation, { cookie })],
      ['page to sign in', 200, await get('/login')],
      ['way to sign in', 303, await get('/admin')],
      ['nothing there', 404, await get('/nothing')],
      ['hidden', 404, await get('/admin/workspaces/987654321', { cookie })],
      ['malformed address', 400, await get(`/admin/workspaces/${world.a}/operations?rows=1`, { cookie })],
      ['foreign page', 403, await ask(on, '/logout', { origin: 'http://evil.test' }, '')],
      ['script', 200, await get(file('.js'))],
      ['style', 200, await get(file('.css'))],
      ['font', 200, await get(file('.woff2'))],
      ['icon', 200, await get('/icon.svg')],
      ['robots', 200, await get('/robots.txt')],
      ['health', 200, await get('/healthz')],
      ['readiness', 200, await get('/readyz')],
      ['catch-up', 401, await ask(on, '/live/catch-up', { origin, 'content-type': 'application/json' }, '{}')],
      ['socket that is none', 400, await get('/live/socket/?EIO=4&transport=polling')]
    ];
  }

  test('stand on every kind of answer, files too, and none names what made it', async () => {
    for (const [kind, status, answer] of await everyKind(port, `http://127.0.0.1:${port}`)) {
      expect(answer.status, kind).toBe(status);
      expect(answer.headers, kind).toMatchObject(ALWAYS);
      expect(answer.headers['strict-transport-security'], kind).toBeUndefined();
      expect(answer.headers['access-control-allow-origin'], kind).toBeUndefined();
      for (const name of ['server', 'x-powered-by', 'x-sveltekit-page'])
        expect(answer.headers[name], kind).toBeUndefined();
      const policy = directives(answer);
      expect(policy, kind).toMatchObject({
        'default-src': ["'none'"],
        'frame-ancestors': ["'none'"],
        'base-uri': ["'none'"]
      });
    }
  });

  test('behind https every kind of answer keeps browsers to it, on all names below', async () => {
    for (const [kind, status, answer] of await everyKind(proxiedPort, ORIGIN)) {
      expect(answer.status, kind).toBe(status);
      expect(answer.headers, kind).toMatchObject(ALWAYS);
      expect(answer.headers['strict-transport-security'], kind).toBe('max-age=63072000; includeSubDomains');
    }
  });

  test('pages run scripts of ours alone, by a nonce that is never used twice, and have no inline style', async () => {
    const nonces = new Set<string>();
    for (const path of ['/login', '/nothing', operation, operation]) {
      const answer = await ask(port, path, { cookie: path === '/login' ? '' : world.everyone.cookie });
      const policy = directives(answer);
      expect(JSON.stringify(policy)).not.toMatch(/unsafe-inline|unsafe-eval|"\*"|https?:/);
      for (const [name, values] of Object.entries(policy))
        expect(values.includes('data:'), name).toBe(name === 'img-src');
      const nonce = policy['script-src']!.find((value) => value.startsWith("'nonce-"))!;
      expect(policy['script-src']).toEqual(["'self'", nonce]);
      expect(policy['style-src']!.filter((value) => value !== "'self'" && !value.startsWith("'nonce-"))).toEqual([]);
      expect(policy).toMatchObject({ 'object-src': ["'none'"], 'form-action': ["'self'"], 'connect-src': ["'self'"] });
      nonces.add(nonce);
      for (const [, attributes] of answer.body.matchAll(/<script([^>]*)>/g))
        expect(attributes).toContain(`nonce="${nonce.slice(7, -1)}"`);
      expect(answer.body).not.toMatch(/<[^>]+\sstyle=/);
      expect(answer.body).not.toMatch(/<[^>]+\son[a-z]+=/);
    }
    expect(nonces.size).toBe(4);
  });

  test('the cookie behind https has the prefix that no subdomain can write, on this machine it says what it is', async () => {
    const attributes =
      /; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$|; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/;
    const [plain] = [(await signIn()).headers['set-cookie']].flat();
    expect(plain).toMatch(/^watchfloor=/);
    expect(plain).toMatch(attributes);
    const secure = await ask(
      proxiedPort,
      '/login',
      { ...FORM, origin: ORIGIN },
      form({ email: world.everyone.email, password: PASSWORD })
    );
    const [cookie] = [secure.headers['set-cookie']].flat();
    expect(cookie).toMatch(/^__Host-watchfloor=[\w-]{43};/);
    for (const part of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']) expect(cookie).toContain(part);
    expect(cookie).not.toContain('Domain');
  });
});
