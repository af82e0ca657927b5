/**
 * The smoke's way in: a single-use token, five minutes old at most, for a person who may only read one workspace. Tokens
 * are made from the command line (as the owner) and taken by a page that is off unless WATCHFLOOR_SMOKE_SIGN_IN=1. How
 * long the session then lives is the database's (migration 0013). Invariants: a token works once, and only for somebody
 * who can do nothing but read; a copy of the table signs nobody in.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Queryable } from '../database/pool.ts';
import * as administration from './administration.ts';
import { MEMBER_ROLES, onlyReads } from './capabilities.ts';
import { hashPassword } from './passwords.ts';
import type { Proven } from './sign-outs.ts';

export const TOKEN_MINUTES = 5;
const TOKEN_FORM = /^[A-Za-z0-9_-]{43}$/;
const READING_ROLES = MEMBER_ROLES.filter(onlyReads);

export interface SmokeToken {
  token: string;
  email: string;
  expiresAt: Date;
}

/** Makes the workspace's smoke person if there is none, and a token for it. `db` acts as the owner. */
export async function makeSmokeToken(db: Queryable, { workspaceId }: { workspaceId: number }): Promise<SmokeToken> {
  const email = `smoke-${workspaceId}@watchfloor.invalid`;
  // A password that nobody knows: the only door is this one.
  const hash = await hashPassword(randomBytes(32).toString('base64url'));
  await db.query(
    `insert into public.users (email, name, password_hash) values ($1, 'Smoke', $2)
     on conflict (lower(email)) do nothing`,
    [email, hash]
  );
  await administration.addMember(db, { workspaceId, email, role: 'readonly' });
  const token = randomBytes(32).toString('base64url');
  const { rows } = await db.query<{ expiresAt: Date }>(
    `with person as (
       insert into watchfloor.smoke_people (user_id) select id from public.users where lower(email) = $1
       on conflict (user_id) do update set user_id = excluded.user_id returning user_id
     ), swept as (delete from watchfloor.smoke_sign_ins where expires_at < now())
     insert into watchfloor.smoke_sign_ins (token_hash, user_id, expires_at)
     select $2, user_id, now() + make_interval(mins => $3) from person returning expires_at as "expiresAt"`,
    [email, toHash(token), TOKEN_MINUTES]
  );
  return { token, email, expiresAt: rows[0]!.expiresAt };
}

/** Takes the token: who it is for, or null for whatever reason. `db` acts as the role `access`. */
export async function useSmokeToken(db: Queryable, token: string): Promise<Proven | null> {
  if (!TOKEN_FORM.test(token)) return null;
  const { rows } = await db.query<Proven>(
    `with used as (delete from watchfloor.smoke_sign_ins where token_hash = $1 returning user_id, expires_at)
     select u.id as "personId", u.sign_outs as "signOuts" from used join public.users u on u.id = used.user_id
     where used.expires_at > now() and u.disabled_at is null
       and not exists (select from public.memberships m where m.user_id = u.id and m.role <> all ($2))`,
    [toHash(token), READING_ROLES]
  );
  return rows[0] ?? null;
}

const toHash = (token: string): string => createHash('sha256').update(token).digest('hex');
