/** The built server as a process: its first words, its refusals, what it answers to whom, and how it stops. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LIVE_PATH } from '../src/lib/live/protocol.ts';
import { findRunningEmbedded } from '../src/lib/server/database/embedded.ts';
import { freePort } from './harness/postgres.ts';
import { builtProgram, programEnvironment, runProgram } from './harness/program.ts';
import { makeWorld } from './harness/world.ts';

let directory: string;
let port: number;
let environment: Record<string, string>;
let server: ChildProcess;
let output = '';

async function startServer(): Promise<void> {
  output = '';
  server = spawn(process.execPath, [builtProgram('server')], { env: programEnvironment(environment) });
  for (const stream of [server.stdout, server.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  await vi.waitFor(() => expect(output).toContain('Stop with Ctrl-C'), { timeout: 90_000, interval: 50 });
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  if (server.exitCode !== null || server.signalCode !== null) return server.exitCode;
  const exited = new Promise<number | null>((resolve) => server.once('exit', resolve));
  server.kill(signal);
  return exited;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-server-'));
  await chmod(directory, 0o755);
  port = await freePort();
  environment = { PORT: String(port), WATCHFLOOR_DATA_DIR: directory, HOME: directory };
  await startServer();
});

afterAll(async () => {
  await end('SIGTERM');
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
}
/** fetch() would set Host and Origin by itself. */
function ask(path: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve({ status: answer.statusCode, headers: answer.headers }));
    });
    asked.once('error', reject);
    asked.end(method === 'POST' ? 'email=a%40b.example&password=wrong+password' : '');
  });
}

test('the first words say where it is, how to sign in and report, where the data is and how to stop', () => {
  expect(output).toContain(`http://127.0.0.1:${port}`);
  expect(output).toMatch(/owner: .*\n/);
  expect(output).toMatch(/password: (\w{4}-){3}\w{4} /);
  expect(output).toMatch(
    /npm run watchfloor -- sql "insert into operation_runs .* values \(\d+, \d+, 'inventory.sync'\)"/
  );
  expect(output).toContain(`PGPASSFILE=${directory}/pgpass psql -h 127.0.0.1 -p`);
  expect(output).toContain(`The data is in ${directory}`);
});

test('a taken port and data in use are each refused with one sentence and exit code 1', async () => {
  const onPort = await runProgram('server', [], { ...environment, WATCHFLOOR_DATA_DIR: join(directory, 'other') });
  expect(onPort).toMatchObject({ code: 1, stdout: '' });
  expect(onPort.stderr.trim()).toBe(
    `Port ${port} on 127.0.0.1 is taken, perhaps by another Watchfloor. ` +
      `Stop what listens there, or choose another port, such as PORT=${port + 1}.`
  );
  const onData = await runProgram('server', [], { ...environment, PORT: String(await freePort()) });
  expect(onData).toMatchObject({ code: 1, stdout: '' });
  expect(onData.stderr.trim()).toBe(
    `Watchfloor already runs on the data in ${directory} (process ${server.pid}). ` +
      'Stop that one first, or set WATCHFLOOR_DATA_DIR and PORT to start a second one beside it.'
  );
});

test('mistakes in the configuration are listed together, and nothing is started', async () => {
  const { code, stderr } = await runProgram('server', [], { PORT: 'x', WATCHFLOOR_DEMO: 'no', HOST: '0.0.0.0' });
  expect(code).toBe(1);
  expect(stderr).toContain('PORT is "x"');
  expect(stderr).toContain('WATCHFLOOR_DEMO is "no"');
  expect(stderr).not.toContain('    at ');
});

test('a DATABASE_URL that leads nowhere is named', async () => {
  const free = String(await freePort());
  const { code, stderr } = await runProgram('server', [], {
    PORT: free,
    DATABASE_URL: `postgres://me:hunter2@127.0.0.1:${free}1/nothing`.replace(/:(\d+)1\//, ':1/')
  });
  expect(code).toBe(1);
  expect(stderr).toContain('Watchfloor cannot use the database "nothing" at 127.0.0.1:1');
  expect(stderr).not.toContain('hunter2');
});

test.each(['localhost', '127.0.0.1'])('forms can be posted under the loopback name %s', async (name) => {
  const origin = `http://${name}:${port}`;
  const own = { host: `${name}:${port}`, origin, 'content-type': 'application/x-www-form-urlencoded' };
  const { status } = await ask('/login', own, 'POST');
  expect(status).not.toBe(403);
  expect(status).not.toBe(421);
  expect((await ask('/login', { ...own, origin: 'http://evil.example' }, 'POST')).status).toBe(403);
});

test('another name in the Host header is refused, whatever it asks for', async () => {
  for (const path of ['/login', '/readyz', '/icon.svg']) {
    expect((await ask(path, { host: 'evil.example' })).status, path).toBe(421);
  }
  const forwarded = { host: `localhost:${port}`, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  expect((await ask('/login', forwarded)).status).toBe(200);
});

test('pages, static files, errors and refusals carry the security headers and tell no version', async () => {
  const host = `localhost:${port}`;
  for (const [path, from] of [
    ['/login', host],
    ['/icon.svg', host],
    ['/nothing', host],
    ['/', 'evil.example'],
    [`${LIVE_PATH}/`, host]
  ] as const) {
    const { headers } = await ask(path, { host: from });
    expect(headers, path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin'
    });
    expect(
      Object.keys(headers).filter((name) => /powered|server|version/.test(name)),
      path
    ).toEqual([]);
  }
});

/** A page that stays open: a socket that is signed in, and a keep-alive connection. */
async function openSocket(): Promise<Socket> {
  const url = await findRunningEmbedded(directory);
  const world = await makeWorld(url ?? '');
  const origin = `http://127.0.0.1:${port}`;
  const socket = io(origin, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false,
    extraHeaders: { cookie: world.everyone.cookie, origin }
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  await world.close();
  return socket;
}

test('Ctrl-C, even twice, stops everything in order with a socket and a database session open', async () => {
  const socket = await openSocket();
  const closed = new Promise((resolve) => socket.once('disconnect', resolve));
  const url = (await findRunningEmbedded(directory)) ?? '';
  const session = new pg.Client({ connectionString: url });
  session.on('error', () => undefined);
  await session.connect();
  const exited = end('SIGINT');
  server.kill('SIGINT');
  expect(await exited).toBe(0);
  await closed;
  expect(await findRunningEmbedded(directory)).toBeNull();
});

test('the second start is a matter of seconds and has the same data', async () => {
  await startServer();
  const seconds = Number(/ready after ([\d.]+) s/.exec(output)?.[1]);
  expect(seconds).toBeLessThan(15);
  expect(output).toContain(`password: in ${directory}/demo.json`);
  expect(output).not.toContain('not properly shut down');
});

test('after kill -9 the next start takes over the Postgres that was left', async () => {
  await end('SIGKILL');
  expect(await findRunningEmbedded(directory)).not.toBeNull();
  await startServer();
  expect((await ask('/readyz', { host: `localhost:${port}` })).status).toBe(200);
});
