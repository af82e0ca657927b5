/**
 * Which tables a backup holds, and in which order: read from the catalogue, so that a table that a later migration makes
 * is in the next backup without anybody thinking of it. What is left out is named here, with the reason.
 */
import pg from 'pg';
import type { Queryable } from '../pool.ts';

export interface BackupTable {
  /** quoted and with its schema, as SQL and the file name it */
  name: string;
  /** all that are stored; generated ones are not */
  columns: string[];
  /** what its rows are ordered by, the same on every server: text by its bytes */
  order: string;
  /** the column that the database numbers, if any */
  identity: string | null;
}

/**
 * In no backup. What is UNLOGGED (the change log, the nonce, the limits of signing in, screens that wait, what is half signed
 * in or set up) is not either.
 */
const NEVER = [
  // In the file's header, since the schema must be there before its rows.
  'watchfloor.migrations',
  // A transaction id of this very history.
  'watchfloor.change_floor'
];

/**
 * Not in a backup that may be put back later or elsewhere: sessions that ended since then would be open again, and a copy
 * must not share the key that seals places in the stream. An upgrade in place takes them along.
 */
export const LEFT_TO_THE_PLACE = ['public.sessions', 'watchfloor.secrets'];

/** Settings under which a value has one text form, whatever the server and its version. */
export const ONE_FORM = `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601';
  set bytea_output = 'hex'; set extra_float_digits = 1; set client_encoding = 'UTF8'; set xmloption = 'content'`;

/** Referenced tables before those that refer to them. */
export async function readTables(
  db: Queryable,
  { leaveOut = [] }: { leaveOut?: string[] } = {}
): Promise<BackupTable[]> {
  const { rows } = await db.query<
    Omit<BackupTable, 'order'> & { plain: string; order: string | null; refers: string[] }
  >(
    `select format('%I.%I', n.nspname, c.relname) as name, n.nspname || '.' || c.relname as plain,
       array(select a.attname::text from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns,
       (select string_agg(quote_ident(a.attname) || case when a.attcollation <> 0 then ' collate "C"' else '' end, ', '
           order by place)
         from pg_index i cross join unnest(i.indkey) with ordinality as key (attnum, place)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = key.attnum
         where i.indrelid = c.oid and i.indisprimary) as "order",
       (select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attidentity <> '' limit 1) as identity,
       array(select distinct format('%I.%I', rn.nspname, r.relname) from pg_constraint k
         join pg_class r on r.oid = k.confrelid join pg_namespace rn on rn.oid = r.relnamespace
         where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as refers
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname in ('public', 'watchfloor')
       and c.relowner = (select oid from pg_roles where rolname = 'watchfloor_owner')
     order by 1`
  );
  const waiting = rows.filter(({ plain }) => ![...NEVER, ...leaveOut].includes(plain));
  const sorted: BackupTable[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ refers }) => !waiting.some(({ name }) => refers.includes(name)));
    // Only tables that refer to each other in a circle get here, which no migration of ours makes.
    const { name, columns, order, identity } = waiting.splice(next, 1)[0]!;
    if (next < 0 || order === null) throw new Error(`The table ${name} has no order in which it could be backed up.`);
    sorted.push({ name, columns, order, identity });
  }
  return sorted;
}

/** The statement that writes a table's rows, as text, in their order. */
export function toCopyOut({ name, columns, order }: BackupTable): string {
  return `copy (select ${toList(columns)} from ${name} order by ${order}) to stdout`;
}

/** Identity columns take the values of the file: COPY gives them, whatever GENERATED ALWAYS says. */
export function toCopyIn(name: string, columns: string[]): string {
  return `copy ${name} (${toList(columns)}) from stdin`;
}

/** The first number that the table has not handed out; read after its rows, so that it is beyond all of them. */
export async function readNextId(db: Queryable, { name, identity }: BackupTable): Promise<number | null> {
  if (identity === null) return null;
  const { rows: found } = await db.query<{ sequence: string }>('select pg_get_serial_sequence($1, $2) as sequence', [
    name,
    identity
  ]);
  const { rows } = await db.query<{ next: number }>(
    `select last_value + case when is_called then 1 else 0 end as next from ${found[0]!.sequence}`
  );
  return rows[0]!.next;
}

function toList(columns: string[]): string {
  return columns.map((column) => pg.escapeIdentifier(column)).join(', ');
}
