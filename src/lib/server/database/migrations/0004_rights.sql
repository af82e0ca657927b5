-- Who may do what. ENABLE, not FORCE, row-level security: the owner migrates and seeds without it.

revoke all on schema watchfloor from public;
revoke all on all tables in schema watchfloor from public;
revoke all on all functions in schema watchfloor from public;
-- A writer needs nothing here: the triggers run with the owner's rights.
grant usage on schema watchfloor to watchfloor_people, watchfloor_feed, watchfloor_access;
grant execute on function watchfloor.silence_limit(text, text) to watchfloor_people;

-- The person and the workspace of a transaction are two scalar settings: `set_config('watchfloor.user_id', …, true)`,
-- `set_config('watchfloor.workspace_id', …, true)`. One workspace a transaction, as a scalar: with an array the first
-- page read 3,111 buffers instead of 8 (ENGINE 3, roles).

-- The workspace of this transaction, if its person is an enabled member of it; else null, which matches no row.
create function watchfloor.entered_workspace() returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select m.workspace_id
  from public.memberships m
  join public.users u on u.id = m.user_id and u.disabled_at is null
  where m.workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and m.user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
);

create function watchfloor.sees_all_environments() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
return not exists (
  select from public.environment_memberships
  where workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
);

create function watchfloor.entitled_environments() returns setof bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select managed_environment_id from public.environment_memberships
  where workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint;
end;
-- The role that the person's capabilities come from; null where they are no member.
create function watchfloor.role_in_workspace() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select m.role from public.memberships m
  where m.workspace_id = watchfloor.entered_workspace()
    and m.user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
);

grant execute on function watchfloor.role_in_workspace(), watchfloor.entered_workspace(), watchfloor.sees_all_environments(),
  watchfloor.entitled_environments() to watchfloor_people;

alter table public.workspaces enable row level security;
alter table public.managed_environments enable row level security;
alter table public.operation_runs enable row level security;
alter table public.rejected_reports enable row level security;

create policy workspaces_of_people on public.workspaces for select to watchfloor_people
  using (id = (select watchfloor.entered_workspace()));
create policy managed_environments_of_people on public.managed_environments for select to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and ((select watchfloor.sees_all_environments()) or id in (select watchfloor.entitled_environments())));
-- Sub-selects without a reference to the row run once a statement, not once a row.
create policy operation_runs_of_people on public.operation_runs for select to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and (managed_environment_id is null or (select watchfloor.sees_all_environments())
      or managed_environment_id in (select watchfloor.entitled_environments())));

create policy workspaces_of_system on public.workspaces to watchfloor_feed, watchfloor_access using (true);
create policy managed_environments_of_system on public.managed_environments
  to watchfloor_feed, watchfloor_access using (true);
-- watchfloor_writer itself bypasses these (COPY needs that); they are for logins that are only members of it.
create policy workspaces_of_writers on public.workspaces for select to watchfloor_writer using (true);
create policy managed_environments_of_writers on public.managed_environments for select to watchfloor_writer using (true);
create policy operation_runs_of_writers on public.operation_runs to watchfloor_writer using (true) with check (true);
create policy operation_runs_of_feed on public.operation_runs for select to watchfloor_feed using (true);

-- writer: reports. BYPASSRLS, since COPY is refused under row-level security. It may name any column but id: OVERRIDING
-- SYSTEM VALUE and COPY would bring ids that other writers are about to get, or that readers hold as deleted.
grant select, update on public.operation_runs to watchfloor_writer;
do $$
begin
  execute format('grant insert (%s) on public.operation_runs to watchfloor_writer', (
    select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
    where attrelid = 'public.operation_runs'::regclass and attnum > 0 and not attisdropped and attname <> 'id'));
end;
$$;
grant select on public.workspaces, public.managed_environments, public.operation_types to watchfloor_writer;

-- people: what pages read.
grant select on public.workspaces, public.managed_environments, public.operation_types, public.operation_runs
  to watchfloor_people;
grant select on watchfloor.change_floor to watchfloor_people;
grant execute on function watchfloor.read_epoch(), watchfloor.renew_epoch() to watchfloor_people;

-- feed: ids, access and list columns; never context, failure_summary or summary_counts.
grant select on watchfloor.changes, watchfloor.change_floor to watchfloor_feed;
grant execute on function watchfloor.read_epoch(), watchfloor.renew_epoch(), watchfloor.raise_change_floor(xid8),
  watchfloor.trim_changes() to watchfloor_feed;
grant select (id, workspace_id, managed_environment_id, initiator_name, type, status, outcome, progress_processed,
  progress_total, progress_phase, cancelled_by, reconciled_at, started_at, completed_at, created_at, last_reported_at,
  stale_at, revision, count_total, count_processed, count_succeeded, count_failed, count_skipped, count_created,
  count_updated, count_deleted, failure_code, failure_message) on public.operation_runs to watchfloor_feed;
grant select on public.workspaces, public.managed_environments, public.operation_types, public.memberships,
  public.environment_memberships to watchfloor_feed;
grant select (id, name, disabled_at) on public.users to watchfloor_feed;
grant select on public.sessions to watchfloor_feed;
grant select on watchfloor.secrets to watchfloor_feed, watchfloor_access;

-- access: signing in and out, and the list of one's workspaces.
grant select on public.workspaces, public.managed_environments, public.memberships, public.environment_memberships
  to watchfloor_access;
grant select, update (password_hash) on public.users to watchfloor_access;
grant select, insert, update, delete on public.sessions to watchfloor_access;
grant select, insert, update, delete on watchfloor.sign_in_limits to watchfloor_access;
