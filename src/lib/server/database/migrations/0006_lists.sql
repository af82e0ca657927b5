-- What the tabs, filters, numbers and options of a list read, and who may read it.

-- What was reported before: without the triggers, which would take this for reports, and before there are more indexes.
alter table public.operation_runs disable trigger user;
update public.operation_runs r set
  silence_check_at = r.stale_at,
  place_id = coalesce(r.managed_environment_id, 0),
  has_open_follow_up = r.status = 'completed' and r.outcome in ('blocked', 'failed', 'partially_succeeded'),
  search_text = watchfloor.normalise_search(concat_ws(' ',
    (select label from public.operation_types t where t.code = r.type), r.type, translate(r.type, '._-', '   '),
    r.initiator_name, r.id, r.external_id, r.failure_code, r.failure_message));
alter table public.operation_runs enable trigger user;
alter table public.operation_runs enable always trigger operation_runs_050_keep_follow_up;
alter table public.operation_runs enable always trigger operation_runs_100_touch;
alter table public.operation_runs enable always trigger operation_runs_800_note_success;
alter table public.operation_runs enable always trigger operation_runs_810_note_success;
alter table public.operation_runs enable always trigger operation_runs_900_notify_inserted;
alter table public.operation_runs enable always trigger operation_runs_910_notify_moved;
alter table public.operation_runs enable always trigger operation_runs_920_notify_updated;
alter table public.operation_runs enable always trigger operation_runs_930_notify_deleted;
alter table public.operation_runs enable always trigger operation_runs_940_notify_truncated;
-- What ended between the migration before and this one has its fact from the trigger.
insert into watchfloor.successes (workspace_id, place_id, type, completed_at, operation_id)
select workspace_id, place_id, type, completed_at, id
from public.operation_runs where outcome = 'succeeded' and completed_at is not null
on conflict on constraint successes_pkey do nothing;

-- The place of an operation is its environment, or 0 for the workspace itself: one index then serves both, also for people
-- who are narrowed. Two indexes for each filter, the whole workspace's and the place's, each in the order of its list.
-- None holds what a progress report changes.
create index operation_runs_by_place_newest
  on public.operation_runs (workspace_id, place_id, created_at desc, id desc);
drop index public.operation_runs_by_environment_newest, public.operation_runs_of_workspace_itself_newest;
create index operation_runs_active_by_workspace on public.operation_runs (workspace_id, created_at desc, id desc)
  where status <> 'completed';
create index operation_runs_active_by_place
  on public.operation_runs (workspace_id, place_id, created_at desc, id desc)
  where status <> 'completed';
create index operation_runs_active_by_status on public.operation_runs (workspace_id, status, created_at desc, id desc)
  where status <> 'completed';
create index operation_runs_active_by_place_and_status
  on public.operation_runs (workspace_id, place_id, status, created_at desc, id desc) where status <> 'completed';
-- What had a follow-up, open or not: the problem class.
create index operation_runs_follow_ups_by_workspace on public.operation_runs (workspace_id, completed_at desc, id desc)
  where status = 'completed' and outcome in ('blocked', 'failed', 'partially_succeeded');
create index operation_runs_follow_ups_by_place
  on public.operation_runs (workspace_id, place_id, completed_at desc, id desc)
  where status = 'completed' and outcome in ('blocked', 'failed', 'partially_succeeded');
create index operation_runs_silent_by_workspace on public.operation_runs (workspace_id, silence_check_at)
  where status <> 'completed';
create index operation_runs_silent_by_place
  on public.operation_runs (workspace_id, place_id, silence_check_at)
  where status <> 'completed';
-- The place is carried along for the policy, so that a count need not visit the rows.
create index operation_runs_by_outcome on public.operation_runs (workspace_id, outcome, completed_at desc, id desc)
  include (place_id) where status = 'completed';
create index operation_runs_by_place_and_outcome
  on public.operation_runs (workspace_id, place_id, outcome, completed_at desc, id desc)
  where status = 'completed';
create index operation_runs_by_type on public.operation_runs (workspace_id, type, created_at desc, id desc);
create index operation_runs_by_place_and_type
  on public.operation_runs (workspace_id, place_id, type, created_at desc, id desc);
create index operation_runs_by_initiator on public.operation_runs (workspace_id, initiator_name, created_at desc, id desc);
create index operation_runs_by_place_and_initiator
  on public.operation_runs (workspace_id, place_id, initiator_name, created_at desc, id desc);
-- The last success of a type in a place, to compare with.
create index operation_runs_succeeded_by_kind
  on public.operation_runs (workspace_id, place_id, type, completed_at desc, id desc)
  where outcome = 'succeeded';

-- Search: trigrams of search_text within a workspace. Both extensions are trusted, and come with every packaging of
-- Postgres that we know. Without them search still works, and reads the newest operations until it has a page.
do $$
declare
  trigrams text;
