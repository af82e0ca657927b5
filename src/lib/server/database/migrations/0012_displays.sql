-- Wall displays: principals of their own, paired by a code (RFC 8628), read-only, with a scope that can change or end at any
-- moment. Wherever a number says who asks (settings of a transaction, the log, places in the stream), a person is their id
-- and a display the negative of its own, so that every path of access is one path for both (decision 0016).

create table public.displays (
  id bigint generated always as identity,
  workspace_id bigint not null,
  name text not null,
  -- Empty = the whole workspace. On the row and not beside it: a scope changes in one step, never through "everything", and
  -- an environment that is removed leaves an id here that shows nothing.
  environment_ids bigint[] not null default '{}',
  layout text not null default 'whole',
  theme text not null default 'dark',
  distance_m real not null default 5,
  diagonal_in real not null default 55,
  rotate_seconds integer,
  zone text not null default 'UTC',
  -- Until then it shows its name; when it was asked to load itself again: told to its socket like a change of the above.
  identify_until timestamptz(3),
  reload_asked_at timestamptz(3),
  -- What a person left for whoever stands before it, with its end.
  hand_over_text text,
  hand_over_by text,
  hand_over_at timestamptz(3),
  hand_over_ends_at timestamptz(3),
  paired_by text not null,
  paired_at timestamptz(3) not null default clock_timestamp(),
  -- Kept for a while, so that the screen can say that it was removed, and when.
  revoked_at timestamptz(3),
  revoked_by text,
  constraint displays_pkey primary key (id),
  constraint displays_workspace foreign key (workspace_id) references public.workspaces (id) on delete cascade,
  constraint displays_name_length check (char_length(name) between 1 and 120),
  constraint displays_environments_most check (cardinality(environment_ids) <= 200),
  constraint displays_layout check (layout in ('whole', 'small')),
  constraint displays_theme check (theme in ('dark', 'light')),
  constraint displays_distance check (distance_m between 0.5 and 50),
  constraint displays_diagonal check (diagonal_in between 5 and 500),
  constraint displays_rotate check (rotate_seconds between 5 and 3600),
  constraint displays_zone_length check (char_length(zone) between 1 and 64),
  constraint displays_hand_over_length check (char_length(hand_over_text) between 1 and 280),
  constraint displays_hand_over_whole check (
    num_nulls(hand_over_text, hand_over_by, hand_over_at, hand_over_ends_at) in (0, 4))
);
create index displays_by_workspace on public.displays (workspace_id, id);

-- SHA-256 of what stands in a display's cookie. One that is offered counts beside the present one until it comes back: an
-- answer that is lost never unpairs a screen. When it comes back, older ones have a few minutes for requests under way.
create table public.display_secrets (
  hash bytea not null,
  display_id bigint not null,
  offered_at timestamptz(3) not null default clock_timestamp(),
  used_at timestamptz(3),
  ends_at timestamptz(3),
  constraint display_secrets_pkey primary key (hash),
  constraint display_secrets_hash_length check (octet_length(hash) = 32),
  constraint display_secrets_display foreign key (display_id) references public.displays (id) on delete cascade
);
create index display_secrets_by_display on public.display_secrets (display_id, offered_at);

-- Screens that show a code and wait. Gone after a crash: they ask for another one.
create unlogged table watchfloor.pairing_requests (
  -- the hash of the secret that the browser has already: approving makes it a display's
  hash bytea not null,
  code text not null,
  asked_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null,
  polled_at timestamptz(3),
  -- seconds between two questions; grows for who asks too often (slow_down)
  poll_seconds integer not null,
  -- what the person who approves is shown
  address text,
  browser text not null,
  width integer,
  height integer,
  approved_at timestamptz(3),
  constraint pairing_requests_pkey primary key (hash),
  constraint pairing_requests_code_form check (code ~ '^[BCDFGHJKLMNPQRSTVWXZ]{8}$')
);
create unique index pairing_requests_by_code on watchfloor.pairing_requests (code);
create index pairing_requests_by_expiry on watchfloor.pairing_requests (expires_at);

