/**
 * What stands around the rows of tables while they are loaded: triggers, secondary indexes, foreign keys. Taken down from
 * the catalogue and put up again from its own words, in the caller's transaction: thirty indexes are built once from whole
 * tables, and foreign keys compared as sets, instead of both row by row.
 */
import type { Queryable } from '../pool.ts';

export interface Frame {
  /** one line for each thing, to compare before and after */
  described: string[];
  remove: string[];
  restore: string[];
}

/** How `pg_trigger.tgenabled` is written as a statement. */
const TRIGGER_STATE: Record<string, string> = { O: 'enable', A: 'enable always', R: 'enable replica', D: 'disable' };

/** `names` as readTables gives them. With an empty search path, so that definitions name their schemas. */
export async function readFrame(client: Queryable, names: string[]): Promise<Frame> {
  const frame: Frame = { described: [], remove: [], restore: [] };
  const add = (described: string, remove: string[], restore: string): void => {
    frame.described.push(described);
    frame.remove.push(...remove);
    frame.restore.push(restore);
  };
  // Foreign keys go first and come last: they stand on primary keys, which stay.
  const indexes = await client.query<{ index: string; definition: string }>(
    `select i.indexrelid::regclass::text as index, pg_get_indexdef(i.indexrelid) as definition
     from pg_index i where i.indrelid = any ($1::text[]::regclass[])
       and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
     order by 1`,
    [names]
  );
  for (const { index, definition } of indexes.rows) add(definition, [`drop index ${index}`], definition);
  const keys = await client.query<{ table: string; name: string; definition: string }>(
    `select k.conrelid::regclass::text as table, quote_ident(k.conname) as name, pg_get_constraintdef(k.oid) as definition
     from pg_constraint k where k.conrelid = any ($1::text[]::regclass[]) and k.contype = 'f' order by 1, 2`,
    [names]
  );
  for (const { table, name, definition } of keys.rows)
    add(
      `${table} ${name} ${definition}`,
      [`alter table ${table} drop constraint ${name}`],
      `alter table ${table} add constraint ${name} ${definition}`
    );
  const triggers = await client.query<{ table: string; name: string; state: string }>(
    `select t.tgrelid::regclass::text as table, quote_ident(t.tgname) as name, t.tgenabled as state
     from pg_trigger t where t.tgrelid = any ($1::text[]::regclass[]) and not t.tgisinternal order by 1, 2`,
    [names]
  );
  for (const { table, name, state } of triggers.rows)
    add(
      `${table} ${name} ${state}`,
      [`alter table ${table} disable trigger ${name}`],
      `alter table ${table} ${TRIGGER_STATE[state]!} trigger ${name}`
    );
  return frame;
}

/** Foreign keys before the indexes that they may stand on. */
export async function setFrameAside(client: Queryable, frame: Frame): Promise<void> {
  for (const statement of [...frame.remove].reverse()) await client.query(statement);
}
