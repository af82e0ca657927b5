/**
 * The form of a backup file, and reading one: gzip over text that a person can read. A line that says what it is, a line
 * of JSON (when, by which schema), then each table as Postgres' own COPY text up to the line `\.`, and a last line of JSON
 * with the count and SHA-256 of each. It touches no database. Docs: docs/decisions/0011-backups.md.
 * Invariant: rows are handed on as they are read, in pieces; nothing of the file is believed before its last line is read
 * and everything in it agrees (checkBackup).
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { StartupError } from '../../startup-error.ts';

export const FIRST_LINE = 'watchfloor-backup 1\n';
export const END_OF_ROWS = '\\.\n';

const count = z.number().int().nonnegative();
const headerSchema = z.object({
  madeAt: z.iso.datetime(),
  /** as the server calls itself, such as 18.4 */
  postgres: z.string(),
  /** holds a demo's workspace */
  isDemo: z.boolean(),
  migrations: z.array(
    z.object({ version: count, name: z.string(), hash: z.string(), needsRelease: z.nullable(count) })
  ),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()).min(1) }))
});
export type BackupHeader = z.infer<typeof headerSchema>;

const totalsSchema = z.object({
  headerSha256: z.string(),
  tables: z.array(
    z.object({ name: z.string(), rows: count, sha256: z.string(), nextId: z.nullable(z.number().int().positive()) })
  )
});
export type BackupTotals = z.infer<typeof totalsSchema>;
export type TableTotals = BackupTotals['tables'][number];

/** What reading a file tells, in order. Rows come in pieces of whole lines. */
export type Part =
  | { kind: 'header'; header: BackupHeader }
  | { kind: 'table'; name: string; columns: string[] }
  | { kind: 'rows'; lines: Buffer }
  | { kind: 'table end'; counted: Counted }
  | { kind: 'totals'; totals: BackupTotals };

export interface Counted {
  rows: number;
  sha256: string;
}

/** Longer than any header of ours. */
const LONGEST_LINE = 4 * 1024 * 1024;
/** Longer than any row: context and report are bounded by the schema. */
const LONGEST_ROW = 256 * 1024 * 1024;

/** Reads a file to its end. Throws a StartupError, naming the file, when it is foreign, damaged or cut off. */
export async function* readParts(file: string): AsyncGenerator<Part> {
  let known = false;
  try {
    for await (const part of parse(unpack(file))) {
      known = true;
      yield part;
    }
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    const { code = '', message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new StartupError(`There is no file ${file}.`, { cause });
    if (code === 'EACCES') throw new StartupError(`The file ${file} may not be read by you.`, { cause });
    if (code === 'EISDIR') throw new StartupError(`${file} is a folder: name the backup file in it.`, { cause });
    if (cause instanceof Damage || code.startsWith('Z_'))
      throw new StartupError(
        known
          ? `The backup ${file} is damaged or cut off (${message}). Nothing was changed. Use another backup.`
          : `${file} is not a backup of Watchfloor (${message}). Nothing was changed.`,
        { cause }
      );
    throw cause;
  }
}

/** Reads a whole file and compares every count and sum in it: what it holds, or a StartupError. */
export async function checkBackup(file: string): Promise<{ header: BackupHeader; totals: BackupTotals }> {
  let header: BackupHeader | null = null;
  for await (const part of readParts(file)) {
    if (part.kind === 'header') header = part.header;
    // parse() has compared everything by then; it comes last.
    if (part.kind === 'totals' && header) return { header, totals: part.totals };
  }
  throw new Error('A file that ends without its totals is refused before this.');
}

class Damage extends Error {}

/** Counts and sums up pieces of rows. */
export class RowCounter {
  #hash: Hash = createHash('sha256');
  #rows = 0;
  add(lines: Buffer): void {
    this.#hash.update(lines);
    for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) this.#rows += 1;
  }
  end(): Counted {
    return { rows: this.#rows, sha256: this.#hash.digest('hex') };
  }
}

async function* unpack(file: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  // Its rejection also ends the loop below, which throws the same.
  const piped = pipeline(source, gunzip).catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } finally {
    source.destroy();
    gunzip.destroy();
    await piped;
  }
}

async function* parse(chunks: AsyncIterable<Buffer>): AsyncGenerator<Part> {
  const input = new Lines(chunks);
  if ((await input.line(FIRST_LINE.length)) !== FIRST_LINE) throw new Damage('its first line is another one');
  const headerLine = await input.line(LONGEST_LINE);
  const header = parseLine(headerSchema, headerLine);
  yield { kind: 'header', header };
  const counted: Counted[] = [];
  for (const { name, columns } of header.tables) {
    if ((await input.line(LONGEST_LINE)) !== `table ${name}\n`) throw new Damage(`the table ${name} is missing`);
    yield { kind: 'table', name, columns };
    const counter = new RowCounter();
    for await (const lines of input.rows()) {
      counter.add(lines);
      yield { kind: 'rows', lines };
    }
    counted.push(counter.end());
    yield { kind: 'table end', counted: counted.at(-1)! };
  }
  const last = await input.line(LONGEST_LINE);
  if (!last.startsWith('end ')) throw new Damage('its end is missing');
  const totals = parseLine(totalsSchema, last.slice(4));
  if (await input.more()) throw new Damage('something follows its end');
  if (totals.headerSha256 !== createHash('sha256').update(headerLine).digest('hex'))
    throw new Damage('its header was changed');
  header.tables.forEach(({ name }, index) => {
    const { rows, sha256 } = counted[index]!;
    const said = totals.tables[index];
    if (said?.name !== name || said.rows !== rows || said.sha256 !== sha256)
      throw new Damage(`the rows of ${name} are not those that were written`);
  });
  yield { kind: 'totals', totals };
}

function parseLine<T extends z.ZodType>(schema: T, line: string): z.infer<T> {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new Damage('a line that describes it cannot be read', { cause });
  }
}

/** Lines and rows out of pieces of any size. */
class Lines {
  #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** False at the end of the file. */
  async #read(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#held = this.#held.length === 0 ? value : Buffer.concat([this.#held, value]);
    return true;
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  async line(longest: number): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(10);
      if (end >= 0 && end < longest) return this.#take(end + 1).toString('utf8');
      if (end >= longest || this.#held.length > longest) throw new Damage('a line of it is too long');
      if (!(await this.#read())) throw new Damage('it ends too early');
    }
  }

  /** Whole lines up to END_OF_ROWS. A row can never be that line: COPY doubles each backslash of a value. */
  async *rows(): AsyncGenerator<Buffer> {
    for (;;) {
      // What is held begins with the begin of a line.
      if (this.#held.subarray(0, END_OF_ROWS.length).toString('latin1') === END_OF_ROWS) {
        this.#take(END_OF_ROWS.length);
        return;
      }
      const end = this.#held.indexOf(`\n${END_OF_ROWS}`, 0, 'latin1');
      const whole = end >= 0 ? end : this.#held.lastIndexOf(10);
      if (whole >= 0) yield this.#take(whole + 1);
      if (end >= 0) continue;
      if (this.#held.length > LONGEST_ROW) throw new Damage('a row of it is too long');
      if (!(await this.#read())) throw new Damage('it ends too early');
    }
  }

  async more(): Promise<boolean> {
    while (this.#held.length === 0) if (!(await this.#read())) return false;
    return true;
  }
}
