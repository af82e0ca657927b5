/**
 * Schemas of other releases, and migrations beside writers (decision 0008). Made-up migrations come after the real ones;
 * tests/setup-rolling.test.ts runs a real earlier release.
 */
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MigrationBlockedError } from '../src/lib/server/database/apply-migration.ts';
import {
  migrate,
  readMigrations,
  SchemaMismatchError,
  toMigration,
  type Migration
} from '../src/lib/server/database/migrations.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { insertOperation, makeWorld, openWriter, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
/** holds and reads what tests must know, as the superuser */
let admin: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  admin = new pg.Client({ connectionString: database.url, application_name: 'somebody else' });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await world?.close();
  await database?.drop();
});

const known = readMigrations();
/** This release's migrations and one of the next release. */
const withLater = (name: string, sql: string): Migration[] => [...known, toMigration(name, sql)];

async function forget(...names: string[]): Promise<void> {
  await admin.query('delete from watchfloor.migrations where name = any ($1)', [names]);
}

test('a release starts on the schema of a newer one, and says which migrations it does not know', async () => {
  const next = withLater(
    '9001_more_room',
    'alter table public.workspaces add column motto text not null default $$$$;'
  );
  expect(await migrate(database.url, { migrations: next })).toMatchObject({ applied: ['9001_more_room'], newer: [] });
  expect(await migrate(database.url)).toMatchObject({
    applied: [],
    version: known.at(-1)!.version,
    newer: ['9001_more_room']
  });
  await forget('9001_more_room');
});

test('a release that a newer one has left behind is refused with what to do, and the release between is not', async () => {
  const contracting = toMigration(
    '9003_less_room',
    '-- Nothing reads it since release 9002.\n-- contracts: releases before 9002 cannot run on it\nselect 1;'
  );
  const between = [...known, toMigration('9002_other_room', 'select 1;')];
  await migrate(database.url, { migrations: [...between, contracting] });
  const refusal = await migrate(database.url).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(SchemaMismatchError);
  expect((refusal as Error).message).toContain('9003_less_room says that releases before 9002 cannot run on it');
  expect((refusal as Error).message).toContain('Start the newer version');
  expect(await migrate(database.url, { migrations: between })).toMatchObject({ newer: ['9003_less_room'] });
  await forget('9002_other_room', '9003_less_room');
});

test('a migration that waits for an open transaction lets reports through, says who is in the way, and then goes on', async () => {
  const reader = new pg.Client({ connectionString: database.url, application_name: 'a long report' });
  await reader.connect();
  await reader.query('begin');
  await reader.query('select count(*) from operation_runs');
  let blocked = '';
  let isDone = false;
  const migrating = migrate(database.url, {
    migrations: withLater('9004_wide', 'alter table public.operation_runs add column wide integer not null default 0;'),
    onBlocked: (sentence) => (blocked = sentence)
  }).finally(() => (isDone = true));
  const writer = await openWriter(database.url);
  // Reports before, while and after it asks for the table: each gets through although the reader stays where it is.
  let reports = 0;
  await vi.waitFor(
    async () => {
      await insertOperation(writer, world.a, world.a1);
      reports++;
      expect(blocked).not.toBe('');
      expect(reports).toBeGreaterThan(3);
    },
    { timeout: 25_000, interval: 100 }
  );
  expect(isDone).toBe(false);
  expect(blocked).toContain('The migration 9004_wide waits for a table that others hold');
  expect(blocked).toContain('as a long report');
  await reader.query('commit');
  expect((await migrating).applied).toEqual(['9004_wide']);
  await Promise.all([reader.end(), writer.end()]);
  await forget('9004_wide');
});

test('a migration waits for the reports that are under way before it touches anything else', async () => {
  const writer = await openWriter(database.url);
  // Where both wait for each other, whoever looks first is the one that Postgres ends.
  await writer.query(`reset role; set deadlock_timeout = '10ms'; set role watchfloor_writer; begin`);
  await insertOperation(writer, world.a, world.a1);
  const migrating = migrate(database.url, {
    migrations: withLater(
      '9007_two_locks',
      `lock table public.rejected_reports in access exclusive mode; create trigger made_up_999_up before update
         on public.operation_runs for each row when (false) execute function watchfloor.touch_operation();`
    )
  });
  await vi.waitFor(
    async () => {
      const { rows } = await admin.query(
        `select from pg_locks where relation = 'public.operation_runs'::regclass and not granted`
      );
      expect(rows).toHaveLength(1);
    },
    { timeout: 20_000, interval: 20 }
  );
  // A refused report writes there.
  const wrong = 'update operation_runs set status = $2 where workspace_id = $1';
  await writer.query(wrong, [world.a, 'no status of ours']);
  await writer.query('commit');
  expect((await migrating).applied).toEqual(['9007_two_locks']);
  await writer.end();
  await admin.query('drop trigger made_up_999_up on public.operation_runs');
  await forget('9007_two_locks');
});

