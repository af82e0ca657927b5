/**
 * The Caddy and nginx files of deploy/, each in front of the built server: what a person behind them gets, and what
 * nobody gets through them. Skipped where the programs are not installed (Debian: `apt-get install caddy nginx-light`).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, request as askHttp } from 'node:http';
import { request as askHttps } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CATCH_UP_PATH, LIVE_PATH, PROTOCOL_VERSION, type SubscribeAnswer } from '../src/lib/live/protocol.ts';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { openReader } from './harness/live.ts';
import { startPostgres, freePort, type TestPostgres } from './harness/postgres.ts';
import { builtProgram, programEnvironment } from './harness/program.ts';
import { choosePorts, findProgram, readShipped, startProxy, type Proxy, type ProxyName } from './harness/proxy.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

const PASSWORD = 'correct horse battery';
let postgres: TestPostgres;
let world: World;

const programs = { Caddy: findProgram('caddy'), nginx: findProgram('nginx') };
const isAnyThere = findProgram('openssl') !== null && (programs.Caddy !== null || programs.nginx !== null);

beforeAll(async () => {
  if (!isAnyThere) return;
  postgres = await startPostgres();
  await migrate(postgres.url);
  world = await makeWorld(postgres.url);
  await world.owner.query('update users set password_hash = $2 where id = $1', [
    world.everyone.id,
    await hashPassword(PASSWORD)
  ]);
});
afterAll(async () => {
  await world?.close();
  await postgres?.remove();
});

describe.each<ProxyName>(['Caddy', 'nginx'])('behind %s', (name) => {
  const program = programs[name];
  const reason = `${name} or openssl is not installed: its file in deploy/ is not tested here`;
  const isThere = program !== null && isAnyThere;
  let proxy: Proxy;
  let server: ChildProcess;
  let log = '';
  /** signed in through the proxy */
  let cookie = '';

  beforeAll(async () => {
    if (!isThere) return process.stderr.write(`skipped: ${reason}\n`);
    const ports = await choosePorts();
    const port = await freePort();
    // What the file itself says belongs into Watchfloor's environment.
    const said = [...readShipped(name).matchAll(/([A-Z_]+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]);
    expect(said.map(([key]) => key)).toEqual(['ORIGIN', 'ADDRESS_HEADER', 'XFF_DEPTH']);
    const environment = {
      ...(Object.fromEntries(said) as Record<string, string>),
      ORIGIN: ports.origin,
      PORT: String(port),
      DATABASE_URL: postgres.url
    };
    server = spawn(process.execPath, [builtProgram('server')], { env: programEnvironment(environment) });
    for (const stream of [server.stdout, server.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
    }
    proxy = await startProxy(name, program, port, ports);
    await vi.waitFor(
      async () => expect(await ask('/readyz'), `${proxy.output()}\n${log}`).toMatchObject({ status: 200 }),
      { timeout: 60_000, interval: 100 }
    );
  });
  afterAll(async () => {
    await proxy?.close();
    if (!server) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    if (server.kill('SIGTERM')) await ended;
  });

  interface Answer {
    status: number | undefined;
    headers: IncomingHttpHeaders;
    body: string;
  }
  function ask(
    path: string,
    headers: Record<string, string> = {},
    { method = 'GET', body = '', secure = true }: { method?: string; body?: string; secure?: boolean } = {}
  ): Promise<Answer> {
    const at = { host: '127.0.0.1', path, method, agent: false };
    const port = secure ? proxy.httpsPort : proxy.httpPort;
    const own = { host: `localhost:${port}`, ...(method === 'POST' && { origin: proxy.origin }), ...headers };
    return new Promise((resolve, reject) => {
      const asked = secure
        ? askHttps({ ...at, port, headers: own, ca: proxy.ca, servername: 'localhost' })
        : askHttp({ ...at, port, headers: own });
      asked.once('error', reject);
      asked.once('response', (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.once('error', reject);
        answer.once('end', () =>
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString('utf8') })
        );
      });
      asked.end(body);
    });
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };
  const signIn = (password: string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(
      '/login',
      { ...form, ...headers },
      { method: 'POST', body: new URLSearchParams({ email: world.everyone.email, password }).toString() }
    );
  const openSocket = (origin = proxy.origin): Socket =>
    io(proxy.origin, {
      path: LIVE_PATH,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ca: proxy.ca,
      perMessageDeflate: { threshold: 0 },
      extraHeaders: { cookie, origin }
    } as Parameters<typeof io>[1]);
  const question = async (): Promise<object> => {
    const reader = openReader(postgres.url);
    const scope = { workspaceId: world.a, environmentId: null };
    const { token } = (await reader.read(world.everyone, scope))!;
    await reader.close();
    return { protocol: PROTOCOL_VERSION, scope, window: { kind: 'list', query: '' }, summaries: 'scope', token };
  };

  test('plain http leads to the same address by https, and nothing is served there', async ({ skip }) => {
    skip(!isThere, reason);
    const { status, headers } = await ask('/login?next=%2Fadmin', {}, { secure: false });
    expect([301, 308]).toContain(status);
    // Caddy takes it that whoever leads here from port 80 leads here from 443, too.
    const [location, expected] = [new URL(headers.location ?? ''), new URL(proxy.origin)];
    expect(location).toMatchObject({ protocol: 'https:', hostname: 'localhost', pathname: '/login' });
    expect(location.search).toBe('?next=%2Fadmin');
    expect([expected.port, ...(name === 'Caddy' ? [''] : [])]).toContain(location.port);
  });

  test('signing in gives a cookie for this host and https alone, and the first page comes compressed', async ({
    skip
  }) => {
    skip(!isThere, reason);
    const { status, headers } = await signIn(PASSWORD);
    expect(status).toBe(303);
    const set = headers['set-cookie']?.find((one) => one.startsWith('__Host-watchfloor=')) ?? '';
    expect(set).toMatch(/;\s*Secure/i);
    expect(set).toMatch(/;\s*HttpOnly/i);
    cookie = set.split(';')[0] ?? '';

    const id = await insertOperation(world.writer, world.a, world.a1);
    const path = `/admin/workspaces/${world.a}/operations`;
    const page = await ask(path, { cookie });
    expect(page).toMatchObject({
      status: 200,
      headers: { 'strict-transport-security': 'max-age=63072000; includeSubDomains' }
    });
    expect(page.body).toContain(`${path}/${id}`);
    const compressed = await ask(path, { cookie, 'accept-encoding': 'gzip' });
    expect(compressed).toMatchObject({ status: 200, headers: { 'content-encoding': 'gzip' } });
    expect(`${page.headers.server ?? ''} ${page.headers['x-powered-by'] ?? ''}`).not.toMatch(/\d/);
  });

  test('what a client claims about his address, scheme and host is not believed', async ({ skip }) => {
    skip(!isThere, reason);
    const lie = '203.0.113.77';
    const { status, headers } = await signIn('wrong password', {
      'x-forwarded-for': lie,
      'x-real-ip': lie,
      forwarded: `for=${lie};host=evil.example;proto=http`,
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http'
    });
    expect(status).toBe(400);
    expect(JSON.stringify(headers)).not.toContain('evil.example');
    const keyOf = (address: string): string => createHash('sha256').update(address).digest('base64url');
    const { rows } = await world.owner.query<{ key: string }>(
      `select key from watchfloor.sign_in_limits where key like 'network:%'`
    );
    expect(rows.map(({ key }) => key)).toEqual([`network:${keyOf('127.0.0.1')}`]);
  });

  test('another name never reaches the server', async ({ skip }) => {
    skip(!isThere, reason);
    const { status, body } = await ask('/login', { host: 'evil.example' });
    expect(body).not.toContain('Watchfloor');
    expect(status === 421 || body === '').toBe(true);
  });

  test.for(['/metrics', '/metrics/', '//metrics', '/%6detrics', '/metrics?name=x', '/./metrics'])(
    'the outside finds nothing at %s',
    async (path, { skip }) => {
      skip(!isThere, reason);
      const { status, body } = await ask(path, { cookie });
      expect(status).toBe(404);
      expect(body).not.toMatch(/# (HELP|TYPE) /);
    }
  );

  test('a body that no form of ours can have is refused', async ({ skip }) => {
    skip(!isThere, reason);
    const body = `email=${'a'.repeat(600_000)}`;
    const refused = await ask('/login', { ...form, cookie }, { method: 'POST', body }).catch((error: Error) => error);
    // It may hang up before it has read everything.
    if (!(refused instanceof Error)) expect(refused.status).toBe(413);
  });

  test('a socket opens uncompressed, carries a row as it is committed, and outlives every time-out', async ({
    skip
  }) => {
    skip(!isThere, reason);
    const socket = openSocket();
    let ended = '';
    let ticks = 0;
    socket.on('disconnect', (why) => (ended = why));
    socket.on('feed:ticked', () => ticks++);
    let limits = { pingInterval: 0, pingTimeout: 0 };
    socket.io.engine?.once('handshake', (given: typeof limits) => (limits = given));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', reject);
    });
    const { ws } = socket.io.engine!.transport as unknown as { ws: { extensions: string } };
    expect(ws.extensions).toBe('');

    const asked = await question();
    const answer = (await socket.timeout(20_000).emitWithAck('subscribe', asked)) as SubscribeAnswer;
    expect(answer.result).toBe('caught_up');
    const seen = new Set<number>();
    socket.on('rows:changed', ({ rows }: { rows: { id: number }[] }) => rows.forEach(({ id }) => seen.add(id)));
    const first = await insertOperation(world.writer, world.a, world.a1);
    await vi.waitFor(() => expect(seen.has(first)).toBe(true), { timeout: 20_000, interval: 20 });

    // Nothing but ticks, one each 2 s, for longer than any time-out: they are cut to 2 and 3 s here.
    const before = ticks;
    await vi.waitFor(() => expect(ticks - before).toBeGreaterThanOrEqual(3), { timeout: 40_000, interval: 100 });
    const second = await insertOperation(world.writer, world.a, world.a1);
    await vi.waitFor(() => expect(seen.has(second)).toBe(true), { timeout: 20_000, interval: 20 });
    expect(ended).toBe('');
    socket.disconnect();

    // A socket that watches nothing is silent between two pings: shipped time-outs must be longer than that.
    const silence = (limits.pingInterval + limits.pingTimeout) / 1000;
    const shipped = [...readShipped(name).matchAll(/location \/live\/socket[\s\S]*?proxy_read_timeout (\d+)s/g)];
    expect(shipped.every(([, seconds]) => Number(seconds) > silence)).toBe(true);
    if (name === 'nginx') expect(shipped).toHaveLength(1);
  });

  test('a page of another site opens no socket through it', async ({ skip }) => {
    skip(!isThere, reason);
    const socket = openSocket('https://evil.example');
    const refused = await new Promise((resolve) => {
      socket.once('connect', () => resolve(null));
      socket.once('connect_error', resolve);
    });
    socket.disconnect();
    expect(refused).toBeInstanceOf(Error);
  });

  test('catching up over HTTP passes as it is, neither stored nor compressed nor open to others', async ({ skip }) => {
    skip(!isThere, reason);
    const body = JSON.stringify(await question());
    const headers = { cookie, 'content-type': 'application/json', 'accept-encoding': 'gzip' };
    const id = await insertOperation(world.writer, world.a, world.a1);
    const answer = await ask(CATCH_UP_PATH, headers, { method: 'POST', body });
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(answer.body)).toMatchObject({ result: 'caught_up', rows: [{ id }] });
    const foreign = { ...headers, origin: 'https://evil.example' };
    expect((await ask(CATCH_UP_PATH, foreign, { method: 'POST', body })).status).toBe(403);
    expect((await ask(CATCH_UP_PATH, { ...headers, cookie: '' }, { method: 'POST', body })).status).toBe(401);
  });

  test('a connection to the node is given up before the node gives it up', () => {
    const [, seconds] = /keepalive(?:_timeout)? (\d+)s/.exec(readShipped(name)) ?? [];
    expect(Number(seconds) * 1000).toBeLessThan(createServer().keepAliveTimeout);
  });
});
