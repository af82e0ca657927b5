/**
 * Puts a backup's rows into an empty database: migrates it to the backup's schema, loads, compares, and migrates on. The
 * load is one transaction, so that a database holds all of a backup or nothing of it. Triggers are off (what is loaded is
 * no report: revisions, times and derived columns stay as they were), indexes and foreign keys are made afterwards, from
 * whole tables, and everything must be as before them at the end.
 * Invariant: what was committed reads back as exactly the rows and sums of the file, and its stream has a new epoch.
 */
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StartupError } from '../../startup-error.ts';
import { migrate, readMigrations, type Migration } from '../migrations.ts';
import { types } from '../pool.ts';
import { readParts, RowCounter, type BackupHeader, type BackupTotals, type TableTotals } from './file.ts';
import { LEFT_TO_THE_PLACE, ONE_FORM, readTables, toCopyIn, toCopyOut } from './tables.ts';
import { readFrame, setFrameAside, type Frame } from './frame.ts';

export interface LoadOptions {
  /**
   * Ids that nobody gets: what was handed out after the backup was made is known outside (a writer that still runs, a
   * link in a mail), and must name nothing rather than something else.
   */
  leapIds: boolean;
}

/** How far numbers go on beyond the backup's. */
const LEAP = { operations: 1_000_000, others: 1_000 } as const;

/**
 * The migrations that the backup had, or a StartupError when this version cannot put it back. Those that it had beyond ours
 * cannot be made: such a backup needs the version that made it.
 */
export function migrationsOf(header: BackupHeader, known: Migration[] = readMigrations()): Migration[] {
  return header.migrations.map(({ version, name, hash }) => {
    const migration = known.find((one) => one.version === version);
    if (!migration)
      throw new StartupError(
        `The backup was made by a newer Watchfloor (it has ${name}). Restore it with that version. Nothing was changed.`
      );
    if (migration.hash !== hash)
      throw new StartupError(
        `The backup has another ${name} than this version: it was made by a changed Watchfloor. ` +
          'Restore it with that one. Nothing was changed.'
      );
    return migration;
  });
}

