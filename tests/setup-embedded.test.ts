/** The embedded Postgres over the accidents of real life: kills, orphans, second starts, reused process ids. */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findRunningEmbedded, openEmbedded, type EmbeddedDatabase } from '../src/lib/server/database/embedded.ts';
import { readPostmasterFile, startPostmaster } from '../src/lib/server/database/embedded-process.ts';
import { prepareCluster } from '../src/lib/server/database/embedded-cluster.ts';

const log = pino({ level: 'silent' });
let directory: string;
const opened: EmbeddedDatabase[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-embedded-'));
  await chmod(directory, 0o755);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
  await rm(directory, { recursive: true, force: true });
});

async function open(): Promise<EmbeddedDatabase> {
  const database = await openEmbedded(directory, log);
  opened.push(database);
  return database;
}

async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  const file = await readPostmasterFile(join(directory, 'cluster', 'data'));
  if (!file) throw new Error('No postmaster is running.');
  return file.pid;
}

test('the data and the port are the same after a second start', async () => {
  const first = await open();
  await query(first.url, 'create table kept as select 7 as value');
  await first.close();
  const second = await open();
  expect(second.url).toBe(first.url);
  expect((await query(second.url, 'select value from kept')).rows).toEqual([{ value: 7 }]);
});

test('the server speaks UTF-8 and UTC, asks for passwords, and listens on the loopback address only', async () => {
  const { url } = await open();
  const { rows } = await query(
    url,
    `select current_setting('server_encoding') as encoding, current_setting('TimeZone') as zone,
            current_setting('listen_addresses') as addresses, lower('ÄÖÜ') as lowered`
  );
  expect(rows).toEqual([{ encoding: 'UTF8', zone: 'UTC', addresses: '127.0.0.1', lowered: 'äöü' }]);
  const wrong = new URL(url);
  wrong.password = 'guess';
  await expect(query(wrong.href, 'select')).rejects.toThrow('password authentication failed');
});

test('passwords and the log are readable by their owner only', async () => {
  const database = await open();
  await query(database.url, 'create role watchfloor_writer nologin');
  const psql = await database.allowWriterLogin();
  expect(psql).toContain('-U watchfloor_writer watchfloor');
  for (const file of ['cluster/connection.json', 'pgpass', 'start.log', 'cluster/data/postgresql.conf']) {
    expect((await stat(join(directory, file))).mode & 0o077, file).toBe(0);
  }
  const [, , , user, password] = (await readFile(join(directory, 'pgpass'), 'utf8')).trim().split(':');
  const url = new URL(database.url);
  url.username = user ?? '';
  url.password = password ?? '';
  expect((await query(url.href, 'select current_user as me')).rows).toEqual([{ me: 'watchfloor_writer' }]);
});

test('a second instance on the same data is refused with a sentence, and the first goes on', async () => {
  const first = await open();
  await expect(openEmbedded(directory, log)).rejects.toThrow(
    `Watchfloor already runs on the data in ${directory} (process ${process.pid}).`
  );
  await query(first.url, 'select 1');
});

test('two instances started at the same moment end as one', async () => {
  const results = await Promise.allSettled([open(), open()]);
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
  await query(opened[0]?.url ?? '', 'select 1');
});

test('a Postgres killed with -9 while serving is started again under the same address', async () => {
  const { url } = await open();
  const session = new pg.Client({ connectionString: url });
  session.on('error', () => undefined);
  await session.connect();
  const before = await postmasterPid();
  // A backend inside a long statement does not notice the death, and holds the shared memory.
  const stuck = session.query('select sum(i) from generate_series(1, 100000000000) i').catch(() => undefined);
  process.kill(before, 'SIGKILL');
  await vi.waitFor(() => query(url, 'select 1'), { timeout: 30_000, interval: 50 });
  expect(await postmasterPid()).not.toBe(before);
  await stuck;
  await session.end().catch(() => undefined);
  // The lock went over to the new postmaster with it.
  await expect(openEmbedded(directory, log)).rejects.toThrow('already runs');
});

test('the instance lock is taken again when its session alone is ended', async () => {
  const { url } = await open();
  await query(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'watchfloor instance%'`
  );
  await vi.waitFor(
    async () => {
      const { rowCount } = await query(url, `select from pg_locks where locktype = 'advisory' and granted`);
      expect(rowCount).toBe(1);
    },
    { timeout: 10_000, interval: 50 }
  );
});

test('the Postgres of a killed Watchfloor is taken over by the next start', async () => {
  const cluster = await prepareCluster(directory);
  const orphan = await startPostmaster(cluster, {
    port: cluster.connection.port,
    settings: {},
    logFile: join(directory, 'orphan.log')
  });
  expect(await findRunningEmbedded(directory)).toContain(String(cluster.connection.port));
  const { url } = await open();
  await orphan.ended;
  await query(url, 'select 1');
  expect(await postmasterPid()).not.toBe(orphan.pid);
});

test('a postmaster.pid whose process id belongs to somebody else now does not hinder the start', async () => {
  const first = await open();
  const file = join(directory, 'cluster', 'data', 'postmaster.pid');
  const text = await readFile(file, 'utf8');
  await first.close();
  const bystander = spawn('sleep', ['600']);
  try {
    await writeFile(file, text.replace(/^\d+/, String(bystander.pid)));
    const { url } = await open();
    await query(url, 'select 1');
    expect(bystander.exitCode).toBeNull();
  } finally {
    bystander.kill();
  }
});

test('stopping ends open sessions in order, so the next start needs no recovery', async () => {
  const database = await open();
  const session = new pg.Client({ connectionString: database.url });
  session.on('error', () => undefined);
  await session.connect();
  await database.close();
  await open();
  const logs = join(directory, 'cluster', 'data', 'log');
  const day = new Date().toLocaleDateString('en', { weekday: 'short', timeZone: 'UTC' });
  expect(await readFile(join(logs, `postgres-${day}.log`), 'utf8')).not.toContain('not properly shut down');
});
