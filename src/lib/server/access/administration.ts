/**
 * What an administrator does from the command line: people, workspaces, environments, memberships. It owns the rules of
 * these records and the sentences when one is broken; it does not own prompts, output or the connection, which acts as
 * the owner. Each change is one statement, so nobody is ever seen half changed (narrowed, say, to nothing or to all).
 */
import pg from 'pg';
import type { Queryable } from '../database/pool.ts';
import { MEMBER_ROLES } from './capabilities.ts';
import { findPasswordMistake, hashPassword } from './passwords.ts';

/** What was asked for cannot be done; the message is a sentence that says what to do instead. */
export class AdministrationError extends Error {
  override name = 'AdministrationError';
}

const SQLSTATE = { uniqueViolation: '23505', foreignKeyViolation: '23503' } as const;
const EMAIL_FORM = /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u;
const LONGEST_EMAIL = 254;
const LONGEST_NAME = 120;

/** Adds an account that can sign in and sees nothing until it is made a member. */
export async function addUser(
  db: Queryable,
  { email, name, password }: { email: string; name: string; password: string }
): Promise<{ id: number }> {
  const address = email.trim();
  if (!EMAIL_FORM.test(address) || address.length > LONGEST_EMAIL)
    throw new AdministrationError(`"${email}" is not an e-mail address: write it as somebody@example.com.`);
  const values = [address, toName(name, 'The name of a user'), await toHash(password, { email, name })];
  try {
    const sql = 'insert into public.users (email, name, password_hash) values ($1, $2, $3) returning id';
    return (await db.query<{ id: number }>(sql, values)).rows[0]!;
  } catch (error) {
    throw explain(error, {
      users_by_email: `There is a user with the e-mail ${address} already: give them a new password instead.`
    });
  }
}

/** Ends every session of theirs at once; what they did stays. No error when they are disabled already. */
export async function disableUser(db: Queryable, { email }: { email: string }): Promise<void> {
  const { rows } = await db.query(
    `update public.users set disabled_at = coalesce(disabled_at, clock_timestamp()), sign_outs = sign_outs + 1
     where lower(email) = lower($1) returning id`,
    [email.trim()]
  );
  if (rows.length === 0) throw noUser(email);
}

/** Lets somebody who was disabled sign in again; their memberships are as they were. No error when they may already. */
export async function enableUser(db: Queryable, { email }: { email: string }): Promise<void> {
  const { rowCount } = await db.query('update public.users set disabled_at = null where lower(email) = lower($1)', [
    email.trim()
  ]);
  if (rowCount === 0) throw noUser(email);
}

/** Signs somebody out everywhere; they may sign in again. */
export async function endSessions(db: Queryable, { email }: { email: string }): Promise<{ ended: number }> {
  const userId = await readUserId(db, email);
  const { rows } = await db.query<{ ended: number }>(
    `with signed_out as (update public.users set sign_outs = sign_outs + 1 where id = $1)
     select count(*) as ended from public.sessions where user_id = $1`,
    [userId]
  );
  return rows[0]!;
}

/**
 * Takes the authenticator app and all passkeys away from somebody who lost them, and ends every session: whoever found
 * them is out. Their password alone signs them in again. No error when there are none.
 */
export async function removeSecondFactor(
  db: Queryable,
  { email }: { email: string }
): Promise<{ personId: number; authenticators: number; passkeys: number; ended: number }> {
  const userId = await readUserId(db, email);
  const { rows } = await db.query<{ personId: number; authenticators: number; passkeys: number; ended: number }>(
    // The person's row first, as every change of how they sign in (sign-outs.ts).
    `with person as (select id from public.users where id = $1 for no key update),
     authenticator as (delete from watchfloor.authenticators a using person where user_id = person.id returning user_id),
     passkey as (delete from watchfloor.passkeys p using person where user_id = person.id returning user_id),
     signed_out as (
       update public.users set sign_outs = sign_outs + 1
       where id in (select user_id from authenticator union select user_id from passkey) returning id
     )
     select $1::bigint as "personId", (select count(*) from authenticator) as authenticators,
       (select count(*) from passkey) as passkeys,
       (select count(*) from public.sessions where user_id in (select id from signed_out)) as ended`,
    [userId]
  );
  return rows[0]!;
}

