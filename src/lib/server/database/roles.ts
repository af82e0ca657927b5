/**
 * The database roles and the internal schema: created before the first migration by whoever DATABASE_URL names, since a
 * role can only be made by somebody with the right to. Names what is missing, and the SQL that an administrator can run.
 */
import pg from 'pg';
import { ROLES } from './pool.ts';

/** DATABASE_URL's user may not do what Watchfloor needs; the message says which SQL an administrator should run. */
export class MissingRightsError extends Error {
  override name = 'MissingRightsError';
}

const SQLSTATE = { duplicateObject: '42710', uniqueViolation: '23505', insufficientPrivilege: '42501' } as const;

/** Makes the roles, memberships and the schema; idempotent, safe to run at the same time from several nodes. */
export async function prepareRoles(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ me: string; database: string; is_super: boolean; version: number }>(
    `select current_user as me, current_database() as database,
       (select rolsuper from pg_roles where rolname = current_user) as is_super,
       current_setting('server_version_num')::int as version`
  );
  const { me, database, is_super: isSuper, version } = rows[0]!;
  if (version < 150_000)
    throw new MissingRightsError(
      `Watchfloor needs Postgres 15 or newer; this server is version ${Math.floor(version / 10_000)}.`
    );

  const wanted = [
    ...ROLES.map((role) => `create role watchfloor_${role} nologin${role === 'writer' ? ' bypassrls' : ''};`),
    ...ROLES.map((role) => `grant watchfloor_${role} to ${pg.escapeIdentifier(me)};`)
  ];
  const rights = [
    `grant create on database ${pg.escapeIdentifier(database)} to ${pg.escapeIdentifier(me)}, watchfloor_owner;`,
    `grant create, usage on schema public to watchfloor_owner;`
  ];
  try {
    for (const role of ROLES) {
      const found = await client.query('select rolbypassrls from pg_roles where rolname = $1', [`watchfloor_${role}`]);
      if (found.rowCount === 0)
        await unlessThere(client, `create role watchfloor_${role} nologin${role === 'writer' ? ' bypassrls' : ''}`);
      const member = await client.query<{ member: boolean }>(
        `select pg_has_role(current_user, $1, ${version >= 160_000 ? "'set'" : "'member'"}) as member`,
        [`watchfloor_${role}`]
      );
      if (!isSuper && !member.rows[0]!.member)
        await unlessThere(client, `grant watchfloor_${role} to ${pg.escapeIdentifier(me)}`);
    }
    await client.query(`grant create on database ${pg.escapeIdentifier(database)} to watchfloor_owner`);
    await client.query('grant create, usage on schema public to watchfloor_owner');
    await client.query(
      'grant usage on schema public to watchfloor_writer, watchfloor_people, watchfloor_feed, watchfloor_access'
    );
    await client.query('create schema if not exists watchfloor authorization watchfloor_owner');
  } catch (error) {
    if (!isInsufficient(error)) throw error;
    throw new MissingRightsError(
      `The database user "${me}" lacks rights that Watchfloor needs (${(error as Error).message}). ` +
        `Let an administrator of the server run this once in the database "${database}", then start again:\n` +
        [...wanted, ...rights].map((line) => `  ${line}`).join('\n'),
      { cause: error }
    );
  }
  const writer = await client.query<{ rolbypassrls: boolean }>(
    `select rolbypassrls from pg_roles where rolname = 'watchfloor_writer'`
  );
  if (!writer.rows[0]!.rolbypassrls)
    throw new MissingRightsError(
      'The role watchfloor_writer needs BYPASSRLS, because COPY is refused under row-level security. ' +
        'Let an administrator run: alter role watchfloor_writer bypassrls;'
    );
}

/** Two nodes (or two databases of one server) may make a role at the same time; the second finds it made. */
async function unlessThere(client: pg.ClientBase, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    const code = (error as pg.DatabaseError).code;
    if (code !== SQLSTATE.duplicateObject && code !== SQLSTATE.uniqueViolation) throw error;
  }
}

function isInsufficient(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === SQLSTATE.insufficientPrivilege;
}
