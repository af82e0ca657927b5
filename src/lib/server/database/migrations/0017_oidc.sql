-- Signing in with an identity provider (decision 0020): who somebody is there, which groups give which role here, and which
-- memberships came from that. The role that signs people in may only say who came and with which groups; what they get is
-- decided here, by a mapping that it cannot write, and never touches a membership that was given by hand.

-- The mapping as the configuration has it, written by the owner at the start.
create table watchfloor.oidc_roles (
  issuer text not null,
  -- In the order of the configuration: of the lines that fit somebody the first decides the role.
  position integer not null,
  group_name text not null,
  -- No foreign keys: a line may name what is not there yet, or not any more, and then gives nothing.
  workspace_id bigint not null,
  role text not null,
  -- Empty: all of the workspace.
  environment_ids bigint[] not null default '{}',
  constraint oidc_roles_pkey primary key (issuer, position),
  constraint oidc_roles_role check (role in ('owner', 'manager', 'operator', 'readonly', 'support'))
);

create table watchfloor.oidc_accounts (
  issuer text not null,
  -- What the provider calls them for ever; an e-mail may be given to somebody else one day.
  subject text not null,
  user_id bigint not null,
  -- At the last sign-in, and of those only what is mapped: so that a mapping which is made smaller holds at once.
  group_names text[] not null default '{}',
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint oidc_accounts_pkey primary key (issuer, subject),
  -- One account there for a person here: a second one cannot be linked to them.
  constraint oidc_accounts_one_each unique (user_id, issuer),
  constraint oidc_accounts_user foreign key (user_id) references public.users (id) on delete cascade,
  constraint oidc_accounts_length check (char_length(issuer) between 1 and 500 and char_length(subject) between 1 and 255)
);

-- Which memberships are the mapping's. One that is not here was given by hand, and stays as it is.
create table watchfloor.oidc_memberships (
  workspace_id bigint not null,
  user_id bigint not null,
  constraint oidc_memberships_pkey primary key (workspace_id, user_id),
  constraint oidc_memberships_member foreign key (workspace_id, user_id)
    references public.memberships (workspace_id, user_id) on delete cascade
);
create index oidc_memberships_by_user on watchfloor.oidc_memberships (user_id);

-- What was begun (decision 0020: sealed in a cookie) and has ended: it ends once.
create table watchfloor.oidc_ended (
  -- SHA-256 (hex) of its state.
  state_hash text not null,
  expires_at timestamptz(3) not null,
  constraint oidc_ended_pkey primary key (state_hash),
  constraint oidc_ended_hash_form check (state_hash ~ '^[0-9a-f]{64}$')
);
create index oidc_ended_by_expiry on watchfloor.oidc_ended (expires_at);

-- What these groups give: a row a workspace. Of the lines that fit, the first decides the role; others of the same role add
-- their environments, so that no two lines together give more than one of them says. A line whose environments are all gone
-- gives nothing: without a narrowing it would give everything.
create function watchfloor.oidc_grants(given_issuer text, given_groups text[])
returns table (workspace_id bigint, role text, environment_ids bigint[])
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  with fitting as (
    select r.workspace_id, r.role, r.position, r.environment_ids = '{}' as is_whole,
      array(select e.id from public.managed_environments e
        where e.workspace_id = r.workspace_id and e.id = any (r.environment_ids)) as environment_ids
    from watchfloor.oidc_roles r
    join public.workspaces w on w.id = r.workspace_id
    where r.issuer = given_issuer and r.group_name = any (given_groups)
  ), usable as (
    select * from fitting where is_whole or environment_ids <> '{}'
  ), decided as (
    select distinct on (u.workspace_id) u.workspace_id, u.role from usable u order by u.workspace_id, u.position
  )
  select d.workspace_id, d.role,
    case when bool_or(u.is_whole) then '{}'::bigint[]
      else array(select distinct e.id from usable more, unnest(more.environment_ids) as e (id)
        where more.workspace_id = d.workspace_id and more.role = d.role order by 1) end
  from decided d join usable u on u.workspace_id = d.workspace_id and u.role = d.role
  group by d.workspace_id, d.role;
end;