/** Replaces the password and ends every session: whoever knew the old one is out, but for a passkey made with it. */
export async function resetPassword(
  db: Queryable,
  { email, password }: { email: string; password: string }
): Promise<void> {
  const { rows } = await db.query(
    `update public.users set password_hash = $2, sign_outs = sign_outs + 1 where lower(email) = lower($1)
     returning id`,
    [email.trim(), await toHash(password, { email })]
  );
  if (rows.length === 0) throw noUser(email);
}

/** Names of workspaces need not differ. */
export async function addWorkspace(db: Queryable, { name }: { name: string }): Promise<{ id: number }> {
  const { rows } = await db.query<{ id: number }>('insert into public.workspaces (name) values ($1) returning id', [
    toName(name, 'The name of a workspace')
  ]);
  return rows[0]!;
}

/** Everybody in the workspace who is not narrowed sees it at once. */
export async function addEnvironment(
  db: Queryable,
  { workspaceId, name }: { workspaceId: number; name: string }
): Promise<{ id: number }> {
  const values = [workspaceId, toName(name, 'The name of an environment')];
  try {
    const sql = 'insert into public.managed_environments (workspace_id, name) values ($1, $2) returning id';
    return (await db.query<{ id: number }>(sql, values)).rows[0]!;
  } catch (error) {
    throw explain(error, {
      managed_environments_by_name: `Workspace ${workspaceId} has an environment named "${name.trim()}" already: choose another name.`,
      managed_environments_workspace: noWorkspace(workspaceId)
    });
  }
}

/** Open pages show the new name within a second. */
export async function renameWorkspace(
  db: Queryable,
  { workspaceId, name }: { workspaceId: number; name: string }
): Promise<void> {
  const { rowCount } = await db.query('update public.workspaces set name = $2 where id = $1', [
    workspaceId,
    toName(name, 'The name of a workspace')
  ]);
  if (rowCount === 0) throw new AdministrationError(noWorkspace(workspaceId));
}

/** Open pages show the new name within a second. */
export async function renameEnvironment(
  db: Queryable,
  { environmentId, name }: { environmentId: number; name: string }
): Promise<void> {
  const values = [environmentId, toName(name, 'The name of an environment')];
  try {
    const { rowCount } = await db.query('update public.managed_environments set name = $2 where id = $1', values);
    if (rowCount === 0)
      throw new AdministrationError(
        `There is no environment ${environmentId}: "environment list" shows their numbers.`
      );
  } catch (error) {
    throw explain(error, {
      managed_environments_by_name: `Its workspace has an environment named "${name.trim()}" already: choose another name.`
    });
  }
}

/**
 * Makes somebody a member, or changes the role of one who is; their narrowing stays as it is. What groups of an identity
 * provider had given is given by hand from then on, and follows them no more.
 */
export async function addMember(
  db: Queryable,
  { workspaceId, email, role }: { workspaceId: number; email: string; role: string }
): Promise<void> {
  const known: readonly string[] = MEMBER_ROLES;
  if (!known.includes(role))
    throw new AdministrationError(`"${role}" is not a role: choose one of ${MEMBER_ROLES.join(', ')}.`);
  const userId = await readUserId(db, email);
  try {
    await db.query(
      `with by_hand as (delete from watchfloor.oidc_memberships where workspace_id = $1 and user_id = $2)
       insert into public.memberships (workspace_id, user_id, role) values ($1, $2, $3)
       on conflict on constraint memberships_pkey do update set role = excluded.role`,
      [workspaceId, userId, role]
    );
  } catch (error) {
    throw explain(error, { memberships_workspace: noWorkspace(workspaceId) });
  }
}

