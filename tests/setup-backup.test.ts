/**
 * Restoring and upgrading embedded data: what is there stays until the new is whole, and beside it afterwards. The upgrade
 * runs with another major version where one is found (WATCHFLOOR_TEST_OLD_POSTGRES_BIN, or Debian's packages).
 */
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { restoreEmbedded } from '../src/lib/server/database/backup/embedded-restore.ts';
import { checkBackup } from '../src/lib/server/database/backup/file.ts';
import { LEFT_TO_THE_PLACE } from '../src/lib/server/database/backup/tables.ts';
import { upgradeEmbedded } from '../src/lib/server/database/backup/upgrade.ts';
import { writeBackup, type Backup } from '../src/lib/server/database/backup/write.ts';
import { freePort, readConnection } from '../src/lib/server/database/embedded-cluster.ts';
import { findRunAs } from '../src/lib/server/database/embedded-place.ts';
import { initializeCluster, postgresMajor } from '../src/lib/server/database/embedded-process.ts';
import { settleSwap } from '../src/lib/server/database/embedded-swap.ts';
import { openCluster, openEmbedded, type EmbeddedDatabase } from '../src/lib/server/database/embedded.ts';
import { migrate } from '../src/lib/server/database/migrations.ts';

const log = pino({ level: 'silent' });
let folder: string;
/** embedded data with the workspace "First", of which `backup` was made, and "Later", which came afterwards */
let directory: string;
let backup: Backup;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchfloor-restore-'));
  await chmod(folder, 0o755);
  directory = join(folder, 'data');
  const database = await openEmbedded(directory, log);
  await migrate(database.url);
  await query(database.url, `insert into workspaces (name) values ('First')`);
  backup = await writeBackup(database.url, join(folder, 'backup'), { leaveOut: LEFT_TO_THE_PLACE });
  await query(database.url, `insert into workspaces (name) values ('Later')`);
  await database.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function readNames(database: EmbeddedDatabase): Promise<string[]> {
  return (await query<{ name: string }>(database.url, 'select name from workspaces order by id')).map(
    ({ name }) => name
  );
}

async function readNamesIn(place: string): Promise<string[]> {
  const database = await openEmbedded(place, log);
  return readNames(database).finally(() => database.close());
}

const options = { reason: 'restore', leapIds: true, log } as const;
const going = (): AbortSignal => new AbortController().signal;

test('data that are there are not replaced without a word, nor while a Watchfloor runs on them', async () => {
  await expect(
    restoreEmbedded(directory, backup.file, backup, { ...options, replace: false, signal: going() })
  ).rejects.toThrow('Add --replace');
  const running = await openEmbedded(directory, log);
  try {
    await expect(
      restoreEmbedded(directory, backup.file, backup, { ...options, replace: true, signal: going() })
    ).rejects.toThrow('already runs on the data');
    expect(await readNames(running)).toEqual(['First', 'Later']);
  } finally {
    await running.close();
  }
});

test('a restore that is broken off leaves the data as they were, and nothing beside them', async () => {
  const before = await readdir(directory);
  const interruption = new AbortController();
  const restoring = restoreEmbedded(directory, backup.file, backup, {
    ...options,
    replace: true,
    signal: interruption.signal
  });
  const ended = expect(restoring).rejects.toThrow('Nothing was changed');
  // In the midst of it: its own server runs.
  const pidFile = join(directory, 'restore.new', 'cluster', 'data', 'postmaster.pid');
  await vi.waitFor(() => expect(existsSync(pidFile)).toBe(true), { timeout: 60_000, interval: 10 });
  interruption.abort();
  await ended;
  expect(await readdir(directory)).toEqual(before);
});

test('a restore replaces the data, keeps them beside, and goes on with their port and reporting password', async () => {
  const former = await readConnection(directory);
  // The data are no demo's: a note that says so must not let a demo writer loose on them.
  await writeFile(join(directory, 'demo.json'), '{}');
  const { aside } = await restoreEmbedded(directory, backup.file, await checkBackup(backup.file), {
    ...options,
    replace: true,
    signal: going()
  });
  expect(await readNamesIn(directory)).toEqual(['First']);
  const { port, writerPassword } = (await readConnection(directory))!;
  expect(writerPassword).toBe(former!.writerPassword);
  expect(port).toBe(former!.port);
  expect(existsSync(join(directory, 'demo.json'))).toBe(false);
  expect((await stat(join(directory, 'cluster', 'connection.json'))).mode & 0o077).toBe(0);

  // The former data are whole: put back, they are what they were.
  await rename(join(directory, 'cluster'), join(directory, 'restored'));
  await rename(aside!, join(directory, 'cluster'));
  expect(await readNamesIn(directory)).toEqual(['First', 'Later']);
});

