/**
 * Whom an identity provider vouches for, as the database keeps it: the mapping of groups, accounts that are linked, and
 * what has ended. It speaks no OpenID Connect (oidc.ts) and makes no session. Invariants: what groups give is decided by
 * migration 0017's functions, which the role `access` may call and not change; memberships given by hand are left alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { OidcConfig } from '../config.ts';
import { openPool, withTransaction, type Queryable } from '../database/pool.ts';
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

/**
 * Takes on the mapping of this configuration, once the schema is there. Where it has changed, everybody who came by it gets
 * what it gives now, of the groups that they had when they last signed in. Without a provider all stays as it is: a node
 * that was started without its environment takes nothing from anybody.
 */
export async function keepOidcRoles(url: string, oidc: OidcConfig | null): Promise<void> {
  if (oidc === null) return;
  const pool = openPool({ url, role: 'owner', max: 1, applicationName: 'watchfloor start' });
  try {
    await replaceRoles(pool, oidc);
  } finally {
    await pool.end();
  }
}

/** `pool` acts as the owner. */
async function replaceRoles(pool: pg.Pool, { issuer, roles }: OidcConfig): Promise<void> {
  await withTransaction(pool, '', async (client) => {
    // Of nodes that start together one writes; who signs in meanwhile reads on.
    await client.query('lock table watchfloor.oidc_roles in share row exclusive mode');
    const { rowCount } = await client.query(
      `with wanted as (
         select $1::text as issuer, at::integer as position, line ->> 'group' as group_name,
           (line ->> 'workspaceId')::bigint as workspace_id, line ->> 'role' as role,
           array(select jsonb_array_elements_text(line -> 'environmentIds')::bigint) as environment_ids
         from jsonb_array_elements($2::jsonb) with ordinality as lines (line, at)
       ), gone as (
         delete from watchfloor.oidc_roles r where r.issuer = $1 and not exists (select from wanted w where w.position = r.position)
         returning 1
       ), changed as (
         insert into watchfloor.oidc_roles (issuer, position, group_name, workspace_id, role, environment_ids)
         select issuer, position, group_name, workspace_id, role, environment_ids from wanted
         on conflict on constraint oidc_roles_pkey do update set group_name = excluded.group_name,
           workspace_id = excluded.workspace_id, role = excluded.role, environment_ids = excluded.environment_ids
         where (oidc_roles.group_name, oidc_roles.workspace_id, oidc_roles.role, oidc_roles.environment_ids)
           is distinct from (excluded.group_name, excluded.workspace_id, excluded.role, excluded.environment_ids)
         returning 1
       )
       select from gone union all select from changed`,
      [issuer, JSON.stringify(roles)]
    );
    if (rowCount === 0) return;
    await client.query(
      'select watchfloor.follow_oidc_groups(issuer, subject) from watchfloor.oidc_accounts where issuer = $1',
      [issuer]
    );
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

/** May they sign in with a provider? `db` acts as the role `access`. */
export async function isLinked(db: Queryable, personId: number): Promise<boolean> {
  const { rowCount } = await db.query('select from watchfloor.oidc_accounts where user_id = $1 limit 1', [personId]);
  return rowCount === 1;
}
