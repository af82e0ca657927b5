-- Signing in with an identity provider, what 0017 left open (decision 0023): a start that takes something away waits for
-- whoever is just signing in, and can be broken off; and it is known who has no password of their own.

-- Who has still to follow a mapping that was changed by a start. Set together with the mapping, so that a start which is
-- broken off in between takes from nobody what it should have, only later: the next one goes on.
alter table watchfloor.oidc_accounts add column is_behind boolean not null default false;
create index oidc_accounts_behind on watchfloor.oidc_accounts (issuer, subject) where is_behind;

-- False for somebody whom a provider has brought, until a password is given to them: they are not asked for one to change,
-- and not told that it alone signs them in. Of accounts from before it is not known, and they are shown all there is.
alter table public.users add column has_own_password boolean not null default true;
create function watchfloor.own_password() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.has_own_password := true;
  return new;
end;
$$;
create trigger users_100_own_password before update of password_hash on public.users
  for each row when (old.password_hash is distinct from new.password_hash and not new.has_own_password)
  execute function watchfloor.own_password();

-- Both as in 0017, but for what is said here.
-- The lock is one that a start waits for which writes the mapping (it takes SHARE ROW EXCLUSIVE, in releases before, too),
-- and that waits for such a start; those who sign in do not wait for each other, and who reads for a backup for nobody.
-- Without it somebody new who was signing in meanwhile was neither seen by the start nor saw what it wrote, and kept what a
-- line gave that was gone. It comes before the locks of accounts: the order is the same for all who take both.
create or replace function watchfloor.follow_oidc_groups(given_issuer text, given_subject text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  account watchfloor.oidc_accounts;
begin
  lock table watchfloor.oidc_roles in row exclusive mode;
  select * into strict account from watchfloor.oidc_accounts a
    where a.issuer = given_issuer and a.subject = given_subject for update;
  if account.is_behind then
    update watchfloor.oidc_accounts a set is_behind = false
      where a.issuer = given_issuer and a.subject = given_subject;
  end if;
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

-- The lock comes before the first look at the mapping: what one statement has begun to read it would go on to read.
create or replace function watchfloor.sign_in_by_oidc(given_issuer text, given_subject text, given_email text,
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
  lock table watchfloor.oidc_roles in row exclusive mode;
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
      insert into public.users (email, name, password_hash, has_own_password)
        values (given_email, given_name, given_hash, false)
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
