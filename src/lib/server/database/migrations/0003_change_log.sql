-- The record of what changed and the wake-up of who listens (ENGINE 3: change log, wake-up, epoch).

-- UNLOGGED on purpose: Postgres empties it after a crash and on restored or promoted copies, together with the nonce
-- below, because revisions and transaction ids may then be handed out a second time.
create unlogged table watchfloor.changes (
  -- top-level transaction, also inside savepoints
  xid xid8 not null default pg_current_xact_id(),
  -- o operation is there · m operation left `old_environment_id` · d operation deleted · t truncated
  -- a access of user `id` (workspace_id null: everywhere) · s the session whose id begins with the 48 bits of `id`
  -- ended · r names changed
  kind "char" not null,
  workspace_id bigint,
  environment_id bigint,
  old_environment_id bigint,
  id bigint not null default 0,
  revision bigint not null default 0
) with (autovacuum_vacuum_scale_factor = 0.05);
create index changes_by_xid on watchfloor.changes (xid);
-- Few and urgent: read whole, however many operations changed beside them.
create index changes_beside_operations_by_xid on watchfloor.changes (xid) where kind in ('a', 's', 'r', 't');

-- Below this transaction id the log may have been trimmed: a place in the stream that needs it must read anew.
create table watchfloor.change_floor (
  only_row boolean not null default true,
  floor xid8 not null,
  constraint change_floor_pkey primary key (only_row),
  constraint change_floor_single check (only_row)
);
insert into watchfloor.change_floor (floor) values (pg_snapshot_xmin(pg_current_snapshot()));

create unlogged table watchfloor.epoch_nonce (
  only_row boolean not null default true,
  nonce uuid not null,
  -- The server and database that it was made in: a dump that is restored elsewhere carries the table along.
  place text not null,
  constraint epoch_nonce_pkey primary key (only_row),
  constraint epoch_nonce_single check (only_row)
);

create function watchfloor.epoch_place() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
return concat_ws('.', (select system_identifier from pg_control_system()),
  (select oid from pg_database where datname = current_database()), 'watchfloor.changes'::regclass::oid);

-- Names one unbroken history of revisions and transaction ids; null when the nonce is missing or of another place (see
-- renew_epoch). The server's start is part of it: a cold copy of the data that is put back keeps everything else, yet
-- hands out revisions and transaction ids a second time, and no copy can be put back without a start.
create function watchfloor.read_epoch() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select concat_ws('.', place, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint, nonce)
  from watchfloor.epoch_nonce where place = watchfloor.epoch_place()
);

-- Who finds the nonce gone, or one of another place, writes a new one. The log is emptied first and the floor set anew:
-- on a restored copy both belong to another history. Places of the old epoch are refused whatever the floor.
create function watchfloor.renew_epoch() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table watchfloor.epoch_nonce in exclusive mode;
  if not exists (select from watchfloor.epoch_nonce where place = watchfloor.epoch_place()) then
    delete from watchfloor.epoch_nonce;
    delete from watchfloor.changes;
    update watchfloor.change_floor set floor = pg_snapshot_xmin(pg_current_snapshot());
    insert into watchfloor.epoch_nonce (nonce, place) values (gen_random_uuid(), watchfloor.epoch_place());
  end if;
end;
$$;

-- Wakes the listeners at most once a transaction, and at most once in 50 ms over all of them: notifying commits run one
-- after another under a cluster-wide lock. A loser of the gate holds a transaction id, so the snapshot taken after the
-- winner's wake-up either sees it or lists it as in progress, and the feed reads again.
create function watchfloor.wake() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- One win a transaction: without this a long batch gathers a lock for each 50 ms and runs out of shared memory.
  if current_setting('watchfloor.woken', true) = 'yes' or current_setting('watchfloor.wake', true) = 'off' then
    return;
  end if;
  -- 'WF' as the class of the lock; the bucket wraps after years.
  if pg_try_advisory_xact_lock(22342, (floor(extract(epoch from clock_timestamp()) * 20)::bigint % 2147483647)::integer) then
    perform set_config('watchfloor.woken', 'yes', true);
    perform pg_notify('watchfloor_wake', '');
  end if;
end;
$$;

create function watchfloor.log_inserted_operations() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, workspace_id, environment_id, id, revision)
  select 'o', workspace_id, managed_environment_id, id, revision from inserted;
  if found then perform watchfloor.wake(); end if;
  return null;
end;
$$;

create function watchfloor.log_updated_operations() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, workspace_id, environment_id, id, revision)
  select 'o', workspace_id, managed_environment_id, id, revision from updated;
  if found then perform watchfloor.wake(); end if;
  return null;
end;
$$;

-- A move is rare and logged by row, so that the common update need not join its old and new rows.
create function watchfloor.log_moved_operation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, workspace_id, environment_id, old_environment_id, id, revision)
  values ('m', new.workspace_id, new.managed_environment_id, old.managed_environment_id, new.id, new.revision);
  return null;
end;
$$;

create function watchfloor.log_deleted_operations() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, workspace_id, environment_id, id, revision)
  select 'd', workspace_id, managed_environment_id, id, revision + 1 from deleted;
  if found then perform watchfloor.wake(); end if;
  return null;
end;
$$;

create function watchfloor.log_truncated() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind) values ('t');
  if current_setting('watchfloor.wake', true) is distinct from 'off' then
    perform pg_notify('watchfloor_wake', '');
  end if;
  return null;
end;
$$;