test('a migration that is in the way of nobody but cannot go through ends with the name of who holds the table', async () => {
  await admin.query('begin; lock table public.workspaces in access share mode');
  const refusal = await migrate(database.url, {
    migrations: withLater('9005_blocked', 'alter table public.workspaces add column blocked text;'),
    patienceMs: 0
  }).catch((error: unknown) => error);
  await admin.query('commit');
  expect(refusal).toBeInstanceOf(MigrationBlockedError);
  expect((refusal as Error).message).toMatch(/9005_blocked waits .*process \d+ \(postgres as somebody else/);
  const { rows } = await admin.query(`select from watchfloor.migrations where name = '9005_blocked'`);
  expect(rows).toEqual([]);
});

test('an index is built while a report holds the table, by one of two nodes that start together', async () => {
  const sql =
    '-- concurrently: outside a transaction\ncreate index concurrently operation_runs_made_up on public.operation_runs (user_id);';
  // What a build leaves that was broken off.
  await admin.query('create index operation_runs_made_up on public.operation_runs (user_id)');
  await admin.query(
    `update pg_index set indisvalid = false where indexrelid = 'public.operation_runs_made_up'::regclass`
  );
  const writer = await openWriter(database.url);
  const other = await openWriter(database.url);
  await writer.query('begin');
  await insertOperation(writer, world.a, world.a1);
  const migrations = withLater('9006_index', sql);
  const nodes = [migrate(database.url, { migrations }), migrate(database.url, { migrations })];
  await vi.waitFor(
    async () => {
      const { rows } = await admin.query(
        `select from pg_stat_activity where datname = current_database() and application_name = 'watchfloor migrate'
           and query like '%index concurrently%' and wait_event_type = 'Lock'`
      );
      expect(rows).toHaveLength(1);
    },
    { timeout: 20_000, interval: 50 }
  );
  // The build waits for the open report; another writer waits for neither.
  await insertOperation(other, world.a, world.a1);
  await writer.query('commit');
  const applied = (await Promise.all(nodes)).map((node) => node.applied);
  expect(applied.flat()).toEqual(['9006_index']);
  const { rows } = await admin.query(
    `select indisvalid from pg_index where indexrelid = 'public.operation_runs_made_up'::regclass`
  );
  expect(rows).toEqual([{ indisvalid: true }]);
  await Promise.all([writer.end(), other.end()]);
  await forget('9006_index');
});

/**
 * What takes something from a release that runs, or holds the table for as long as its rows are many. A function may be
 * dropped when only the database calls it: setup-rolling.test.ts runs the release before.
 */
const TAKES_AWAY: [RegExp, string][] = [
  [/\bdrop\s+(table|column|view|schema|type)\b/i, 'drops what the previous release may use'],
  [/\brename\b/i, 'renames what the previous release uses'],
  [/\balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b/i, 'rewrites the table'],
  [/\bset\s+not\s+null\b/i, 'refuses what the previous release may write'],
  [/\brevoke\b(?![^;]*\bfrom\s+public\s*;)/i, 'takes a right that the previous release may use'],
  // A trigger on truncate is none.
  [/\b(disable\s+trigger|lock\s+table|truncate(?!\s+on\b)|vacuum\s+full|cluster)\b/i, 'stands in the way of writers']
];

test('every migration since the rule only adds, or says which releases it leaves behind', () => {
  const mistakes = known
    // The first six were made before there was a release to run beside.
    .filter(({ version, needsRelease }) => version > 6 && needsRelease === null)
    .flatMap(({ name, sql }) => {
      const bare = sql.replace(/--.*$/gm, '').replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, '');
      return TAKES_AWAY.filter(([pattern]) => pattern.test(bare)).map(([, why]) => `${name} ${why}`);
    });
  expect(mistakes).toEqual([]);
});
