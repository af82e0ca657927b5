/**
 * Whom an identity provider vouches for, as the database keeps it: the mapping of groups, accounts that are linked, and
 * what has ended. It speaks no OpenID Connect (oidc.ts) and makes no session. Invariants: what groups give is decided by
 * the functions of migrations 0017 and 0019, which the role `access` may call and not change; memberships given by hand are left alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { OidcConfig } from '../config.ts';
import { openPool, withTransaction, type Queryable } from '../database/pool.ts';
import { toChangedGroups, type OidcRole } from './oidc-roles.ts';
import { hashPassword } from './passwords.ts';
import type { Proven } from './sign-outs.ts';
import { TooManyWaitingError } from './turns.ts';

/** What the provider says of somebody, judged and cut. */
export interface OidcPerson {
  issuer: string;
  /** the provider's own name for them, for ever */
  subject: string;
  email: string;
  isEmailVerified: boolean;
  name: string;
  groups: string[];
}

export type OidcOutcome =
  | ({ kind: 'signed in' } & Proven)
  /** `no access`: a member of nothing; `e-mail taken`: somebody has it, and is not shown to be them */
  | { kind: 'disabled' | 'no access' | 'e-mail taken' }
  /** nobody was judged */
  | { kind: 'busy' };

/** Who follow in one statement: long before it would be ended for taking too long, whoever wants to sign in has a turn. */
export const FOLLOW_AT_ONCE = 250;
/** Of one statement of a start: it may wait for another start that writes, and the database may be busy. */
const PATIENCE_MS = 60_000;

/**
 * Takes on the mapping of this configuration, once the schema is there. Where it has changed, everybody whom that concerns
 * gets what it gives now, of the groups that they had when they last signed in; whoever is left over, where a start was
 * broken off, does at the next one. Without a provider all stays as it is: a node that was started without its environment
 * takes nothing from anybody. Decision 0023 has what it costs.
 */
export async function keepOidcRoles(url: string, oidc: OidcConfig | null): Promise<void> {
  if (oidc === null) return;
  const pool = openPool({
    url,
    role: 'owner',
    max: 1,
    applicationName: 'watchfloor start',
    statementTimeoutMs: PATIENCE_MS,
    // What is followed is planned once, and may fill tables that were empty then: by itself it reads all of them each time.
    prefersIndexes: true
  });
  try {
    await replaceRoles(pool, oidc);
    while (await followSome(pool, oidc.issuer));
  } finally {
    await pool.end();
  }
}

/** Writes down together what holds and who has still to follow it. `pool` acts as the owner. */
async function replaceRoles(pool: pg.Pool, { issuer, roles }: OidcConfig): Promise<void> {
  // A start that changes nothing keeps nobody waiting.
  if (toChangedGroups(await readRoles(pool, issuer), roles).length === 0) return;
  await withTransaction(pool, '', async (client) => {
    // Of nodes that start together one writes. Whoever is signing in has locked it, too (0019): they are done before, and
    // seen here, or read what is written here.
    await client.query('lock table watchfloor.oidc_roles in share row exclusive mode');
    const groups = toChangedGroups(await readRoles(client, issuer), roles);
    if (groups.length === 0) return;
    await client.query('delete from watchfloor.oidc_roles where issuer = $1', [issuer]);
    await client.query(
      `insert into watchfloor.oidc_roles (issuer, position, group_name, workspace_id, role, environment_ids)
       select $1, at, line ->> 'group', (line ->> 'workspaceId')::bigint, line ->> 'role',
         array(select jsonb_array_elements_text(line -> 'environmentIds')::bigint)
       from jsonb_array_elements($2::jsonb) with ordinality as lines (line, at)`,
      [issuer, JSON.stringify(roles)]
    );
    await client.query(
      'update watchfloor.oidc_accounts set is_behind = true where issuer = $1 and group_names && $2 and not is_behind',
      [issuer, groups]
    );
  });
}

async function readRoles(db: Queryable, issuer: string): Promise<OidcRole[]> {
  const { rows } = await db.query<OidcRole>(
    `select group_name as "group", role, workspace_id as "workspaceId", environment_ids as "environmentIds"
     from watchfloor.oidc_roles where issuer = $1 order by position`,
    [issuer]
  );
  return rows;
}

/** False when nobody is behind any more. */
async function followSome(pool: pg.Pool, issuer: string): Promise<boolean> {
  return withTransaction(pool, '', async (client) => {
    // Before any account, in the order of all others that lock both.
    await client.query('lock table watchfloor.oidc_roles in row exclusive mode');
    const { rowCount } = await client.query(
      `select watchfloor.follow_oidc_groups(issuer, subject) from (
         select issuer, subject from watchfloor.oidc_accounts where issuer = $1 and is_behind
         order by subject limit $2 for update
       ) as behind`,
      [issuer, FOLLOW_AT_ONCE]
    );
    return rowCount !== 0;
  });
}

/**
 * Somebody came from the provider: who they are here, after their memberships were made to follow their groups. One
 * transaction. `db` acts as the role `access`.
 */
export async function admit(db: Queryable, person: OidcPerson): Promise<OidcOutcome> {
  // As of the smoke's person: no password opens a new account. It is made for everybody, since only the database knows who
  // is new; it costs what checking a password costs.
  const hash = await hashPassword(randomBytes(32).toString('base64url')).catch((error: unknown) => {
    if (error instanceof TooManyWaitingError) return null;
    throw error;
  });
  if (hash === null) return { kind: 'busy' };
  const { rows } = await db.query<{ outcome: Exclude<OidcOutcome['kind'], 'busy'>; person: number; signOuts: number }>(
    // Somebody new is not there yet when the statement begins, and was never signed out.
    `select outcome, person, coalesce((select sign_outs from public.users where id = person), 0) as "signOuts"
     from watchfloor.sign_in_by_oidc($1, $2, $3, $4, $5, $6, $7)`,
    [person.issuer, person.subject, person.email, person.isEmailVerified, person.name, hash, person.groups]
  );
  const { outcome, person: personId, signOuts } = rows[0]!;
  return outcome === 'signed in' ? { kind: outcome, personId, signOuts } : { kind: outcome };
}

/** Marks as ended what had this state; false when it had ended before. `db` acts as the role `access`. */
export async function endOnce(db: Queryable, state: string, expiresAt: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `with swept as (delete from watchfloor.oidc_ended where expires_at < now() - interval '1 hour')
     insert into watchfloor.oidc_ended (state_hash, expires_at) values ($1, to_timestamp($2))
     on conflict on constraint oidc_ended_pkey do nothing`,
    [createHash('sha256').update(state).digest('hex'), expiresAt / 1000]
  );
  return rowCount === 1;
}

/**
 * How somebody signs in beside this provider; null = they are not linked to it. No password of their own: they were made by
 * it, and nobody has given them one since. `db` acts as the role `access`.
 */
export async function readLink(
  db: Queryable,
  { personId, issuer }: { personId: number; issuer: string }
): Promise<{ hasOwnPassword: boolean } | null> {
  const { rows } = await db.query<{ hasOwnPassword: boolean }>(
    `select u.has_own_password as "hasOwnPassword"
     from watchfloor.oidc_accounts a join public.users u on u.id = a.user_id where a.user_id = $1 and a.issuer = $2`,
    [personId, issuer]
  );
  return rows[0] ?? null;
}