/** Ends a membership together with its narrowing. */
export async function removeMember(
  db: Queryable,
  { workspaceId, email }: { workspaceId: number; email: string }
): Promise<void> {
  const userId = await readUserId(db, email);
  const { rowCount } = await db.query('delete from public.memberships where workspace_id = $1 and user_id = $2', [
    workspaceId,
    userId
  ]);
  if (rowCount === 0) throw noMember(workspaceId, email);
}

/**
 * Narrows a member to exactly these environments; an empty list lifts the narrowing: they see all of the workspace. The
 * membership is one by hand from then on, as in addMember.
 */
export async function entitle(
  db: Queryable,
  { workspaceId, email, environmentIds }: { workspaceId: number; email: string; environmentIds: number[] }
): Promise<void> {
  const userId = await readUserId(db, email);
  const member = await db.query('select from public.memberships where workspace_id = $1 and user_id = $2', [
    workspaceId,
    userId
  ]);
  if (member.rowCount === 0) throw noMember(workspaceId, email);
  const wanted = [...new Set(environmentIds)];
  const { rows } = await db.query<{ id: number }>(
    `select wanted.id from unnest($2::bigint[]) as wanted (id)
     where not exists (select from public.managed_environments e where e.workspace_id = $1 and e.id = wanted.id)`,
    [workspaceId, wanted]
  );
  if (rows.length > 0)
    throw new AdministrationError(
      `Workspace ${workspaceId} has no environment ${rows.map(({ id }) => id).join(', ')}: ` +
        'nothing was changed. Name only environments of that workspace.'
    );
  await db.query(
    `with by_hand as (delete from watchfloor.oidc_memberships where workspace_id = $1 and user_id = $2),
     dropped as (
       delete from public.environment_memberships
       where workspace_id = $1 and user_id = $2 and managed_environment_id <> all ($3::bigint[])
     )
     insert into public.environment_memberships (workspace_id, user_id, managed_environment_id)
     select $1, $2, id from unnest($3::bigint[]) as wanted (id)
     on conflict on constraint environment_memberships_pkey do nothing`,
    [workspaceId, userId, wanted]
  );
}

async function readUserId(db: Queryable, email: string): Promise<number> {
  const { rows } = await db.query<{ id: number }>('select id from public.users where lower(email) = lower($1)', [
    email.trim()
  ]);
  if (!rows[0]) throw noUser(email);
  return rows[0].id;
}

async function toHash(password: string, whose: { email: string; name?: string }): Promise<string> {
  const mistake = await findPasswordMistake(password, whose);
  if (mistake) throw new AdministrationError(mistake);
  return hashPassword(password);
}

function toName(text: string, what: string): string {
  const name = text.trim();
  const length = [...name].length;
  if (length === 0) throw new AdministrationError(`${what} is empty: write one.`);
  if (length > LONGEST_NAME)
    throw new AdministrationError(`${what} has ${length} characters: write at most ${LONGEST_NAME}.`);
  if (/\p{Cc}/u.test(name)) throw new AdministrationError(`${what} has control characters: leave them out.`);
  return name;
}

function noUser(email: string): AdministrationError {
  return new AdministrationError(`There is no user with the e-mail ${email.trim()}: check it, or add the user first.`);
}

function noWorkspace(workspaceId: number): string {
  return `There is no workspace ${workspaceId}: check its number, or add the workspace first.`;
}

function noMember(workspaceId: number, email: string): AdministrationError {
  return new AdministrationError(
    `${email.trim()} is not a member of workspace ${workspaceId}: add them as a member first.`
  );
}

/** The sentence for a broken constraint, by the constraint's name; any other error as it is. */
function explain(error: unknown, sentences: Record<string, string>): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code !== SQLSTATE.uniqueViolation && error.code !== SQLSTATE.foreignKeyViolation) return error;
  const sentence = sentences[error.constraint ?? ''];
  return sentence ? new AdministrationError(sentence, { cause: error }) : error;
}