-- Makes the memberships that are the mapping's what the groups of the last sign-in give. In the caller's transaction, so
-- that nobody is seen half changed; the triggers on both tables tell open pages. What is as it should be is not written.
create function watchfloor.follow_oidc_groups(given_issuer text, given_subject text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  account watchfloor.oidc_accounts;
begin
  select * into strict account from watchfloor.oidc_accounts a
    where a.issuer = given_issuer and a.subject = given_subject for update;
  delete from public.memberships m using watchfloor.oidc_memberships o
    where o.user_id = account.user_id and m.user_id = o.user_id and m.workspace_id = o.workspace_id
      and not exists (select from watchfloor.oidc_grants(given_issuer, account.group_names) g
        where g.workspace_id = m.workspace_id);
  update public.memberships m set role = g.role
    from watchfloor.oidc_grants(given_issuer, account.group_names) g, watchfloor.oidc_memberships o
    where o.user_id = account.user_id and o.workspace_id = g.workspace_id
      and m.user_id = o.user_id and m.workspace_id = o.workspace_id and m.role <> g.role;
  with added as (
    insert into public.memberships (workspace_id, user_id, role)
    select g.workspace_id, account.user_id, g.role from watchfloor.oidc_grants(given_issuer, account.group_names) g
    on conflict on constraint memberships_pkey do nothing
    returning workspace_id, user_id
  )
  insert into watchfloor.oidc_memberships (workspace_id, user_id) select added.workspace_id, added.user_id from added;
  insert into public.environment_memberships (workspace_id, user_id, managed_environment_id)
    select g.workspace_id, o.user_id, e.id
    from watchfloor.oidc_grants(given_issuer, account.group_names) g
    join watchfloor.oidc_memberships o on o.workspace_id = g.workspace_id and o.user_id = account.user_id
    cross join unnest(g.environment_ids) as e (id)
    on conflict on constraint environment_memberships_pkey do nothing;
  delete from public.environment_memberships em
    using watchfloor.oidc_grants(given_issuer, account.group_names) g, watchfloor.oidc_memberships o
    where o.user_id = account.user_id and o.workspace_id = g.workspace_id
      and em.user_id = o.user_id and em.workspace_id = o.workspace_id
      and em.managed_environment_id <> all (g.environment_ids);
end;
$$;

-- Somebody came from the provider. Who they are here: whoever their subject is linked to; else whoever has their e-mail, if
-- the provider has verified it and nobody else of it is linked to them; else somebody new, if a group gives them anything.
-- Their memberships follow their groups. `outcome`: 'signed in'; 'disabled'; 'no access' (they are a member of nothing);
-- 'e-mail taken' (somebody has it, and is not shown to be them).
create function watchfloor.sign_in_by_oidc(given_issuer text, given_subject text, given_email text,
  is_email_verified boolean, given_name text, given_hash text, given_groups text[])
returns table (outcome text, person bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  known bigint;
  has_access boolean;
begin
  if given_issuer is null or given_subject is null or given_email is null or is_email_verified is null
    or given_name is null or given_hash is null or given_groups is null or cardinality(given_groups) > 1000
    or given_hash !~ '^\$argon2id\$' then
    raise exception using errcode = 'invalid_parameter_value', message = 'This is nobody who could sign in.';
  end if;
  -- Two browsers of one person at once: the second finds what the first has made.
  perform pg_advisory_xact_lock(22344, hashtext(given_issuer || E'\n' || given_subject));
  select a.user_id into known from watchfloor.oidc_accounts a
    where a.issuer = given_issuer and a.subject = given_subject;

  if known is null then
    has_access := exists (select from watchfloor.oidc_grants(given_issuer, given_groups));
    select u.id into known from public.users u where lower(u.email) = lower(given_email);
    if known is not null then
      if not is_email_verified
        or exists (select from watchfloor.oidc_accounts a where a.issuer = given_issuer and a.user_id = known) then
        return query select 'e-mail taken', null::bigint;
        return;
      end if;
      if exists (select from public.users u where u.id = known and u.disabled_at is not null) then
        return query select 'disabled', known;
        return;
      end if;
      has_access := has_access or exists (select from public.memberships m where m.user_id = known);
    end if;
    -- Nobody is made, and nobody linked, who could do nothing with it.
    if not has_access then
      return query select 'no access', null::bigint;
      return;
    end if;
    if known is null then
      insert into public.users (email, name, password_hash) values (given_email, given_name, given_hash)
        on conflict do nothing returning id into known;
    end if;
    if known is not null then
      insert into watchfloor.oidc_accounts (issuer, subject, user_id) values (given_issuer, given_subject, known)
        on conflict do nothing;
    end if;
    -- Somebody else was faster with this e-mail.
    if not exists (select from watchfloor.oidc_accounts a
      where a.issuer = given_issuer and a.subject = given_subject and a.user_id = known) then
      return query select 'e-mail taken', null::bigint;
      return;
    end if;
  end if;

  if exists (select from public.users u where u.id = known and u.disabled_at is not null) then
    return query select 'disabled', known;
    return;
  end if;
  update watchfloor.oidc_accounts a set group_names = array(
      select distinct r.group_name from watchfloor.oidc_roles r
      where r.issuer = given_issuer and r.group_name = any (given_groups) order by 1)
    where a.issuer = given_issuer and a.subject = given_subject;
  perform watchfloor.follow_oidc_groups(given_issuer, given_subject);
  return query select
    case when exists (select from public.memberships m where m.user_id = known) then 'signed in' else 'no access' end,
    known;
end;
$$;

revoke all on function watchfloor.oidc_grants(text, text[]), watchfloor.follow_oidc_groups(text, text),
  watchfloor.sign_in_by_oidc(text, text, text, boolean, text, text, text[]) from public;
grant execute on function watchfloor.sign_in_by_oidc(text, text, text, boolean, text, text, text[]) to watchfloor_access;
-- For the account page: that somebody is linked, not to whom.
grant select (issuer, user_id) on watchfloor.oidc_accounts to watchfloor_access;
grant select, insert, delete on watchfloor.oidc_ended to watchfloor_access;
