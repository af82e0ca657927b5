/**
 * Nothing secret in any output: the built server meets sign-ins, searches, malformed requests, a database that fails in
 * the middle, a crash and wrong passwords, with canary values in every place where something secret can stand; then
 * everything that came out is searched for them. Nothing is proven by silence: the lines that must be there are asserted.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { DISCREET_LOG } from '../src/lib/server/database/discreet-log.ts';
import { writeBugs } from './harness/bugs.ts';
import { findCanary, makeCanary, makePlainCanary } from './harness/canaries.ts';
import { parseExposition, valueOf } from './harness/exposition.ts';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { runProgram } from './harness/program.ts';
import { ask, linesOf, send, startServer, type Answer, type RunningServer } from './harness/running-server.ts';
import { FORM, form, useSecondFactor } from './harness/second-factor-steps.ts';
import { makeWorld, type World } from './harness/world.ts';

const DATABASE = 'watchfloor';
const METRICS_TOKEN = makePlainCanary('metrics');
const secrets: Record<string, string> = {
  'password of the database': makeCanary('database'),
  'wrong password of the database': makeCanary('wrong-database'),
  'demo password': makeCanary('demo'),
  'private variable': makeCanary('private'),
  'key of second factors': 'c0ffee57'.repeat(8),
  'token of the metrics': METRICS_TOKEN,
  'wrong token of the metrics': makePlainCanary('wrong-metrics'),
  'typed password': makeCanary('typed'),
  'typed e-mail': makePlainCanary('typed'),
  'right password': makeCanary('right'),
  'new password': makeCanary('new'),
  'wrong present password': makeCanary('present'),
  'browser of a person': makePlainCanary('Agent'),
  'search text': makeCanary('search'),
  'context of an operation': makeCanary('context'),
  'message of a failure': makeCanary('failure'),
  'refused report': makeCanary('refused'),
  'name of a person': makeCanary('person'),
  'foreign cookie': makePlainCanary('cookie'),
  'body that nobody can read': makeCanary('body'),
  'row in an error': makeCanary('row')
};

let postgres: TestPostgres;
let administrator: pg.Client;
let world: World;
let directory: string;
let port: number;
let metricsPort: number;
let environment: Record<string, string>;
let server: RunningServer;
/** everything that came out, by where */
const outputs: Record<string, string> = {};

function databaseUrl(password: string): string {
  return `postgres://canary_app:${encodeURIComponent(password)}@127.0.0.1:${postgres.port}/${DATABASE}`;
}

async function ended(name: string): Promise<number | null> {
  const code = await server.ended;
  outputs[`${name}: standard output`] = server.stdout();
  outputs[`${name}: standard error`] = server.stderr();
  return code;
}
/** A page of failure: its words are public, and it names the line of the log. */
async function failing(path: string, headers: Record<string, string>, status: number): Promise<string> {
  const answer = await ask(port, path, headers);
  expect(answer.status, answer.body).toBe(status);
  outputs[`page of failure ${Object.keys(outputs).length}`] = answer.body + JSON.stringify(answer.headers);
  const [, id] = /\(error (\w{12})\)/.exec(answer.body) ?? [];
  expect(id).toBeDefined();
  return id!;
}
const untilLogged = (expected: Record<string, unknown>): Promise<void> =>
  vi.waitFor(() => expect(linesOf(server.stderr())).toContainEqual(expect.objectContaining(expected)), {
    timeout: 30_000,
    interval: 50
  });