-- What displays say of themselves, now and then. Nothing is decided by it.
create unlogged table watchfloor.display_presence (
  display_id bigint not null,
  seen_at timestamptz(3) not null default clock_timestamp(),
  state text not null,
  version text not null,
  proof_at timestamptz(3),
  width integer not null,
  height integer not null,
  pixel_ratio real not null,
  constraint display_presence_pkey primary key (display_id)
);

-- The log: `a` of a display (its scope, its end) as of a person; `p` what it should show of itself changed.
create function watchfloor.log_display() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, workspace_id, id)
  values (tg_argv[0]::"char", case when tg_argv[0] = 'p' then old.workspace_id end, -old.id);
  if current_setting('watchfloor.wake', true) is distinct from 'off' then
    perform pg_notify('watchfloor_wake', '');
  end if;
  return null;
end;
$$;
create trigger displays_900_notify after delete on public.displays
  for each row execute function watchfloor.log_display('a');
create trigger displays_910_notify after update on public.displays
  for each row when ((old.workspace_id, old.environment_ids, old.revoked_at)
    is distinct from (new.workspace_id, new.environment_ids, new.revoked_at))
  execute function watchfloor.log_display('a');
create trigger displays_920_notify after update on public.displays
  for each row when ((old.name, old.layout, old.theme, old.distance_m, old.diagonal_in, old.rotate_seconds, old.zone,
      old.identify_until, old.reload_asked_at, old.hand_over_text, old.hand_over_at, old.hand_over_ends_at)
    is distinct from (new.name, new.layout, new.theme, new.distance_m, new.diagonal_in, new.rotate_seconds, new.zone,
      new.identify_until, new.reload_asked_at, new.hand_over_text, new.hand_over_at, new.hand_over_ends_at))
  execute function watchfloor.log_display('p');
create trigger displays_940_notify_truncated after truncate on public.displays
  for each statement execute function watchfloor.log_truncated();
alter table public.displays enable always trigger displays_900_notify;
alter table public.displays enable always trigger displays_910_notify;
alter table public.displays enable always trigger displays_920_notify;
alter table public.displays enable always trigger displays_940_notify_truncated;
-- As changes_beside_operations_by_xid, which releases before this one go on using; it can be dropped by the next.
create index changes_beside_by_xid on watchfloor.changes (xid) where kind in ('a', 's', 'r', 't', 'p');

-- The fence of 0004, for displays too.
create or replace function watchfloor.entered_workspace() returns bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select m.workspace_id
  from public.memberships m
  join public.users u on u.id = m.user_id and u.disabled_at is null
  where m.workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and m.user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
  union all
  select d.workspace_id
  from public.displays d
  where nullif(current_setting('watchfloor.user_id', true), '')::bigint < 0
    and d.id = -nullif(current_setting('watchfloor.user_id', true), '')::bigint
    and d.workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and d.revoked_at is null
);

create or replace function watchfloor.sees_all_environments() returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
return not exists (
  select from public.environment_memberships
  where workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
  union all
  select from public.displays d
  where nullif(current_setting('watchfloor.user_id', true), '')::bigint < 0
    and d.id = -nullif(current_setting('watchfloor.user_id', true), '')::bigint
    and d.environment_ids <> '{}'
);

create or replace function watchfloor.entitled_environments() returns setof bigint
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select managed_environment_id from public.environment_memberships
  where workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint
    and user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
  union all
  select unnest(d.environment_ids)
  from public.displays d
  where nullif(current_setting('watchfloor.user_id', true), '')::bigint < 0
    and d.id = -nullif(current_setting('watchfloor.user_id', true), '')::bigint
    and d.workspace_id = nullif(current_setting('watchfloor.workspace_id', true), '')::bigint;
end;