test('a swap that a crash broke off is settled at the next start: the old data or the new, never none', async () => {
  const place = await mkdtemp(join(folder, 'swap-'));
  const note = join(place, 'cluster.swap.json');
  const is = async (): Promise<string> => readFile(join(place, 'cluster', 'which'), 'utf8');
  const make = async (name: string, which: string): Promise<void> => {
    await mkdir(join(place, name), { recursive: true });
    await writeFile(join(place, name, 'which'), which);
  };
  const begin = async (): Promise<void> => {
    for (const name of ['cluster', 'fresh', 'aside']) await rm(join(place, name), { recursive: true, force: true });
    await writeFile(note, JSON.stringify({ fresh: 'fresh', aside: 'aside' }));
  };
  await begin();
  await make('cluster', 'old');
  await make('fresh', 'new');
  await settleSwap(place);
  expect(await is(), 'before the first rename').toBe('old');
  await begin();
  await make('aside', 'old');
  await make('fresh', 'new');
  await settleSwap(place);
  expect(await is(), 'between the two').toBe('new');
  await begin();
  await make('cluster', 'new');
  await make('aside', 'old');
  await settleSwap(place);
  expect(await is(), 'after the second').toBe('new');
  expect(existsSync(note)).toBe(false);
});

/** A bin directory of another major version, or null. */
async function findOther(): Promise<string | null> {
  const named = process.env['WATCHFLOOR_TEST_OLD_POSTGRES_BIN'];
  const packaged = ['17', '16', '15'].map((major) => `/usr/lib/postgresql/${major}/bin`);
  return [named, ...packaged].find((bin) => bin && existsSync(join(bin, 'postgres'))) ?? null;
}

/** Data as that version's Watchfloor would have left them: at an older schema, with a session. */
async function makeOld(place: string, binDirectory: string): Promise<number> {
  const runAs = await findRunAs();
  const dataDirectory = join(place, 'cluster', 'data');
  const passwordFile = join(place, 'password');
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  for (const folder of [place, join(place, 'cluster')]) await chmod(folder, 0o755);
  await writeFile(passwordFile, 'secret\n', { mode: 0o600 });
  if (runAs) for (const path of [dataDirectory, passwordFile]) await chown(path, runAs.uid, runAs.gid);
  const major = await postgresMajor({ binDirectory, runAs });
  const cluster = { binDirectory, runAs, dataDirectory };
  await initializeCluster(cluster, {
    superuser: 'watchfloor',
    passwordFile,
    authentication: 'scram-sha-256',
    major,
    sync: false
  });
  const connection = { port: await freePort(0), superuserPassword: 'secret', writerPassword: 'writer' };
  await writeFile(join(place, 'cluster', 'connection.json'), JSON.stringify(connection), { mode: 0o600 });
  const database = await openCluster({ directory: place, ...cluster, connection }, log);
  await migrate(database.url);
  await query(
    database.url,
    `insert into workspaces (name) values ('Old');
     insert into users (email, name, password_hash) values ('ada@example.com', 'Ada', 'x');
     insert into sessions (id, user_id, expires_at) values (repeat('a', 64), 1, now() + interval '1 day');
     insert into operation_runs (workspace_id, type, initiator_name)
     select 1, 'inventory.sync', 'Person ' || n from generate_series(1, 500) n`
  );
  await database.close();
  return major;
}

test('data of another major version are refused with what to do, and an upgrade brings all of them over', async ({
  skip
}) => {
  const bin = await findOther();
  skip(bin === null, 'no other version of Postgres is installed here');
  const place = join(folder, 'old');
  const major = await makeOld(place, bin!);
  await expect(openEmbedded(place, log)).rejects.toThrow('npm run watchfloor -- upgrade');

  const upgrade = (oldBinaries: string): ReturnType<typeof upgradeEmbedded> =>
    upgradeEmbedded(place, {
      oldBinaries,
      backupFile: join(place, 'backups', 'before'),
      signal: going(),
      log,
      tell: () => undefined
    });
  await expect(upgrade(join(folder, 'nowhere'))).rejects.toThrow(`the folder bin of a Postgres ${major}`);
  const done = (await upgrade(bin!))!;
  expect(done).toMatchObject({ from: major, to: 18 });
  // Nothing happened in between: sessions and numbers go on.
  const database = await openEmbedded(place, log);
  try {
    expect(
      await query(
        database.url,
        `select current_setting('server_version_num')::int / 10000 as major, count(*)::int as operations,
           count(distinct search_text)::int as texts, (select count(*)::int from sessions) as sessions from operation_runs`
      )
    ).toEqual([{ major: 18, operations: 500, texts: 500, sessions: 1 }]);
    expect(await query(database.url, `insert into workspaces (name) values ('Next') returning id::int`)).toEqual([
      { id: 2 }
    ]);
  } finally {
    await database.close();
  }
  expect(await readFile(join(done.aside, 'data', 'PG_VERSION'), 'utf8')).toBe(`${major}\n`);
  expect(await upgrade(bin!), 'a second time there is nothing to do').toBeNull();
});