const readMetrics = async (): Promise<string> =>
  (await ask(port, '/metrics', { authorization: `Bearer ${METRICS_TOKEN}` })).body;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-logs-'));
  // Writes its log as the embedded one does.
  postgres = await startPostgres({ settings: DISCREET_LOG });
  administrator = new pg.Client({ connectionString: postgres.url });
  administrator.on('error', () => {});
  await administrator.connect();
  const password = administrator.escapeLiteral(secrets['password of the database']!);
  await administrator.query(`create role canary_app superuser login password ${password}`);
  await administrator.query(`create database ${DATABASE} owner canary_app`);
  [port, metricsPort] = [await freePort(), await freePort()];
  const bugs = await writeBugs(directory);
  environment = {
    HOME: directory,
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    METRICS_TOKEN,
    LOG_LEVEL: 'debug',
    DATABASE_URL: databaseUrl(secrets['password of the database']!),
    WATCHFLOOR_DEMO_PASSWORD: secrets['demo password']!,
    WATCHFLOOR_FACTOR_KEY: secrets['key of second factors']!,
    UNSUSPICIOUS: secrets['private variable']!,
    ROW: secrets['row in an error']!,
    NODE_OPTIONS: `--import ${bugs}`
  };
  server = await startServer(environment, directory);
  world = await makeWorld(postgres.urlOf(DATABASE));
  const hash = await hashPassword(secrets['right password']!);
  secrets['hash of a password'] = hash.slice(-40);
  await world.owner.query('update users set password_hash = $2, name = $3 where id = $1', [
    world.everyone.id,
    hash,
    secrets['name of a person']
  ]);
});

afterAll(async () => {
  if (server?.process.exitCode === null) server.process.kill('SIGKILL');
  await world?.close();
  await administrator?.end().catch(() => {});
  await postgres?.remove();
  await rm(directory, { recursive: true, force: true });
});

test('signing in, wrongly and rightly', async () => {
  const wrong = { email: `${secrets['typed e-mail']}@example.test`, password: secrets['typed password']! };
  expect((await ask(port, '/login', FORM, form(wrong))).status).toBe(400);
  expect((await ask(port, '/login', { ...FORM, origin: 'http://evil.example' }, form(wrong))).status).toBe(403);
  expect((await ask(port, '/login', { ...FORM, host: 'evil.example' }, form(wrong))).status).toBe(421);
  await ask(port, '/login', { 'content-type': 'application/json' }, JSON.stringify(wrong));
  const inParts = { 'content-type': 'multipart/form-data; boundary=x' };
  await ask(port, '/login', inParts, secrets['body that nobody can read']);
  await ask(port, '/login', FORM, `password=${secrets['body that nobody can read']!}${'x'.repeat(600_000)}`).catch(
    () => {}
  );

  const right = { email: world.everyone.email, password: secrets['right password']! };
  const signedIn = await ask(port, '/login', FORM, form(right));
  expect(signedIn.status, signedIn.body).toBe(303);
  const [cookie] = [signedIn.headers['set-cookie']].flat();
  secrets['session cookie'] = /^watchfloor=([^;]+)/.exec(cookie!)![1]!;
  await untilLogged({ msg: 'denied', door: 'sign-in' });
  await untilLogged({ msg: 'signed in', person: world.everyone.id });
});

test('another password, wrongly and rightly, and sessions that are ended', async () => {
  const mine = {
    ...FORM,
    cookie: `watchfloor=${secrets['session cookie']}`,
    'user-agent': secrets['browser of a person']!
  };
  const next = secrets['new password']!;
  const change = (current: string, again = next) =>
    ask(port, '/account?/password', mine, form({ current, next, again }));
  expect((await change(secrets['wrong present password']!)).status).toBe(400);
  expect((await change(secrets['right password']!, `${next}x`)).status).toBe(400);
  await untilLogged({ msg: 'denied', door: 'account', person: world.everyone.id });
  const changed = await change(secrets['right password']!);
  expect(changed.status, changed.body).toBe(303);
  const [cookie] = [changed.headers['set-cookie']].flat();
  secrets['former session cookie'] = secrets['session cookie']!;
  secrets['session cookie'] = /^watchfloor=([^;]+)/.exec(cookie!)![1]!;
  await untilLogged({ msg: 'password changed', person: world.everyone.id });
  const now = { ...mine, cookie: `watchfloor=${secrets['session cookie']}` };
  expect((await ask(port, '/account', now)).status).toBe(200);
  expect((await ask(port, '/account?/end', now, form({ handle: secrets['typed password']! }))).status).toBe(303);
  expect((await ask(port, '/account?/endOthers', now, '')).status).toBe(303);
  await untilLogged({ msg: 'sessions ended', person: world.everyone.id });
  // What is no form at all: the words of a parser would quote it.
  const parts = { ...now, 'content-type': 'multipart/form-data; boundary=x' };
  expect((await ask(port, '/account?/password', parts, secrets['body that nobody can read'])).status).toBe(400);
});

