-- Who there is and what they may see: workspaces, environments, people, sessions, memberships.
-- Runs as watchfloor_owner; the four other roles get their rights in 0004.

create table public.workspaces (
  id bigint generated always as identity,
  name text not null,
  -- Every page of such a workspace says that what it shows is demo data.
  is_demo boolean not null default false,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint workspaces_pkey primary key (id),
  constraint workspaces_name_length check (char_length(name) between 1 and 120)
);

create table public.managed_environments (
  id bigint generated always as identity,
  workspace_id bigint not null,
  name text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint managed_environments_pkey primary key (id),
  -- The target of operation_runs' composite foreign key: an environment never leaves its workspace.
  constraint managed_environments_in_workspace unique (workspace_id, id),
  constraint managed_environments_workspace foreign key (workspace_id) references public.workspaces (id),
  constraint managed_environments_name_length check (char_length(name) between 1 and 120)
);
-- Also an empty one stays where it is: sockets that watch it were let in by its workspace.
create function watchfloor.keep_workspace() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using errcode = 'check_violation', message = 'An environment never changes its workspace.',
    hint = 'Make a new environment in the other workspace.';
end;
$$;
create trigger managed_environments_100_keep_workspace before update on public.managed_environments
  for each row when (old.workspace_id <> new.workspace_id or old.id <> new.id)
  execute function watchfloor.keep_workspace();
create unique index managed_environments_by_name on public.managed_environments (workspace_id, lower(name));

create table public.users (
  id bigint generated always as identity,
  email text not null,
  name text not null,
  -- argon2id, encoded with its parameters
  password_hash text not null,
  disabled_at timestamptz(3),
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint users_pkey primary key (id),
  constraint users_email_length check (char_length(email) between 3 and 254),
  constraint users_name_length check (char_length(name) between 1 and 120)
);
create unique index users_by_email on public.users (lower(email));

create table public.sessions (
  -- SHA-256 (hex) of the random token in the cookie: a copy of this table signs nobody in.
  id text not null,
  user_id bigint not null,
  expires_at timestamptz(3) not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint sessions_pkey primary key (id),
  constraint sessions_id_form check (id ~ '^[0-9a-f]{64}$'),
  constraint sessions_user foreign key (user_id) references public.users (id) on delete cascade
);
create index sessions_by_user on public.sessions (user_id);
create index sessions_by_expiry on public.sessions (expires_at);

create table public.memberships (
  workspace_id bigint not null,
  user_id bigint not null,
  role text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint memberships_pkey primary key (workspace_id, user_id),
  constraint memberships_workspace foreign key (workspace_id) references public.workspaces (id) on delete cascade,
  constraint memberships_user foreign key (user_id) references public.users (id) on delete cascade,
  constraint memberships_role check (role in ('owner', 'manager', 'operator', 'readonly', 'support'))
);
create index memberships_by_user on public.memberships (user_id);

-- These rows only narrow: without any, a member sees all environments of the workspace. Hence an environment that
-- somebody is narrowed to cannot be deleted: the last such row gone, that person would suddenly see everything.
create table public.environment_memberships (
  workspace_id bigint not null,
  user_id bigint not null,
  managed_environment_id bigint not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint environment_memberships_pkey primary key (workspace_id, user_id, managed_environment_id),
  constraint environment_memberships_member foreign key (workspace_id, user_id)
    references public.memberships (workspace_id, user_id) on delete cascade,
  constraint environment_memberships_environment foreign key (workspace_id, managed_environment_id)
    references public.managed_environments (workspace_id, id)
);
create index environment_memberships_by_environment on public.environment_memberships (managed_environment_id);

-- Failed sign-ins per account and per address, kept by rate-limiter-flexible (its column names).
create unlogged table watchfloor.sign_in_limits (
  key varchar(255) not null,
  points integer not null default 0,
  expire bigint,
  constraint sign_in_limits_pkey primary key (key)
);

-- Keys that every node must share. 'token_key' seals the places in the stream of changes (ENGINE 3, first page to live).
create table watchfloor.secrets (
  name text not null,
  value bytea not null,
  constraint secrets_pkey primary key (name)
);
-- gen_random_uuid draws 122 bits from the strong random source; three of them fill the 256 bits of the key.
insert into watchfloor.secrets (name, value)
values ('token_key', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