begin
  begin
    create extension if not exists pg_trgm schema public;
    create extension if not exists btree_gin schema public;
  exception when others then
    raise notice 'Search has no index, because pg_trgm or btree_gin cannot be created: %', sqlerrm;
    return;
  end;
  select n.nspname into trigrams from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  -- A short pending list: readers go through all of it.
  execute format('create index operation_runs_by_text on public.operation_runs
    using gin (workspace_id, search_text %I.gin_trgm_ops) with (fastupdate = on, gin_pending_list_limit = 64)', trigrams);
end;
$$;

-- What can be chosen in a filter: values that were ever reported in a place. Kept by a writer that listens to the feed
-- (reports/options-keeper.ts), never by the reports themselves.
create table watchfloor.facets (
  workspace_id bigint not null,
  place_id bigint not null,
  kind text not null,
  value text not null,
  constraint facets_pkey primary key (workspace_id, place_id, kind, value),
  constraint facets_kind check (kind in ('type', 'initiator'))
);

-- What a menu of a whole workspace reads, in order and no further than it shows.
create index facets_by_workspace on watchfloor.facets (workspace_id, kind, value) include (place_id);

create function watchfloor.add_facets(workspaces bigint[], places bigint[], kinds text[], vals text[]) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
begin atomic
  insert into watchfloor.facets (workspace_id, place_id, kind, value)
  select distinct workspace, place, kind, val from unnest(workspaces, places, kinds, vals) as told (workspace, place, kind, val)
  on conflict do nothing;
end;

-- Finds them all by walking the indexes from value to value (Postgres has no skip scan before 18): work follows the
-- number of values, never that of operations. Removes those that nothing has any more.
create function watchfloor.collect_facets() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  place record;
  last_value text;
begin
  for place in
    select id as workspace_id, 0::bigint as place_id from public.workspaces
    union all select workspace_id, id from public.managed_environments
  loop
    last_value := '';
    loop
      select r.type into last_value from public.operation_runs r
      where r.workspace_id = place.workspace_id and r.place_id = place.place_id and r.type > last_value
      order by r.type limit 1;
      exit when not found;
      insert into watchfloor.facets values (place.workspace_id, place.place_id, 'type', last_value) on conflict do nothing;
    end loop;
    last_value := '';
    loop
      select r.initiator_name into last_value from public.operation_runs r
      where r.workspace_id = place.workspace_id and r.place_id = place.place_id
        and r.initiator_name > last_value
      order by r.initiator_name limit 1;
      exit when not found;
      insert into watchfloor.facets values (place.workspace_id, place.place_id, 'initiator', last_value) on conflict do nothing;
    end loop;
  end loop;
  delete from watchfloor.facets f where f.kind = 'type' and not exists (
    select from public.operation_runs r where r.workspace_id = f.workspace_id
      and r.place_id = f.place_id and r.type = f.value);
  delete from watchfloor.facets f where f.kind = 'initiator' and not exists (
    select from public.operation_runs r where r.workspace_id = f.workspace_id
      and r.place_id = f.place_id and r.initiator_name = f.value);
end;
$$;

-- The same words as before, over the column that the indexes hold.
alter policy operation_runs_of_people on public.operation_runs
  using (workspace_id = (select watchfloor.entered_workspace())
    and (place_id = 0 or (select watchfloor.sees_all_environments())
      or place_id in (select watchfloor.entitled_environments())));
alter table watchfloor.facets enable row level security;
alter table watchfloor.successes enable row level security;
alter table public.audit_events enable row level security;
create policy facets_of_people on watchfloor.facets for select to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and (place_id = 0 or (select watchfloor.sees_all_environments())
      or place_id in (select watchfloor.entitled_environments())));
create policy successes_of_people on watchfloor.successes for select to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and (place_id = 0 or (select watchfloor.sees_all_environments())
      or place_id in (select watchfloor.entitled_environments())));
create policy successes_of_feed on watchfloor.successes for select to watchfloor_feed using (true);

revoke all on function watchfloor.normalise_search(text), watchfloor.keep_follow_up(), watchfloor.note_success(),
  watchfloor.sweep_follow_ups(), watchfloor.compact_successes(), watchfloor.settle_policy(), watchfloor.is_resolved(public.operation_runs),
  watchfloor.review_operation(bigint, bigint, bigint, boolean), watchfloor.open_diagnostics(bigint, bigint, bigint),
  watchfloor.add_facets(bigint[], bigint[], text[], text[]), watchfloor.collect_facets() from public;
grant select on watchfloor.facets, watchfloor.successes, watchfloor.visible_operations to watchfloor_people;
grant execute on function watchfloor.normalise_search(text),
  watchfloor.review_operation(bigint, bigint, bigint, boolean), watchfloor.open_diagnostics(bigint, bigint, bigint)
  to watchfloor_people;
grant select on watchfloor.successes to watchfloor_feed;
grant execute on function watchfloor.sweep_follow_ups(), watchfloor.compact_successes(), watchfloor.collect_facets(),
  watchfloor.add_facets(bigint[], bigint[], text[], text[]) to watchfloor_feed;
grant select (silence_check_at, resolved_at, resolved_by, reviewed_at, reviewer_name, search_text, place_id,
  has_open_follow_up) on public.operation_runs to watchfloor_feed;
-- A report may carry follow-up columns (somebody writes a whole row back): they are dropped, not refused.
grant insert (resolved_at, resolved_by, reviewed_at, reviewed_by, reviewer_name, silence_check_at, search_text,
  place_id, has_open_follow_up) on public.operation_runs to watchfloor_writer;
-- The raw context is read by open_diagnostics alone, which records it.
revoke select on public.operation_runs from watchfloor_people;
do $$
begin
  execute format('grant select (%s) on public.operation_runs to watchfloor_people', (
    select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
    where attrelid = 'public.operation_runs'::regclass and attnum > 0 and not attisdropped
      and attname not in ('context', 'reviewed_by')));
end;
$$;

-- Without statistics the sweep of a long history takes minutes instead of seconds.
analyze public.operation_runs;
analyze watchfloor.successes;
do $$ begin while watchfloor.sweep_follow_ups() > 0 loop end loop; end $$;
select watchfloor.compact_successes();
select watchfloor.collect_facets();