test('a second factor: set up, signed in with, wrongly and rightly, and turned off; and passkeys', () =>
  useSecondFactor({ port, secrets, person: world.everyone, password: secrets['new password']!, untilLogged }));

test('pages, searches and sealed places', async () => {
  const mine = { cookie: `watchfloor=${secrets['session cookie']}` };
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, context, failure_summary)
     values ($1, $2, 'inventory.sync', 'completed', 'failed', $3, $4) returning id`,
    [
      world.a,
      world.a1,
      { note: secrets['context of an operation'] },
      JSON.stringify([{ code: 'x', message: secrets['message of a failure'] }])
    ]
  );
  const id = rows[0]!.id;
  // Final: this report cannot be applied, and is kept.
  await world.writer.query(`update operation_runs set status = 'running', context = $2 where id = $1`, [
    id,
    { note: secrets['refused report'] }
  ]);
  const hub = `/admin/workspaces/${world.a}/operations`;
  const page = await ask(port, hub, mine);
  expect(page.status).toBe(200);
  secrets['sealed place'] = /token:"([\w-]{60,})"/.exec(page.body)![1]!;
  expect((await ask(port, `${hub}/${id}`, mine)).body).toContain('Failed');
  const q = encodeURIComponent(secrets['search text']!);
  expect((await ask(port, `${hub}?q=${q}`, mine)).status).toBe(200);
  expect((await ask(port, `${hub}?q=${q}&activeTab=${q}`, mine)).status).toBe(400);
  expect((await ask(port, `${hub}?q=${q}`)).status).toBe(303);
  expect((await ask(port, `${hub}?environment_id=999999&q=${q}`, mine)).status).toBe(404);
  for (const body of [secrets['body that nobody can read']!, JSON.stringify({ token: secrets['sealed place'] })])
    await ask(port, '/live/catch-up', { ...mine, 'content-type': 'application/json' }, body);
  await ask(port, '/live/catch-up', { cookie: `watchfloor=${secrets['foreign cookie']}` }, '{}');
  await ask(port, '/admin', { cookie: `theme=${q}; watchfloor=${secrets['foreign cookie']}` });
  await send(port, `GET / HTTP/9.9 ${secrets['body that nobody can read']}\r\n\r\n`);
  await send(port, `GET /live/socket/?EIO=4&transport=websocket&token=${secrets['sealed place']} HTTP/1.1\r\nx: `);
});

test('a page that fails on a value of the request names an error id, and the log has the same', async () => {
  const mine = { cookie: `watchfloor=${secrets['session cookie']}` };
  const on = new pg.Client({ connectionString: postgres.urlOf(DATABASE) });
  await on.connect();
  const { rows } = await on.query<{ as: string }>(
    `select pg_get_functiondef('watchfloor.normalise_search(text)'::regprocedure) as "as"`
  );
  await on.query(`create or replace function watchfloor.normalise_search(value text) returns text
    language plpgsql immutable parallel safe as $$ begin return value::integer::text; end $$`);
  const path = `/admin/workspaces/${world.a}/operations?q=${encodeURIComponent(secrets['search text']!)}`;
  const id = await failing(path, mine, 500);
  await on.query(rows[0]!.as);
  await on.end();
  await untilLogged({ id, msg: 'a request failed', level: 50 });
  expect(linesOf(server.stderr()).find((line) => line['id'] === id)!['err']).toMatchObject({
    code: '22P02',
    message: 'invalid input syntax for type integer: "…"'
  });
});

test('a database that is cut in the middle of a request, and one that is away', async () => {
  const mine = { cookie: `watchfloor=${secrets['session cookie']}` };
  const path = `/admin/workspaces/${world.a}/operations?q=${encodeURIComponent(secrets['search text']!)}`;
  const holder = new pg.Client({ connectionString: postgres.urlOf(DATABASE) });
  holder.on('error', () => {});
  await holder.connect();
  await holder.query('begin; lock table operation_runs');
  const cut = failing(path, mine, 500);
  // Not lost to a later await: it is awaited below.
  cut.catch(() => {});
  await vi.waitFor(
    async () => {
      const { rowCount } = await administrator.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'watchfloor pages' and wait_event_type = 'Lock'`
      );
      expect(rowCount).toBeGreaterThan(0);
    },
    { timeout: 30_000, interval: 50 }
  );
  const cutId = await cut;
  await holder.end();
  await untilLogged({ id: cutId, msg: 'a request failed' });

  await administrator.query(`alter database ${DATABASE} allow_connections false`);
  // A superuser may connect all the same.
  await administrator.query('alter role canary_app nologin');
  await administrator.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'canary_app'`);
  await untilLogged({ msg: 'the feed cannot be vouched for' });
  const awayId = await failing(path, mine, 503);
  await untilLogged({ id: awayId, msg: 'cannot read who is signed in' });
  // The listener may be missed first, and the database with the next read.
  await vi.waitFor(
    async () => {
      const away = parseExposition(await readMetrics());
      expect(valueOf(away, 'watchfloor_database_up')).toBe(0);
      expect(valueOf(away, 'watchfloor_feed_up')).toBe(0);
    },
    { timeout: 30_000, interval: 100 }
  );
  await administrator.query(`alter role canary_app login`);
  await administrator.query(`alter database ${DATABASE} allow_connections true`);
  await vi.waitFor(async () => expect((await ask(port, '/readyz')).status).toBe(200), {
    timeout: 60_000,
    interval: 200
  });
});

test('the metrics tell what happened, to those who may know, and else there is no such path', async () => {
  const metrics = await readMetrics();
  outputs['metrics'] = metrics;
  const told = parseExposition(metrics);
  expect(valueOf(told, 'watchfloor_sign_ins_total', { answer: 'signed_in' }), 'by password, and by a code').toBe(2);
  expect(valueOf(told, 'watchfloor_sign_ins_total', { answer: 'refused' })).toBeGreaterThanOrEqual(1);
  expect(valueOf(told, 'watchfloor_feed_passes_total')).toBeGreaterThan(0);
  expect(valueOf(told, 'watchfloor_pool_connections', { pool: 'pages', state: 'busy' })).toBe(0);
  expect(valueOf(told, 'watchfloor_denials_total', { door: 'operations' })).toBeGreaterThan(0);
  expect(valueOf(told, 'watchfloor_denials_total', { door: 'request' })).toBeGreaterThan(0);
  const pages = { route: '/admin/workspaces/[workspace]/operations' };
  for (const status of ['2xx', '4xx', '5xx'])
    expect(
      valueOf(told, 'watchfloor_http_request_duration_seconds_count', { ...pages, status }),
      status
    ).toBeGreaterThan(0);
  const routes = new Set(
    told.get('watchfloor_http_request_duration_seconds')!.samples.map((sample) => sample.labels['route'])
  );
  expect([...routes].filter((route) => /\d/.test(route!))).toEqual([]);

  const shown = ({ status, headers, body }: Answer): unknown => ({
    status,
    headers: { ...headers, date: '', 'content-security-policy': '' },
    body: body.replace(/nonce="[^"]+"/g, '')
  });
  const nowhere = shown(await ask(port, '/nothing'));
  expect(shown(await ask(port, '/metrics'))).toEqual(nowhere);
  const wrong = { authorization: `Bearer ${secrets['wrong token of the metrics']}` };
  expect(shown(await ask(port, '/metrics', wrong))).toEqual(nowhere);
  await untilLogged({ level: 40, msg: '/metrics was asked for with a token that is not METRICS_TOKEN' });
  expect((await ask(metricsPort, '/metrics')).status).toBe(200);
  expect((await ask(metricsPort, '/metrics', { host: 'evil.example' })).status).toBe(404);
});

test('what Node and libraries print is a line of the log, and so is a crash; stopping is in order', async () => {
  server.process.kill('SIGUSR2');
  await untilLogged({ event: 'console', level: 50 });
  await untilLogged({ event: 'warning' });
  server.process.kill('SIGWINCH');
  expect(await ended('crash')).toBe(1);
  expect(linesOf(server.stderr())).toContainEqual(
    expect.objectContaining({ level: 60, msg: 'An error that nothing handled', err: expect.anything() })
  );
  server = await startServer(environment, directory);
  server.process.kill('SIGTERM');
  expect(await ended('stop')).toBe(0);
  const said = linesOf(server.stderr());
  expect(said).toContainEqual(expect.objectContaining({ msg: 'Stopping in order…' }));
  expect(said.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

test('starts that are refused tell why, and no password', async () => {
  const wrong = databaseUrl(secrets['wrong password of the database']!);
  const nowhere = new URL(wrong);
  nowhere.port = '1';
  const free = await Promise.all(Array.from({ length: 5 }, freePort));
  const refusals = [
    ['wrong password', { DATABASE_URL: wrong }, 'password authentication failed'],
    ['nothing there', { DATABASE_URL: nowhere.href }, 'Watchfloor cannot use the database'],
    ['weak token', { METRICS_TOKEN: `${secrets['wrong token of the metrics']} x` }, 'METRICS_TOKEN cannot be used'],
    ['wrong password of a command', { DATABASE_URL: wrong }, 'password authentication failed'],
    ['taken port', { METRICS_PORT: String(postgres.port) }, `METRICS_PORT=${postgres.port + 1}`]
  ] as const;
  await Promise.all(
    refusals.map(async ([name, given, said], at) => {
      // The ports of one are not in the way of another's refusal.
      const ports = { PORT: String(free[at]!), METRICS_PORT: '' };
      const isCommand = name.endsWith('command');
      const end = await runProgram(isCommand ? 'cli' : 'server', isCommand ? ['status'] : [], {
        ...environment,
        ...ports,
        ...given
      });
      expect(end, name).toMatchObject({ code: 1, stdout: '' });
      expect(end.stderr, name).toContain(said);
      expect(end.stderr, name).not.toContain('    at ');
      outputs[`${name}: refusal`] = end.stderr;
    })
  );
});

test('every line of a server is JSON, but for its first words', () => {
  for (const [name, text] of Object.entries(outputs)) {
    if (name.endsWith('standard output')) {
      expect(text, name).toMatch(/^\nWatchfloor is ready after [^]*Stop with Ctrl-C\.\n$/);
      expect(text.split('\n').length, name).toBeLessThan(20);
    }
    if (name.endsWith('standard error'))
      for (const line of linesOf(text))
        expect(line, name).toMatchObject({ level: expect.any(Number), time: expect.any(String) });
  }
});

test('no secret came out, in no form and in no part', async () => {
  for (const file of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (file.isFile()) outputs[`file ${file.name}`] = await readFile(join(file.parentPath, file.name), 'latin1');
  const log = await readFile(join(dirname(postgres.dataDir), 'log'), 'utf8');
  expect(log).toContain('password authentication failed');
  outputs['log of Postgres'] = log;
  // A page of failure is for the person whose name and whose search these are.
  const theirOwn = ['name of a person', 'search text'];
  const found = Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(outputs).flatMap(([where, text]) => {
      if (where.startsWith('page of failure') && theirOwn.includes(name)) return [];
      const form = findCanary(text, secret);
      return form === null ? [] : [`${name} in ${where}, ${form}`];
    })
  );
  expect(found).toEqual([]);
  // What was searched is what there was to find them in.
  expect(Object.keys(secrets).length).toBeGreaterThanOrEqual(20);
  expect(Object.values(outputs).join('').length).toBeGreaterThan(10_000);
});
