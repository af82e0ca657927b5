/**
 * What an administrator looks up from the command line: who there is, where, as what. As the owner, so nothing is hidden;
 * pages never read this. It changes nothing (administration.ts does).
 */
import type { Queryable } from '../database/pool.ts';
import { AdministrationError } from './administration.ts';

export interface ListedUser {
  id: number;
  email: string;
  name: string;
  disabledAt: Date | null;
  workspaces: number;
  sessions: number;
}

export async function readUsers(db: Queryable): Promise<ListedUser[]> {
  const { rows } = await db.query<ListedUser>(
    `select id, email, name, disabled_at as "disabledAt",
       (select count(*) from public.memberships m where m.user_id = u.id) as workspaces,
       (select count(*) from public.sessions s where s.user_id = u.id and s.expires_at > now()) as sessions
     from public.users u order by lower(email)`
  );
  return rows;
}

export interface ListedSession {
  startedAt: Date;
  endsAt: Date;
}

/** Those that still let somebody in, newest first; without what could name one of them. */
export async function readSessions(db: Queryable, { email }: { email: string }): Promise<ListedSession[]> {
  const { rows } = await db.query<{ found: number; startedAt: Date | null; endsAt: Date | null }>(
    `select u.id as found, s.created_at as "startedAt", s.expires_at as "endsAt"
     from public.users u left join public.sessions s on s.user_id = u.id and s.expires_at > now()
     where lower(u.email) = lower($1) order by s.created_at desc`,
    [email.trim()]
  );
  if (rows.length === 0)
    throw new AdministrationError(`There is no user with the e-mail ${email.trim()}: "user list" shows them.`);
  return rows.flatMap(({ startedAt, endsAt }) => (startedAt && endsAt ? [{ startedAt, endsAt }] : []));
}

export interface ListedWorkspace {
  id: number;
  name: string;
  isDemo: boolean;
  environments: number;
  members: number;
}

export async function readWorkspaces(db: Queryable): Promise<ListedWorkspace[]> {
  const { rows } = await db.query<ListedWorkspace>(
    `select id, name, is_demo as "isDemo",
       (select count(*) from public.managed_environments e where e.workspace_id = w.id) as environments,
       (select count(*) from public.memberships m where m.workspace_id = w.id) as members
     from public.workspaces w order by id`
  );
  return rows;
}

export interface ListedEnvironment {
  id: number;
  workspaceId: number;
  name: string;
  lastReportedAt: Date | null;
}

/** `workspaceId` null: of all. The last report is that of the newest operation: one index probe an environment. */
export async function readEnvironments(db: Queryable, workspaceId: number | null): Promise<ListedEnvironment[]> {
  if (workspaceId !== null) await refuseAbsent(db, workspaceId);
  const { rows } = await db.query<ListedEnvironment>(
    `select e.id, e.workspace_id as "workspaceId", e.name,
       (select r.last_reported_at from public.operation_runs r
        where r.workspace_id = e.workspace_id and r.place_id = e.id order by r.created_at desc, r.id desc limit 1)
         as "lastReportedAt"
     from public.managed_environments e where $1::bigint is null or e.workspace_id = $1 order by e.workspace_id, e.id`,
    [workspaceId]
  );
  return rows;
}

export interface ListedMember {
  email: string;
  name: string;
  role: string;
  isDisabled: boolean;
  /** null: all of the workspace */
  environmentIds: number[] | null;
}

export async function readMembers(db: Queryable, workspaceId: number): Promise<ListedMember[]> {
  await refuseAbsent(db, workspaceId);
  const { rows } = await db.query<ListedMember>(
    `select u.email, u.name, m.role, u.disabled_at is not null as "isDisabled",
       (select array_agg(e.managed_environment_id order by e.managed_environment_id)
        from public.environment_memberships e where (e.workspace_id, e.user_id) = (m.workspace_id, m.user_id))
         as "environmentIds"
     from public.memberships m join public.users u on u.id = m.user_id
     where m.workspace_id = $1 order by lower(u.email)`,
    [workspaceId]
  );
  return rows;
}

async function refuseAbsent(db: Queryable, workspaceId: number): Promise<void> {
  const { rowCount } = await db.query('select from public.workspaces where id = $1', [workspaceId]);
  if (rowCount === 0)
    throw new AdministrationError(`There is no workspace ${workspaceId}: "workspace list" shows their numbers.`);
}