/** `file` has been checked before (checkBackup). Throws a StartupError when the database is not empty or not alone. */
export async function loadBackup(
  url: string,
  file: string,
  { header, totals }: { header: BackupHeader; totals: BackupTotals },
  options: LoadOptions
): Promise<void> {
  await refuseOthers(url);
  await migrate(url, { migrations: migrationsOf(header) });
  const client = new pg.Client({ connectionString: url, types, application_name: 'watchfloor restore' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('set role watchfloor_owner');
    await client.query(`${ONE_FORM}; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0`);
    await client.query('begin');
    await load(client, file, header, totals, options);
    await client.query('commit');
    await client.query('analyze');
  } finally {
    // Ending the connection rolls back what failed.
    await client.end();
  }
  await migrate(url);
}

async function load(
  client: pg.Client,
  file: string,
  header: BackupHeader,
  totals: BackupTotals,
  { leapIds }: LoadOptions
): Promise<void> {
  const tables = await readTables(client);
  refuseOtherTables(header, tables);
  const loaded = tables.filter(({ name }) => header.tables.some((table) => table.name === name));
  const names = loaded.map(({ name }) => name);
  await client.query(`lock table ${names.join(', ')} in access exclusive mode`);
  await refuseRows(client);

  // Every name in a definition is then written with its schema.
  await client.query('set local search_path = pg_catalog');
  const before = await readFrame(client, names);
  await setFrameAside(client, before);
  // What the migrations themselves had put in (types that come with us) is in the file, as it was made to be.
  for (const name of [...names].reverse()) await client.query(`delete from ${name}`);
  await copyAll(client, file);
  await client.query(`set local maintenance_work_mem = '256MB'`);
  for (const statement of before.restore) await client.query(statement);
  refuseOtherFrame(before, await readFrame(client, names));

  for (const table of loaded) {
    const said = totals.tables.find(({ name }) => name === table.name)!;
    const counter = new RowCounter();
    for await (const lines of client.query(copyTo(toCopyOut(table)))) counter.add(lines as Buffer);
    refuseOtherRows(said, counter.end());
    if (table.identity !== null && said.nextId !== null) {
      const leap = table.name === 'public.operation_runs' ? LEAP.operations : LEAP.others;
      await client.query('select setval(pg_get_serial_sequence($1, $2), $3, false)', [
        table.name,
        table.identity,
        said.nextId + (leapIds ? leap : 0)
      ]);
    }
  }
  // Whoever watched this database while it was empty has a place in it: without a nonce the feed begins anew, and sends
  // everybody to read anew. In another database the epoch is another one in any case.
  await client.query('delete from watchfloor.epoch_nonce');
  await client.query('delete from watchfloor.changes');
}

async function copyAll(client: pg.Client, file: string): Promise<void> {
  const parts = readParts(file);
  for await (const part of parts) {
    if (part.kind !== 'table') continue;
    const rows = async function* (): AsyncGenerator<Buffer> {
      for (;;) {
        const { value } = await parts.next();
        if (value?.kind !== 'rows') return;
        yield value.lines;
      }
    };
    await pipeline(
      Readable.from(rows(), { objectMode: false }),
      client.query(copyFrom(toCopyIn(part.name, part.columns)))
    );
  }
}

/** Who writes or watches while rows come without a word of the change log would never hear of them. */
async function refuseOthers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, types, application_name: 'watchfloor restore' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select distinct application_name as name from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and application_name like 'watchfloor %'`
    );
    if (rows.length > 0)
      throw new StartupError(
        `Watchfloor runs on this database (${rows.map(({ name }) => name).join(', ')}). Stop it first. Nothing was changed.`
      );
    // Before anything of ours is made in it: the schema alone is fine, as an interrupted restore or a first start leave it.
    const { rows: found } = await client.query<{ exists: boolean }>(
      `select to_regclass('public.operation_runs') is not null and to_regclass('watchfloor.migrations') is not null as exists`
    );
    if (found[0]!.exists) await refuseRows(client);
  } finally {
    await client.end();
  }
}

async function refuseRows(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ used: boolean }>(
    `select exists (select from public.users) or exists (select from public.workspaces) as used`
  );
  if (rows[0]!.used)
    throw new StartupError(
      'There are people or workspaces in this database, and a restore never writes over any. ' +
        'Make an empty database, set DATABASE_URL to it, and restore into that one. Nothing was changed.'
    );
}

function refuseOtherTables(header: BackupHeader, tables: { name: string; columns: string[] }[]): void {
  const describe = ({ name, columns }: { name: string; columns: string[] }): string =>
    `${name} (${[...columns].sort().join(', ')})`;
  const here = tables.filter(({ name }) => header.tables.some((table) => table.name === name));
  const missing = tables.filter(({ name }) => !here.some((table) => table.name === name));
  const foreign = header.tables.filter((table) => !here.some((one) => describe(one) === describe(table)));
  const lacking = missing.filter(({ name }) => !LEFT_TO_THE_PLACE.includes(name));
  if (foreign.length + lacking.length > 0)
    throw new StartupError(
      `The backup has other tables than its schema (${[...foreign, ...lacking].map(({ name }) => name).join(', ')}): ` +
        'it was made of a changed database. Nothing was changed.'
    );
}

function refuseOtherFrame(before: Frame, after: Frame): void {
  const lost = before.described.filter((line) => !after.described.includes(line));
  const gained = after.described.filter((line) => !before.described.includes(line));
  if (lost.length + gained.length > 0)
    throw new Error(
      `The restore would have changed the schema: ${[...lost, ...gained].join('; ')}. Nothing was changed.`
    );
}

function refuseOtherRows(said: TableTotals, is: { rows: number; sha256: string }): void {
  if (said.rows !== is.rows || said.sha256 !== is.sha256)
    throw new StartupError(
      `What was loaded into ${said.name} is not what the backup holds (${is.rows} of ${said.rows} rows). Nothing was changed.`
    );
}
