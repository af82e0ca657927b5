/**
 * A real PgBouncer beside the built server: the documented set-up (queries through it, everything that needs a session of
 * its own directly) does all that a person does, and what cannot work is refused with a sentence. Skipped where PgBouncer
 * is not installed (Debian: `apt-get install pgbouncer`).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LIVE_PATH, PROTOCOL_VERSION, type RowsChanged, type SubscribeAnswer } from '../src/lib/live/protocol.ts';
import { hashPassword } from '../src/lib/server/access/passwords.ts';
import { migrate } from '../src/lib/server/database/migrations.ts';
import { openPool, withTransaction } from '../src/lib/server/database/pool.ts';
import { sharesSessions } from '../src/lib/server/database/pooler.ts';
import { startPgBouncer, type PgBouncer } from './harness/pgbouncer.ts';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { runProgram } from './harness/program.ts';
import { findProgram } from './harness/proxy.ts';
import { ask, startServer, type RunningServer } from './harness/running-server.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

const PASSWORD = 'correct horse battery';
const program = findProgram('pgbouncer');
const reason = 'PgBouncer is not installed: pooled connections are not tested here';
let postgres: TestPostgres;
let pooler: PgBouncer;
let world: World;
let directory: string;
const servers: RunningServer[] = [];

beforeAll(async () => {
  if (program === null) return void process.stderr.write(`skipped: ${reason}\n`);
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-pooler-'));
  postgres = await startPostgres();
  await migrate(postgres.url);
  pooler = await startPgBouncer(program, postgres, 'transaction');
  world = await makeWorld(postgres.url);
  await world.owner.query('update users set password_hash = $2 where id = $1', [
    world.everyone.id,
    await hashPassword(PASSWORD)
  ]);
});
afterAll(async () => {
  for (const { process, ended } of servers) if (process.exitCode === null && process.kill('SIGTERM')) await ended;
  await world?.close();
  await pooler?.close();
  await postgres?.remove();
  if (directory) await rm(directory, { recursive: true, force: true });
});

async function start(environment: Record<string, string>): Promise<{ server: RunningServer; port: number }> {
  const port = await freePort();
  const server = await startServer({ PORT: String(port), ...environment }, directory);
  servers.push(server);
  await vi.waitFor(async () => expect((await ask(port, '/readyz')).status, server.stderr()).toBe(200), {
    timeout: 30_000,
    interval: 100
  });
  return { server, port };
}

test('an address with a pooler of transactions behind it is known, one of sessions or none is not taken for it', async ({
  skip
}) => {
  skip(program === null, reason);
  expect(await sharesSessions(pooler.url)).toBe(true);
  expect(await sharesSessions(postgres.url)).toBe(false);
});

test('through it every query has its role, its limits and its types, and leaves nothing behind in a session', async ({
  skip
}) => {
  skip(program === null, reason);
  const open = (role: 'people' | 'access'): pg.Pool =>
    openPool({
      url: pooler.url,
      role,
      max: 4,
      applicationName: 'test pooled',
      statementTimeoutMs: 1_234,
      pooled: true
    });
  const [people, access] = [open('people'), open('access')];
  const raw = new pg.Client({ connectionString: pooler.url });
  await raw.connect();
  const sql = `select current_user as me, current_setting('statement_timeout') as "limit", 7::bigint as seven`;
  const of = (role: string) => ({ me: `watchfloor_${role}`, limit: '1234ms', seven: 7 });
  const bare = { me: 'postgres', limit: '0', seven: '7' };
  for (let round = 0; round < 10; round += 1) {
    // One session serves them by turns, and a name that one of them prepared would be another's.
    expect((await people.query({ name: 'who', text: sql })).rows).toEqual([of('people')]);
    expect((await raw.query(sql)).rows).toEqual([bare]);
    expect((await access.query({ name: 'who', text: sql })).rows).toEqual([of('access')]);
    await expect(people.query('select password_hash from users')).rejects.toThrow('permission denied');
    await withTransaction(people, 'isolation level repeatable read read only', async (client) => {
      expect((await client.query({ name: 'who', text: sql })).rows).toEqual([of('people')]);
      expect((await client.query('show transaction_isolation')).rows).toEqual([
        { transaction_isolation: 'repeatable read' }
      ]);
    });
    await expect(withTransaction(access, '', (client) => client.query('select nothing'))).rejects.toThrow('nothing');
    expect((await raw.query(sql)).rows).toEqual([bare]);
  }
  expect(() => people.connect()).toThrow('in transactions only');
  await Promise.all([people.end(), access.end(), raw.end()]);
});

test('with queries through it and a direct address beside it, a person signs in, reads, watches live and reviews', async ({
  skip
}) => {
  skip(program === null, reason);
  const { server, port } = await start({ DATABASE_URL: postgres.url, WATCHFLOOR_POOLED_URL: pooler.url });
  const origin = `http://127.0.0.1:${port}`;
  const refused = new URLSearchParams({ email: world.everyone.email, password: 'another password' }).toString();
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  expect((await ask(port, '/login', form, refused)).body).toContain('password');
  const signIn = new URLSearchParams({ email: world.everyone.email, password: PASSWORD }).toString();
  const signedIn = await ask(port, '/login', form, signIn);
  expect(signedIn.status, server.stderr()).toBe(303);
  const cookie = [signedIn.headers['set-cookie'] ?? []]
    .flat()
    .map((one) => one.split(';')[0])
    .join('; ');

  const failed = await insertOperation(world.writer, world.a, world.a1);
  await world.writer.query(`update operation_runs set status = 'completed', outcome = 'failed' where id = $1`, [
    failed
  ]);
  const path = `/admin/workspaces/${world.a}/operations`;
  const list = await ask(port, path, { cookie });
  expect(list.status, server.stderr()).toBe(200);
  expect(list.body).toContain(`${path}/${failed}`);
  for (const page of [`/admin/workspaces/${world.a}`, `${path}/${failed}`, `${path}?activeTab=failed&q=inventory`])
    expect((await ask(port, page, { cookie })).status, page + server.stderr()).toBe(200);
  expect((await ask(port, `/admin/workspaces/${world.b}/operations`, { cookie })).status).toBe(404);

  const socket = io(origin, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    extraHeaders: { cookie, origin }
  });
  const seen = new Set<number>();
  socket.on('rows:changed', ({ rows }: RowsChanged) => rows.forEach(({ id }) => seen.add(id)));
  await vi.waitFor(() => expect(socket.connected).toBe(true), { timeout: 20_000 });
  const answer = (await socket.timeout(20_000).emitWithAck('subscribe', {
    protocol: PROTOCOL_VERSION,
    scope: { workspaceId: world.a, environmentId: null },
    window: { kind: 'list', query: '' },
    summaries: 'scope',
    token: /\btoken:\s*"([\w-]+)"/.exec(list.body)?.[1] ?? ''
  })) as SubscribeAnswer;
  expect(answer, server.stderr()).toMatchObject({ result: 'caught_up' });
  const next = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(seen).toContain(next), { timeout: 20_000 });
  const reviewed = await ask(port, `${path}/${failed}?/review`, { cookie, ...form }, '');
  expect(reviewed.status, server.stderr()).toBe(303);
  await vi.waitFor(() => expect(seen).toContain(failed), { timeout: 20_000 });
  socket.disconnect();

  // It is so that queries went there: some of Postgres's sessions are PgBouncer's and of no name of ours.
  const { rows } = await world.owner.query<{ direct: string[] }>(
    `select array_agg(distinct application_name order by application_name) as direct
     from pg_stat_activity where datname = current_database() and application_name in
       ('watchfloor feed', 'watchfloor listener')`
  );
  expect(rows[0]!.direct).toEqual(['watchfloor feed', 'watchfloor listener']);
  expect(server.stderr()).not.toMatch(/"level":(50|60)/);
});

test('DATABASE_URL itself may not lead through it, of the server as of commands', async ({ skip }) => {
  skip(program === null, reason);
  const port = String(await freePort());
  for (const [name, args] of [
    ['server', []],
    ['cli', ['user', 'list']]
  ] as const) {
    const { code, stderr } = await runProgram(name, [...args], { PORT: port, DATABASE_URL: pooler.url });
    expect(code).toBe(1);
    expect(stderr).toContain('DATABASE_URL leads through a transaction-pooling proxy');
    expect(stderr).toContain('WATCHFLOOR_POOLED_URL');
    expect(stderr).not.toContain('    at ');
  }
});

test('two addresses that lead to different databases are refused', async ({ skip }) => {
  skip(program === null, reason);
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('create database elsewhere');
  await admin.end();
  const { code, stderr } = await runProgram('server', [], {
    PORT: String(await freePort()),
    DATABASE_URL: postgres.url,
    WATCHFLOOR_POOLED_URL: pooler.urlOf('elsewhere')
  });
  expect(code).toBe(1);
  expect(stderr).toContain('WATCHFLOOR_POOLED_URL leads to another database');
});

test('a pooler of sessions serves, and a server ends with the reason when it becomes one of transactions', async ({
  skip
}) => {
  skip(program === null, reason);
  await pooler.restart('session');
  const { server } = await start({ DATABASE_URL: pooler.url });
  await pooler.restart('transaction');
  expect(await server.ended, server.stderr()).toBe(1);
  expect(server.stderr()).toContain('DATABASE_URL leads through a transaction-pooling proxy');
});
