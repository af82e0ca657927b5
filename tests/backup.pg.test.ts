/** Backups by SQL alone: one instant, every value as it was, nothing that must not travel, and a stream that begins anew. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { checkBackup } from '../src/lib/server/database/backup/file.ts';
import { loadBackup, migrationsOf } from '../src/lib/server/database/backup/load.ts';
import { LEFT_TO_THE_PLACE, readTables } from '../src/lib/server/database/backup/tables.ts';
import { writeBackup, type Backup } from '../src/lib/server/database/backup/write.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient } from './harness/live.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

let folder: string;
let database: TestDatabase;
let world: World;
let backup: Backup;
const copies: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchfloor-backup-'));
  database = await createDatabase();
  world = await makeWorld(database.url);
  // What COPY, gzip and line ends could get wrong.
  for (const text of ['\\.', 'a\\.\nb', '\t\r\n', '\\N', 'Ünïcode 🚚', ' "quoted", {braces} ', 'x'.repeat(40_000)])
    await world.writer.query(
      `insert into operation_runs (workspace_id, managed_environment_id, type, initiator_name, context, failure_summary,
         external_id, status, outcome) values ($1, $2, 'inventory.sync', $3, $4, $5, $3, 'completed', 'failed')`,
      [world.a, world.a1, text, JSON.stringify({ text }), JSON.stringify([{ code: 'E', message: text }])]
    );
  const id = await insertOperation(world.writer, world.a, world.a1);
  for (let step = 1; step <= 5; step++)
    await world.writer.query('update operation_runs set progress_processed = $2 where id = $1', [id, step]);
  await world.writer.query(`insert into operation_runs (workspace_id, type, status) values ($1, 'x', 'nonsense')`, [
    world.a
  ]);
  await world.owner.query('select watchfloor.collect_facets()');
  backup = await write('first');
});
afterAll(async () => {
  await world?.close();
  const admin = new pg.Client({ connectionString: inject('postgres').url });
  await admin.connect();
  for (const name of copies) await admin.query(`drop database if exists ${name} with (force)`);
  await admin.end();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

function write(name: string): Promise<Backup> {
  return writeBackup(database.url, join(folder, name), { leaveOut: LEFT_TO_THE_PLACE });
}

async function emptyDatabase(): Promise<string> {
  const server = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  copies.push(name);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

async function restore(from: Backup): Promise<string> {
  const url = await emptyDatabase();
  await loadBackup(url, from.file, await checkBackup(from.file), { leapIds: true });
  return url;
}

async function query<T extends pg.QueryResultRow>(url: string, sql: string, values: unknown[] = []): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

async function readAll(url: string): Promise<Record<string, unknown[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const all: Record<string, unknown[]> = {};
  for (const { name, order } of await readTables(client, { leaveOut: LEFT_TO_THE_PLACE }))
    all[name] = (await client.query(`select to_jsonb(t) as row from ${name} t order by ${order}`)).rows;
  await client.end();
  return all;
}

const FRAME = `
  select pg_get_indexdef(indexrelid) as line from pg_index join pg_class c on c.oid = indrelid
    where c.relnamespace in ('public'::regnamespace, 'watchfloor'::regnamespace)
  union all select conrelid::regclass || ' ' || pg_get_constraintdef(oid) || convalidated::text from pg_constraint
    where connamespace in ('public'::regnamespace, 'watchfloor'::regnamespace) and contype <> 'n'
  union all select pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where not tgisinternal
  order by 1`;

test('a restored database equals the one that was backed up: rows, derived columns, revisions, schema', async () => {
  const copy = await restore(backup);
  expect(await readAll(copy)).toEqual(await readAll(database.url));
  expect(await query(copy, FRAME)).toEqual(await query(database.url, FRAME));

  // It works as before, and no number that was handed out since the backup is handed out again.
  const [after] = await query<{ id: number; revision: number }>(
    copy,
    `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'inventory.sync')
     returning id::integer, revision::integer`,
    [world.a, world.a1]
  );
  const [last] = await query<{ id: number }>(database.url, 'select max(id)::integer as id from operation_runs');
  expect(after!.id).toBeGreaterThan(last!.id + 1_000_000);
  expect(after!.revision).toBe(1);
  expect(await query(copy, `select from watchfloor.changes`)).toHaveLength(1);
});

test('every table is in a backup or left out by name', async () => {
  const rows = await query<{ name: string }>(
    database.url,
    `select n.nspname || '.' || relname as name from pg_class c join pg_namespace n on n.oid = relnamespace
     where relkind = 'r' and nspname in ('public', 'watchfloor') order by 1`
  );
  const held = backup.header.tables.map(({ name }) => name);
  expect(rows.map(({ name }) => name).filter((name) => !held.includes(name))).toEqual([
    'public.sessions',
    'watchfloor.authenticator_setups',
    'watchfloor.change_floor',
    'watchfloor.changes',
    'watchfloor.display_presence',
    'watchfloor.epoch_nonce',
    'watchfloor.migrations',
    'watchfloor.pairing_requests',
    'watchfloor.passkey_challenges',
    'watchfloor.pending_sign_ins',
    'watchfloor.secrets',
    'watchfloor.sign_in_limits'
  ]);
});

test('the file is its owner’s alone, and holds no session and no key', async () => {
  expect((await stat(backup.file)).mode & 0o777).toBe(0o600);
  const text = gunzipSync(await readFile(backup.file)).toString('latin1');
  const [key] = await query<{ hex: string }>(
    database.url,
    `select encode(value, 'hex') as hex from watchfloor.secrets where name = 'token_key'`
  );
  expect(text).toContain(world.everyone.email);
  expect(text).not.toContain(world.everyone.sessionId);
  expect(text).not.toContain(key!.hex);
});

test('it is of one instant while writers go on, and never writes over a file', async () => {
  let writing = true;
  const writer = (async () => {
    for (; writing;)
      await world.writer.query(
        `insert into operation_runs (workspace_id, type) select $1, 'pair' from generate_series(1, 2)`,
        [world.a]
      );
  })();
  const second = await write('second');
  writing = false;
  await writer;
  const text = gunzipSync(await readFile(second.file)).toString('utf8');
  expect((text.match(/\tpair\t/g) ?? []).length % 2).toBe(0);
  await expect(write('second')).rejects.toThrow('already');
  expect((await checkBackup(second.file)).totals).toEqual(second.totals);
});

test('a file that is cut off, changed or foreign is refused with a sentence, wherever that is', async () => {
  const whole = await readFile(backup.file);
  const plain = gunzipSync(whole);
  const changed = Buffer.from(plain);
  changed[plain.indexOf('Workspace A')] = 'w'.charCodeAt(0);
  const header = Buffer.from(plain);
  header[plain.indexOf('"isDemo":false') + 10] = 'F'.charCodeAt(0);
  const wrong: [string, Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /not a backup/],
    ['text', Buffer.from('CREATE TABLE …'), /not a backup/],
    ['other gzip', gzipSync('hello\n'), /not a backup/],
    ...[0.1, 0.5, 0.9].map((share): [string, Buffer, RegExp] => [
      `cut at ${share}`,
      whole.subarray(0, Math.floor(whole.length * share)),
      /cut off|not a backup/
    ]),
    ['without its last byte', whole.subarray(0, -1), /cut off/],
    ['without its last line', gzipSync(plain.subarray(0, plain.lastIndexOf('end '))), /cut off/],
    ['a row more', gzipSync(Buffer.concat([plain, Buffer.from('1\t2\n')])), /follows its end/],
    ['a name changed', gzipSync(changed), /not those that were written/],
    ['its header changed', gzipSync(header), /damaged|not a backup/]
  ];
  for (const [what, bytes, sentence] of wrong) {
    const file = join(folder, 'wrong');
    await writeFile(file, bytes);
    await expect(checkBackup(file), what).rejects.toThrow(sentence);
  }
  await expect(checkBackup(join(folder, 'none'))).rejects.toThrow('There is no file');
});

test('a backup of a newer or a changed Watchfloor is refused by name', () => {
  const { migrations } = backup.header;
  const [first] = migrations;
  expect(() =>
    migrationsOf({ ...backup.header, migrations: [...migrations, { ...first!, version: 9999, name: '9999_future' }] })
  ).toThrow('newer Watchfloor (it has 9999_future)');
  expect(() => migrationsOf({ ...backup.header, migrations: [{ ...first!, hash: 'x' }] })).toThrow(
    'changed Watchfloor'
  );
});

test('a database with people in it, or with a Watchfloor on it, is never restored into', async () => {
  const checked = await checkBackup(backup.file);
  const before = await readAll(database.url);
  await world.owner.query('select 1');
  await expect(loadBackup(database.url, backup.file, checked, { leapIds: true })).rejects.toThrow(
    'never writes over any'
  );
  expect(await readAll(database.url)).toEqual(before);
  const url = await emptyDatabase();
  const other = new pg.Client({ connectionString: url, application_name: 'watchfloor feed' });
  await other.connect();
  await expect(loadBackup(url, backup.file, checked, { leapIds: true })).rejects.toThrow('runs on this database');
  await other.end();
  await loadBackup(url, backup.file, checked, { leapIds: true });
});

test('a place from before is worth nothing on a restored copy: its reader is told to read anew, also under the old key', async () => {
  const reader = openReader(database.url);
  const scope = { workspaceId: world.a, environmentId: null };
  const before = (await reader.read(world.everyone, scope))!;
  await reader.close();
  // Known to the page, and not to the copy.
  const copy = await restore(backup);
  await query(copy, `insert into sessions (id, user_id, expires_at) values ($1, $2, now() + interval '1 day')`, [
    world.everyone.sessionId,
    world.everyone.id
  ]);
  const follow = async (): Promise<unknown> => {
    const hub = await startHub(copy);
    const client = new TestClient(hub.port, world.everyone.cookie);
    try {
      await client.connected();
      return await client.follow(scope, before);
    } finally {
      client.close();
      await hub.close();
    }
  };
  expect(await follow()).toMatchObject({ result: 'resync', reason: 'token' });
  const [key] = await query<{ value: Buffer }>(
    database.url,
    `select value from watchfloor.secrets where name = 'token_key'`
  );
  await query(copy, `update watchfloor.secrets set value = $1 where name = 'token_key'`, [key!.value]);
  expect(await follow()).toMatchObject({ result: 'resync', reason: 'epoch' });
});