create trigger operation_runs_900_notify_inserted after insert on public.operation_runs
  referencing new table as inserted for each statement execute function watchfloor.log_inserted_operations();
create trigger operation_runs_910_notify_moved after update on public.operation_runs
  for each row when (old.managed_environment_id is distinct from new.managed_environment_id)
  execute function watchfloor.log_moved_operation();
create trigger operation_runs_920_notify_updated after update on public.operation_runs
  referencing new table as updated for each statement execute function watchfloor.log_updated_operations();
create trigger operation_runs_930_notify_deleted after delete on public.operation_runs
  referencing old table as deleted for each statement execute function watchfloor.log_deleted_operations();
create trigger operation_runs_940_notify_truncated after truncate on public.operation_runs
  for each statement execute function watchfloor.log_truncated();
alter table public.operation_runs enable always trigger operation_runs_900_notify_inserted;
alter table public.operation_runs enable always trigger operation_runs_910_notify_moved;
alter table public.operation_runs enable always trigger operation_runs_920_notify_updated;
alter table public.operation_runs enable always trigger operation_runs_930_notify_deleted;
alter table public.operation_runs enable always trigger operation_runs_940_notify_truncated;

-- What decides access is rare and urgent: logged by row (old and new are compared in the trigger's WHEN), never gated
-- (watchfloor.wake = off still lets it take part in two-phase commits; then the backstop finds it within a second).
-- Arguments: the kind, the column of the person, and the column of the workspace ('' = everywhere).
create function watchfloor.log_access() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  gone constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  came constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
begin
  insert into watchfloor.changes (kind, workspace_id, id)
  select distinct tg_argv[0]::"char", (side ->> nullif(tg_argv[2], ''))::bigint, coalesce((side ->> nullif(tg_argv[1], ''))::bigint, 0)
  from unnest(array[gone, came]) as sides (side) where side is not null;
  if current_setting('watchfloor.wake', true) is distinct from 'off' then
    perform pg_notify('watchfloor_wake', '');
  end if;
  return null;
end;
$$;

-- 48 bits of the session's id name it well enough, and stay within what a number holds.
create function watchfloor.log_ended_session() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, id) values ('s', ('x' || left(old.id, 12))::bit(48)::bigint);
  if current_setting('watchfloor.wake', true) is distinct from 'off' then
    perform pg_notify('watchfloor_wake', '');
  end if;
  return null;
end;
$$;

create trigger memberships_900_notify after insert or delete on public.memberships
  for each row execute function watchfloor.log_access('a', 'user_id', 'workspace_id');
create trigger memberships_910_notify after update on public.memberships
  for each row when (old is distinct from new) execute function watchfloor.log_access('a', 'user_id', 'workspace_id');
create trigger environment_memberships_900_notify after insert or update or delete on public.environment_memberships
  for each row execute function watchfloor.log_access('a', 'user_id', 'workspace_id');
create trigger users_900_notify after update on public.users
  for each row when (old.disabled_at is distinct from new.disabled_at)
  execute function watchfloor.log_access('a', 'id', '');
-- Touching a session (its expiry moves on) wakes nobody; ending one does.
create trigger sessions_900_notify_ended after delete on public.sessions
  for each row execute function watchfloor.log_ended_session();
create trigger sessions_910_notify_shortened after update on public.sessions
  for each row when (new.expires_at < old.expires_at) execute function watchfloor.log_ended_session();
create trigger workspaces_900_notify after update on public.workspaces
  for each row when (old is distinct from new) execute function watchfloor.log_access('r', '', 'id');
create trigger managed_environments_900_notify after insert or update or delete on public.managed_environments
  for each row execute function watchfloor.log_access('r', '', 'workspace_id');
create trigger operation_types_900_notify after insert or update or delete on public.operation_types
  for each row execute function watchfloor.log_access('r', '', '');
create trigger memberships_940_notify_truncated after truncate on public.memberships
  for each statement execute function watchfloor.log_truncated();
create trigger environment_memberships_940_notify_truncated after truncate on public.environment_memberships
  for each statement execute function watchfloor.log_truncated();
create trigger sessions_940_notify_truncated after truncate on public.sessions
  for each statement execute function watchfloor.log_truncated();
alter table public.memberships enable always trigger memberships_900_notify;
alter table public.memberships enable always trigger memberships_910_notify;
alter table public.memberships enable always trigger memberships_940_notify_truncated;
alter table public.environment_memberships enable always trigger environment_memberships_900_notify;
alter table public.environment_memberships enable always trigger environment_memberships_940_notify_truncated;
alter table public.users enable always trigger users_900_notify;
alter table public.sessions enable always trigger sessions_900_notify_ended;
alter table public.sessions enable always trigger sessions_910_notify_shortened;
alter table public.sessions enable always trigger sessions_940_notify_truncated;
alter table public.workspaces enable always trigger workspaces_900_notify;
alter table public.managed_environments enable always trigger managed_environments_900_notify;
alter table public.operation_types enable always trigger operation_types_900_notify;

-- Trims the log, in two transactions of the caller's: first raise_change_floor, then trim_changes. Never TRUNCATE: a
-- REPEATABLE READ reader would see a silent gap.
create function watchfloor.raise_change_floor(older_than xid8) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
begin atomic
  update watchfloor.change_floor set floor = older_than where floor < older_than;
end;

create function watchfloor.trim_changes() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  trimmed bigint;
begin
  delete from watchfloor.changes where xid < (select floor from watchfloor.change_floor);
  get diagnostics trimmed = row_count;
  return trimmed;
end;
$$;