create or replace function watchfloor.role_in_workspace() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select m.role from public.memberships m
  where m.workspace_id = watchfloor.entered_workspace()
    and m.user_id = nullif(current_setting('watchfloor.user_id', true), '')::bigint
  union all
  select 'display' where nullif(current_setting('watchfloor.user_id', true), '')::bigint < 0
    and watchfloor.entered_workspace() is not null
);

-- What a person did is recorded in the statement that does it: who is no person reviews nothing and opens no diagnostics,
-- whatever a caller asks.
alter table public.audit_events add constraint audit_events_by_person check (user_id > 0) not valid;

-- Somebody who may see all that a display may see, and is no display.
alter table public.displays enable row level security;
alter table public.display_secrets enable row level security;
create policy displays_of_people on public.displays for select to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and (id = -nullif(current_setting('watchfloor.user_id', true), '')::bigint
      or nullif(current_setting('watchfloor.user_id', true), '')::bigint > 0
        and ((select watchfloor.sees_all_environments())
          or environment_ids <> '{}' and environment_ids <@ array(select watchfloor.entitled_environments()))));
create policy displays_written_by_people on public.displays for update to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and nullif(current_setting('watchfloor.user_id', true), '')::bigint > 0
    and ((select watchfloor.sees_all_environments())
      or environment_ids <> '{}' and environment_ids <@ array(select watchfloor.entitled_environments())));
create policy displays_made_by_people on public.displays for insert to watchfloor_people
  with check (workspace_id = (select watchfloor.entered_workspace())
    and nullif(current_setting('watchfloor.user_id', true), '')::bigint > 0
    and ((select watchfloor.sees_all_environments())
      or environment_ids <> '{}' and environment_ids <@ array(select watchfloor.entitled_environments())));
create policy displays_of_system on public.displays to watchfloor_access, watchfloor_feed using (true) with check (true);
create policy display_secrets_of_access on public.display_secrets to watchfloor_access using (true) with check (true);

-- What waits under a code, for the person who was told it; taking it makes its secret the display's, once.
create function watchfloor.find_pairing(asked_code text)
returns table (address text, browser text, width integer, height integer, asked_at timestamptz, expires_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select p.address, p.browser, p.width, p.height, p.asked_at, p.expires_at
  from watchfloor.pairing_requests p
  where p.code = asked_code and p.approved_at is null and p.expires_at > clock_timestamp();
end;
create function watchfloor.take_pairing(asked_code text, for_display bigint) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  taken bytea;
begin
  update watchfloor.pairing_requests p set approved_at = clock_timestamp()
  where p.code = asked_code and p.approved_at is null and p.expires_at > clock_timestamp()
  returning p.hash into taken;
  if taken is null then return false; end if;
  insert into public.display_secrets (hash, display_id, used_at) values (taken, for_display, clock_timestamp());
  return true;
end;
$$;
create function watchfloor.presence_of(for_displays bigint[])
returns setof watchfloor.display_presence
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select p.* from watchfloor.display_presence p where p.display_id = any (for_displays);
end;

revoke all on function watchfloor.log_display(), watchfloor.find_pairing(text), watchfloor.take_pairing(text, bigint),
  watchfloor.presence_of(bigint[]) from public;
grant execute on function watchfloor.find_pairing(text), watchfloor.take_pairing(text, bigint),
  watchfloor.presence_of(bigint[]) to watchfloor_people;
grant select, insert on public.displays to watchfloor_people;
grant update (name, environment_ids, layout, theme, distance_m, diagonal_in, rotate_seconds, zone, identify_until,
  reload_asked_at, hand_over_text, hand_over_by, hand_over_at, hand_over_ends_at, revoked_at, revoked_by)
  on public.displays to watchfloor_people;
grant select (id, workspace_id, environment_ids, revoked_at) on public.displays to watchfloor_feed;
grant select, delete on public.displays to watchfloor_access;
grant select, insert, update, delete on public.display_secrets, watchfloor.pairing_requests, watchfloor.display_presence
  to watchfloor_access;
