/**
 * Writes a backup: all tables as of one instant, while writers go on writing. One REPEATABLE READ transaction reads them
 * through COPY, a stream from end to end. It works on every Postgres 15 to 18, embedded or not, by SQL alone.
 * Invariant: the file has its name only when it was written, flushed to the disk, and read back to its last line.
 */
import { createHash } from 'node:crypto';
import { link, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { StartupError } from '../../startup-error.ts';
import { types } from '../pool.ts';
import { checkBackup, END_OF_ROWS, FIRST_LINE, RowCounter, type BackupHeader, type BackupTotals } from './file.ts';
import { ONE_FORM, readNextId, readTables, toCopyOut, type BackupTable } from './tables.ts';

/** Quick rather than small: COPY, compression and the disk work side by side, and compression is what takes a whole core. */
const GZIP_LEVEL = 3;

export interface Backup {
  file: string;
  bytes: number;
  header: BackupHeader;
  totals: BackupTotals;
}

/**
 * Writes `file`, which must not exist, readable by its owner only: it holds everything, also the hashes of passwords.
 * `leaveOut` names tables as `schema.table`.
 */
export async function writeBackup(url: string, file: string, { leaveOut }: { leaveOut: string[] }): Promise<Backup> {
  const unfinished = `${file}.unfinished-${process.pid}`;
  const handle = await open(unfinished, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new StartupError(
      `The backup cannot be written to ${dirname(file)} (${cause.code}): choose another place with --to.`,
      {
        cause
      }
    );
  });
  try {
    await withSnapshot(url, (client) => write(client, handle, leaveOut));
    await handle.sync();
    const { header, totals } = await checkBackup(unfinished);
    await giveName(unfinished, file);
    return { file, bytes: (await stat(file)).size, header, totals };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new StartupError(`The disk of ${dirname(file)} is full: no backup was made.`, { cause });
    throw cause;
  } finally {
    await handle.close().catch(() => undefined);
    await rm(unfinished, { force: true });
  }
}

/** A link and not a rename: it never replaces a file that came there meanwhile. */
async function giveName(unfinished: string, file: string): Promise<void> {
  await link(unfinished, file).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST'
      ? new StartupError(`There is a file ${basename(file)} already: nothing was overwritten. Choose another name.`, {
          cause
        })
      : cause;
  });
  const folder = await open(dirname(file), 'r');
  await folder.sync().finally(() => folder.close());
}

/** The tables are locked before the snapshot is taken, so that none of them can change its form in between. */
async function withSnapshot<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, types, application_name: 'watchfloor backup' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('set role watchfloor_owner');
    await client.query(`${ONE_FORM}; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;
      set lock_timeout = '30s'`);
    const tables = await readTables(client);
    await client.query('begin isolation level repeatable read, read only');
    await client.query(
      `lock table watchfloor.migrations, ${tables.map(({ name }) => name).join(', ')} in access share mode`
    );
    const result = await work(client);
    await client.query('commit');
    return result;
  } finally {
    await client.end();
  }
}

async function write(client: pg.Client, handle: FileHandle, leaveOut: string[]): Promise<void> {
  const tables = await readTables(client, { leaveOut });
  const header = await readHeader(client, tables);
  await pipeline(
    Readable.from(toText(client, tables, header), { objectMode: false }),
    createGzip({ level: GZIP_LEVEL, chunkSize: 256 * 1024 }),
    // Not the file's own stream: one that leaves the file open for the sync below never ends a pipeline.
    async (packed: AsyncIterable<Buffer>) => {
      for await (const chunk of packed) await handle.appendFile(chunk);
    }
  );
}

async function readHeader(client: pg.Client, tables: BackupTable[]): Promise<BackupHeader> {
  const { rows } = await client.query<Omit<BackupHeader, 'tables' | 'madeAt'> & { madeAt: Date }>(
    `select clock_timestamp() as "madeAt", current_setting('server_version') as postgres,
       exists (select from public.workspaces where is_demo) as "isDemo",
       (select json_agg(json_build_object('version', m.version, 'name', m.name, 'hash', m.hash,
          -- A column that data of the first releases do not have.
          'needsRelease', (to_jsonb(m) ->> 'needs_release')::integer) order by m.version)
        from watchfloor.migrations m) as migrations`
  );
  const { madeAt, ...facts } = rows[0]!;
  return { madeAt: madeAt.toISOString(), ...facts, tables: tables.map(({ name, columns }) => ({ name, columns })) };
}

async function* toText(
  client: pg.Client,
  tables: BackupTable[],
  header: BackupHeader
): AsyncGenerator<Buffer | string> {
  const headerLine = `${JSON.stringify(header)}\n`;
  yield FIRST_LINE;
  yield headerLine;
  const totals: BackupTotals = {
    headerSha256: createHash('sha256').update(headerLine).digest('hex'),
    tables: []
  };
  for (const table of tables) {
    yield `table ${table.name}\n`;
    const counter = new RowCounter();
    for await (const lines of client.query(copyTo(toCopyOut(table)))) {
      counter.add(lines as Buffer);
      yield lines as Buffer;
    }
    yield END_OF_ROWS;
    totals.tables.push({ name: table.name, ...counter.end(), nextId: await readNextId(client, table) });
  }
  yield `end ${JSON.stringify(totals)}\n`;
}
