-- Follow-ups: what needs a person after an operation ended, and what closes it (PRODUCT 2, ENGINE 3).
-- A candidate is the completed operation itself (blocked, failed, partially succeeded). It is open while no later success
-- of its type in its place resolved it and nobody reviewed it. Writers only append: a fact per success. Nothing of theirs
-- ever touches another operation. The sweep writes resolutions down in statements of its own, and locks nobody out.

alter table public.operation_runs
  -- Written by the sweep: the later success that resolved its follow-up. Kept when that operation is removed.
  add column resolved_at timestamptz(3),
  add column resolved_by bigint,
  -- Written by review_operation: who marked its follow-up reviewed (the name as it was then).
  add column reviewed_at timestamptz(3),
  add column reviewed_by bigint,
  add column reviewer_name text,
  -- Not before this can it be stale: never after stale_at, and moved only once it has passed, so that the index on it does
  -- not cost progress reports their heap-only updates.
  add column silence_check_at timestamptz(3),
  -- What search looks in: label, type, initiator, id, external id and first failure, normalised and bounded.
  add column search_text text not null default '',
  -- Its environment, or 0 for the workspace itself: one key for both. A column and not an expression, because coalesce
  -- counts as leaky, and under row-level security no index on it would serve. Written by the trigger alone.
  add column place_id bigint not null default 0,
  -- Its follow-up is open as far as is written down: a column, so that the planner knows how few they are.
  add column has_open_follow_up boolean not null default false;

-- Rows are longer now: without more room on each page, one in eighteen progress reports was not heap-only (measured).
alter table public.operation_runs set (fillfactor = 70);

-- Which success is the newest of a type in a place (0 = the workspace itself); older ones are swept away.
create table watchfloor.successes (
  workspace_id bigint not null,
  place_id bigint not null,
  type text not null,
  completed_at timestamptz(3) not null,
  operation_id bigint not null,
  constraint successes_pkey primary key (workspace_id, place_id, type, completed_at, operation_id)
);

-- Who did what with an operation here: reviews and opened diagnostics. Append only.
create table public.audit_events (
  id bigint generated always as identity,
  workspace_id bigint not null,
  operation_id bigint not null,
  user_id bigint not null,
  kind text not null,
  at timestamptz(3) not null default clock_timestamp(),
  constraint audit_events_pkey primary key (id),
  constraint audit_events_kind check (kind in ('reviewed', 'review_undone', 'diagnostics_opened'))
);
create index audit_events_by_operation on public.audit_events (operation_id, at);

-- Case and width folded as the database folds them. The same function normalises what a person types, so that a list and
-- the deltas to it compare the same letters. Called within watchfloor.touch_operation, which has fixed the search path.
create function watchfloor.normalise_search(value text) returns text
language plpgsql immutable parallel safe
as $$
begin
  value := left(value, 600);
  -- Only UTF8 has normal forms; a report in another encoding is taken as it is.
  if value ~ '[^ -~]' and getdatabaseencoding() = 'UTF8' then
    value := normalize(value, NFKC);
  end if;
  if value ~ '\s\s|[\t\n\r]' then
    value := regexp_replace(value, '\s+', ' ', 'g');
  end if;
  return left(lower(value), 500);
end;
$$;

-- Who is not the owner cannot write a follow-up: whatever an UPDATE says of these columns is dropped, without an error.
create function watchfloor.keep_follow_up() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.resolved_at := old.resolved_at;
  new.resolved_by := old.resolved_by;
  new.reviewed_at := old.reviewed_at;
  new.reviewed_by := old.reviewed_by;
  new.reviewer_name := old.reviewer_name;
  return new;
end;
$$;
create trigger operation_runs_050_keep_follow_up before update on public.operation_runs for each row
  when ((new.resolved_at, new.resolved_by, new.reviewed_at, new.reviewed_by, new.reviewer_name)
      is distinct from (old.resolved_at, old.resolved_by, old.reviewed_at, old.reviewed_by, old.reviewer_name)
    and current_user <> 'watchfloor_owner')
  execute function watchfloor.keep_follow_up();
alter table public.operation_runs enable always trigger operation_runs_050_keep_follow_up;

-- Every report passes here first: it moves an operation only forward, forces the revision, the database's clock and the
-- list columns. It reads and writes no other operation, so it can neither block nor deadlock another writer.
-- SECURITY DEFINER, so that any role that may report needs no other right.
create or replace function watchfloor.touch_operation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_at constant timestamptz(3) := clock_timestamp();
  -- Only the owner may bring history with its own times (seeding, restoring): a writer's clock is never believed.
  is_owner constant boolean :=
    pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user::text), 'watchfloor_owner', 'member');
  importing constant boolean := is_owner and coalesce(current_setting('watchfloor.import', true), '') = 'on';
  reason text;
  limit_seconds integer;
  type_label text;
  follow_up public.operation_runs;
begin
  -- Only the functions of this file get here with another follow-up (the guard above): nothing was reported then.
  if tg_op = 'UPDATE' and old.status = 'completed'
    and (new.resolved_at, new.resolved_by, new.reviewed_at, new.reviewed_by, new.reviewer_name)
      is distinct from (old.resolved_at, old.resolved_by, old.reviewed_at, old.reviewed_by, old.reviewer_name) then
    follow_up := new;
    new := old;
    new.resolved_at := follow_up.resolved_at;
    new.resolved_by := follow_up.resolved_by;
    new.reviewed_at := follow_up.reviewed_at;
    new.reviewed_by := follow_up.reviewed_by;
    new.reviewer_name := follow_up.reviewer_name;
    new.has_open_follow_up := new.outcome in ('blocked', 'failed', 'partially_succeeded')
      and new.resolved_at is null and new.reviewed_at is null;
    -- One step for what readers may count already (a resolution), two for a review: no revision stands for two truths.
    new.revision := old.revision + case when (new.reviewed_at, new.reviewed_by) is distinct from (old.reviewed_at, old.reviewed_by)
      then 2 else 1 end;
    return new;
  end if;

  new.status := coalesce(new.status, case when tg_op = 'UPDATE' then old.status else 'queued' end);
  new.outcome := coalesce(new.outcome, case when tg_op = 'UPDATE' then old.outcome else 'pending' end);

  if new.status not in ('queued', 'running', 'completed') then
    reason := format('status "%s" is unknown; use queued, running or completed', left(new.status, 60));
  elsif new.outcome not in ('pending', 'succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled') then
    reason := format('outcome "%s" is unknown', left(new.outcome, 60));
  elsif new.status = 'completed' and new.outcome = 'pending' then
    reason := 'a completed operation needs an outcome';
  elsif new.status <> 'completed' and new.outcome <> 'pending' then
    reason := 'an outcome needs status completed';
  elsif new.type is null or btrim(new.type) = '' then
    reason := 'an operation needs a type';
  elsif new.workspace_id is null then
    reason := 'an operation needs a workspace_id';
  elsif new.id not between 1 and 9007199254740991 then
    reason := 'an operation takes its id from the database';
  elsif tg_op = 'UPDATE' then
    if new.workspace_id <> old.workspace_id then
      reason := 'an operation never changes its workspace';
    elsif array_position('{queued,running,completed}'::text[], new.status)
      < array_position('{queued,running,completed}'::text[], old.status) then
      reason := format('an operation never goes back from %s to %s', old.status, new.status);
    elsif old.status = 'completed' and new.outcome <> old.outcome and old.reconciled_at is null then
      reason := format('the outcome %s is final', old.outcome);
    end if;
  end if;
  if reason is not null then
    perform watchfloor.reject_report(new.workspace_id, case when tg_op = 'UPDATE' then old.id end, reason,
      to_jsonb(new) - 'context');
    return null;
  end if;

  if tg_op = 'INSERT' then
    new.revision := 1;
    if importing then
      -- Also history must be a time that every reader can hold.
      new.created_at := greatest('2000-01-01', least(new.created_at, now_at));
    else
      new.created_at := now_at;
    end if;
    if not is_owner then
      new.reconciled_at := null;
      new.reconciliation_reason := null;
    end if;
    if not importing then
      new.resolved_at := null; new.resolved_by := null;
      new.reviewed_at := null; new.reviewed_by := null; new.reviewer_name := null;
    end if;
  else
    -- `set id = default` would hand out another one.
    new.id := old.id;
    -- Two steps for what was completed: readers add one while a success has resolved it and the sweep has not written
    -- that down, and no report may give a revision that such a reader has seen.
    new.revision := old.revision + case when old.status = 'completed' then 2 else 1 end;
    new.created_at := old.created_at;
    -- Only reconciliation (the owner's) may say that it ended an operation: the mark makes an outcome replaceable.
    if not is_owner then
      new.reconciled_at := old.reconciled_at;
      new.reconciliation_reason := old.reconciliation_reason;
    end if;
    -- Its own late report replaces a reconciliation.
    if old.reconciled_at is not null and new.reconciled_at is not distinct from old.reconciled_at
      and (new.outcome <> old.outcome or new.completed_at is distinct from old.completed_at
        or new.failure_summary is distinct from old.failure_summary) then
      new.reconciled_at := null;
      new.reconciliation_reason := null;
    end if;
  end if;
  if not importing then
    new.last_reported_at := now_at;
  end if;

  -- Times: nothing in the future (or 'infinity'), no end before its start. What had to be moved is marked.
  new.clock_adjusted := tg_op = 'UPDATE' and old.clock_adjusted;
  if new.status <> 'queued' and new.started_at is null and new.status = 'running' then
    new.started_at := new.last_reported_at;
  end if;
  if new.status = 'completed' then
    new.completed_at := coalesce(new.completed_at, new.last_reported_at);
  else
    new.completed_at := null;
  end if;
  if new.started_at > now_at or new.started_at < '2000-01-01' then
    new.started_at := new.last_reported_at;
    new.clock_adjusted := true;
  end if;
  if new.completed_at > now_at or new.completed_at < new.started_at or new.completed_at < '2000-01-01' then
    new.completed_at := greatest(new.last_reported_at, new.started_at);
    new.clock_adjusted := true;
  end if;
  if new.reconciled_at > now_at or new.reconciled_at < '2000-01-01' then
    new.reconciled_at := new.last_reported_at;
    new.clock_adjusted := true;
  end if;
  if new.status = 'completed' then
    new.stale_at := null;
    new.silence_check_at := null;
  else
    select case new.status when 'queued' then queued_limit_seconds else running_limit_seconds end
    into limit_seconds from public.operation_types where code = new.type;
    new.stale_at := new.last_reported_at
      + make_interval(secs => coalesce(limit_seconds, case new.status when 'queued' then 900 else 1800 end));
    -- Indexed, so it moves only when it has passed: the reports between stay heap-only. Never after stale_at.
    if tg_op = 'INSERT' or new.status <> old.status or old.silence_check_at is null
      or old.silence_check_at <= now_at or new.stale_at < old.silence_check_at then
      new.silence_check_at := new.stale_at;
    else
      new.silence_check_at := old.silence_check_at;
    end if;
  end if;

  -- Text and JSON: cut and cleaned only where they changed, since a progress report changes none of them.
  if tg_op = 'INSERT' or new.type <> old.type then
    new.type := coalesce(watchfloor.clean_text(new.type, 120), 'unknown');
  end if;
  if tg_op = 'INSERT' or new.initiator_name is distinct from old.initiator_name then
    new.initiator_name := coalesce(watchfloor.clean_text(new.initiator_name, 120), 'System');
  end if;
  if new.progress_processed < 0 then new.progress_processed := null; end if;
  if new.progress_total < 0 then new.progress_total := null; end if;
  -- Not least(): it ignores null, and would turn "no count" into 2^53 - 1.
  if new.progress_processed > 9007199254740991 then new.progress_processed := 9007199254740991; end if;
  if new.progress_total > 9007199254740991 then new.progress_total := 9007199254740991; end if;
  -- What no JavaScript number can hold names no operation, and must not reach a page.
  if new.retry_of not between 1 and 9007199254740991 then new.retry_of := null; end if;
  if new.progress_phase is not null and (tg_op = 'INSERT' or new.progress_phase is distinct from old.progress_phase) then
    new.progress_phase := watchfloor.clean_text(new.progress_phase, 120);
  end if;
  if tg_op = 'INSERT' or (new.source, new.external_id, new.run_identity_hash)
    is distinct from (old.source, old.external_id, old.run_identity_hash) then
    new.source := watchfloor.clean_text(new.source, 120);
    new.external_id := watchfloor.clean_text(new.external_id, 200);
    -- '' is what many languages write for "none"; as an identity all of them would collide.
    new.run_identity_hash := nullif(new.run_identity_hash, '');
    if char_length(new.run_identity_hash) > 200 then
      -- Cut alone, two different identities would become one, and refuse each other's operations.
      new.run_identity_hash := left(new.run_identity_hash, 135) || ':'
        || encode(sha256(convert_to(new.run_identity_hash, 'UTF8')), 'hex');
    end if;
  end if;
  if new.cancelled_by is not null then
    new.cancelled_by := watchfloor.clean_text(new.cancelled_by, 120);
  end if;
  if new.reconciliation_reason is not null then
    new.reconciliation_reason := watchfloor.clean_text(new.reconciliation_reason, 300);
  end if;
  if tg_op = 'INSERT' or new.summary_counts is distinct from old.summary_counts then
    if new.summary_counts is null or jsonb_typeof(new.summary_counts) <> 'object'
      or octet_length(new.summary_counts::text) > 8192 then
      new.summary_counts := '{}';
    end if;
    if new.summary_counts = '{}' then
      new.count_total := null; new.count_processed := null; new.count_succeeded := null; new.count_failed := null;
      new.count_skipped := null; new.count_created := null; new.count_updated := null; new.count_deleted := null;
    else
      new.count_total := watchfloor.clean_count(new.summary_counts -> 'total');
      new.count_processed := watchfloor.clean_count(new.summary_counts -> 'processed');
      new.count_succeeded := watchfloor.clean_count(new.summary_counts -> 'succeeded');
      new.count_failed := watchfloor.clean_count(new.summary_counts -> 'failed');
      new.count_skipped := watchfloor.clean_count(new.summary_counts -> 'skipped');
      new.count_created := watchfloor.clean_count(new.summary_counts -> 'created');
      new.count_updated := watchfloor.clean_count(new.summary_counts -> 'updated');
      new.count_deleted := watchfloor.clean_count(new.summary_counts -> 'deleted');
    end if;
  else
    -- The list columns follow the JSON and nothing else, whatever an UPDATE says of them.
    new.count_total := old.count_total; new.count_processed := old.count_processed;
    new.count_succeeded := old.count_succeeded; new.count_failed := old.count_failed;
    new.count_skipped := old.count_skipped; new.count_created := old.count_created;
    new.count_updated := old.count_updated; new.count_deleted := old.count_deleted;
  end if;
  if tg_op = 'INSERT' or new.failure_summary is distinct from old.failure_summary then
    if new.failure_summary is null or new.failure_summary = '[]' then
      new.failure_summary := '[]';
      new.failure_code := null;
      new.failure_message := null;
    else
      new.failure_summary := watchfloor.clean_failures(new.failure_summary);
      new.failure_code := new.failure_summary -> 0 ->> 'code';
      new.failure_message := watchfloor.clean_text(new.failure_summary -> 0 ->> 'message', 300);
    end if;
  else
    new.failure_code := old.failure_code;
    new.failure_message := old.failure_message;
  end if;
  if tg_op = 'INSERT' or (new.type, new.initiator_name, new.external_id, new.failure_code, new.failure_message)
    is distinct from (old.type, old.initiator_name, old.external_id, old.failure_code, old.failure_message) then
    select label into type_label from public.operation_types where code = new.type;
    new.search_text := watchfloor.normalise_search(concat_ws(' ', type_label, new.type, translate(new.type, '._-', '   '),
      new.initiator_name, new.id, new.external_id, new.failure_code, new.failure_message));
  else
    new.search_text := old.search_text;
  end if;
  -- Another end is another follow-up: what closed the former one says nothing of it.
  if tg_op = 'UPDATE' and old.status = 'completed' and (new.outcome, new.completed_at, new.type)
    is distinct from (old.outcome, old.completed_at, old.type) then
    new.resolved_at := null; new.resolved_by := null;
    new.reviewed_at := null; new.reviewed_by := null; new.reviewer_name := null;
  end if;
  -- What resolved it stands in the place that it left, and is not for everybody in the new one to know of.
  if tg_op = 'UPDATE' and new.managed_environment_id is distinct from old.managed_environment_id then
    new.resolved_at := null; new.resolved_by := null;
  end if;
  new.has_open_follow_up := new.status = 'completed' and new.outcome in ('blocked', 'failed', 'partially_succeeded')
    and new.resolved_at is null and new.reviewed_at is null;
  new.place_id := coalesce(new.managed_environment_id, 0);
  if tg_op = 'INSERT' or new.context is distinct from old.context then
    new.context := coalesce(new.context, '{}');
    if octet_length(new.context::text) > 65536 then
      new.context := jsonb_build_object('cut', true, 'bytes', octet_length(new.context::text));
    end if;
  end if;
  return new;
end;
$$;

create function watchfloor.note_success() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A success that was moved or whose end was corrected is a fact elsewhere, and none where it was.
  if tg_op = 'UPDATE' and old.outcome = 'succeeded' then
    delete from watchfloor.successes
    where (workspace_id, place_id, type, completed_at, operation_id)
      = (old.workspace_id, old.place_id, old.type, old.completed_at, old.id);
  end if;
  insert into watchfloor.successes (workspace_id, place_id, type, completed_at, operation_id)
  values (new.workspace_id, new.place_id, new.type, new.completed_at, new.id)
  on conflict do nothing;
  return null;
end;
$$;
-- By row and with WHEN, so that the common reports (progress) do not even call it.
create trigger operation_runs_800_note_success after insert on public.operation_runs for each row
  when (new.outcome = 'succeeded') execute function watchfloor.note_success();
create trigger operation_runs_810_note_success after update on public.operation_runs for each row
  when (new.outcome = 'succeeded' and (old.outcome, old.completed_at, old.place_id, old.type)
    is distinct from (new.outcome, new.completed_at, new.place_id, new.type))
  execute function watchfloor.note_success();
alter table public.operation_runs enable always trigger operation_runs_800_note_success;
alter table public.operation_runs enable always trigger operation_runs_810_note_success;

-- A tombstone must be above every revision that was shown: also above that of a resolution not yet written down.
create or replace function watchfloor.log_deleted_operations() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into watchfloor.changes (kind, workspace_id, environment_id, id, revision)
  select 'd', workspace_id, managed_environment_id, id, revision + 2 from deleted;
  if found then perform watchfloor.wake(); end if;
  return null;
end;
$$;

create index operation_runs_open_by_workspace
  on public.operation_runs (workspace_id, completed_at desc, id desc)
  where has_open_follow_up;
create index operation_runs_open_by_place
  on public.operation_runs (workspace_id, place_id, completed_at desc, id desc)
  where has_open_follow_up;
create index operation_runs_open_by_outcome
  on public.operation_runs (workspace_id, outcome, completed_at desc, id desc)
  where has_open_follow_up;
create index operation_runs_open_by_place_and_outcome
  on public.operation_runs (workspace_id, place_id, outcome, completed_at desc, id desc)
  where has_open_follow_up;

-- Writes down what later successes resolved. One short statement that skips what is locked: it waits for nobody. Readers
-- do not depend on it (they compare with the facts themselves), so it may be late. Returns how many follow-ups it closed;
-- 1,000 at most, so that writing many down does not look like a flood to who is live.
create function watchfloor.sweep_follow_ups() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  swept bigint;
begin
  with resolved as (
    select c.id, s.operation_id, s.completed_at
    from public.operation_runs c
    join public.operation_types t on t.code = c.type and t.follow_up_policy in ('repeatable', 'artifact')
    cross join lateral (
      select f.operation_id, f.completed_at from watchfloor.successes f
      where f.workspace_id = c.workspace_id and f.place_id = c.place_id and f.type = c.type
        and (f.completed_at, f.operation_id) > (c.completed_at, c.id)
      order by f.completed_at, f.operation_id limit 1
    ) s
    where c.has_open_follow_up
    limit 1000
    for no key update of c skip locked
  )
  update public.operation_runs r set resolved_at = resolved.completed_at, resolved_by = resolved.operation_id
  from resolved where r.id = resolved.id;
  get diagnostics swept = row_count;
  return swept;
end;
$$;

-- Removes facts that no open follow-up needs: of each kind the newest stays, and what is later than the oldest open one that
-- a success can resolve. A transaction of its own: it touches no operation, so no report ever waits for it.
create function watchfloor.compact_successes() returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  removed bigint;
begin
  with open as materialized (
    select distinct on (c.workspace_id, c.place_id, c.type) c.workspace_id, c.place_id, c.type, c.completed_at, c.id
    from public.operation_runs c
    join public.operation_types t on t.code = c.type and t.follow_up_policy in ('repeatable', 'artifact')
    where c.has_open_follow_up
    order by c.workspace_id, c.place_id, c.type, c.completed_at, c.id
  ), newest as materialized (
    select distinct on (workspace_id, place_id, type) workspace_id, place_id, type, completed_at, operation_id
    from watchfloor.successes
    order by workspace_id, place_id, type, completed_at desc, operation_id desc
  )
  delete from watchfloor.successes old
  using newest n left join open o using (workspace_id, place_id, type)
  where (old.workspace_id, old.place_id, old.type) = (n.workspace_id, n.place_id, n.type)
    and (old.completed_at, old.operation_id) < (n.completed_at, n.operation_id)
    and (o.id is null or (old.completed_at, old.operation_id) <= (o.completed_at, o.id));
  get diagnostics removed = row_count;
  return removed;
end;
$$;

-- What the former policy of a type resolved stays resolved: it is written down before the policy changes.
create function watchfloor.settle_policy() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  while watchfloor.sweep_follow_ups() > 0 loop end loop;
  return case when tg_op = 'DELETE' then old else new end;
end;
$$;
create trigger operation_types_100_settle before update on public.operation_types for each row
  when (old.follow_up_policy <> new.follow_up_policy) execute function watchfloor.settle_policy();
create trigger operation_types_110_settle before delete on public.operation_types for each row
  execute function watchfloor.settle_policy();

-- Marks an operation's follow-up reviewed, or takes that back. Called as ONE statement in a transaction of its own, so
-- that no lock outlives it, whatever becomes of the caller. The capability is asked before; scope is asked here.
create function watchfloor.review_operation(person bigint, workspace bigint, operation bigint, is_reviewed boolean)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_row public.operation_runs;
  reviewer text;
begin
  perform set_config('watchfloor.user_id', person::text, true), set_config('watchfloor.workspace_id', workspace::text, true);
  if not exists (select from watchfloor.visible_operations v where v.id = operation) then
    return 'absent';
  end if;
  select * into found_row from public.operation_runs where id = operation for no key update skip locked;
  if not found then
    return case when exists (select from public.operation_runs where id = operation) then 'busy' else 'absent' end;
  end if;
  if found_row.status <> 'completed' or found_row.outcome not in ('blocked', 'failed', 'partially_succeeded') then
    return 'no follow-up';
  end if;
  if is_reviewed = (found_row.reviewed_at is not null) then
    return 'already';
  end if;
  if is_reviewed and watchfloor.is_resolved(found_row) then
    return 'already';
  end if;
  select name into reviewer from public.users where id = person;
  update public.operation_runs set
    reviewed_at = case when is_reviewed then clock_timestamp() end,
    reviewed_by = case when is_reviewed then person end,
    reviewer_name = case when is_reviewed then reviewer end
  where id = operation;
  insert into public.audit_events (workspace_id, operation_id, user_id, kind)
  values (workspace, operation, person, case when is_reviewed then 'reviewed' else 'review_undone' end);
  return 'done';
end;
$$;

-- The raw context of an operation, with a record of who opened it; null where it is not this person's to see.
create function watchfloor.open_diagnostics(person bigint, workspace bigint, operation bigint) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_context jsonb;
begin
  perform set_config('watchfloor.user_id', person::text, true), set_config('watchfloor.workspace_id', workspace::text, true);
  if not exists (select from watchfloor.visible_operations v where v.id = operation) then
    return null;
  end if;
  insert into public.audit_events (workspace_id, operation_id, user_id, kind)
  values (workspace, operation, person, 'diagnostics_opened');
  select context into found_context from public.operation_runs where id = operation;
  return found_context;
end;
$$;

-- Has a later success of its kind resolved it, written down or not?
create function watchfloor.is_resolved(candidate public.operation_runs) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select candidate.resolved_at is not null or exists (
    select from watchfloor.successes f
    join public.operation_types t on t.code = f.type and t.follow_up_policy in ('repeatable', 'artifact')
    where f.workspace_id = candidate.workspace_id and f.place_id = candidate.place_id
      and f.type = candidate.type and (f.completed_at, f.operation_id) > (candidate.completed_at, candidate.id)
  );
end;

-- What a person may see, as a view: the words of the policy operation_runs_of_people, without its barrier. Search needs
-- it: LIKE is not marked leakproof, so under row-level security no index could serve it. A view without a barrier leaks
-- only to who can bring functions of their own, and this role can make none (docs/decisions/0006).
create view watchfloor.visible_operations as
  select id, workspace_id, managed_environment_id, type, status, outcome, initiator_name, progress_processed, progress_total,
    progress_phase, source, external_id, cancelled_by, reconciled_at, reconciliation_reason, retry_of, started_at,
    completed_at, created_at, last_reported_at, stale_at, silence_check_at, revision, count_total, count_processed,
    count_succeeded, count_failed, count_skipped, count_created, count_updated, count_deleted, failure_code,
    failure_message, resolved_at, resolved_by, reviewed_at, reviewer_name, search_text, place_id, has_open_follow_up
  from public.operation_runs
  where workspace_id = (select watchfloor.entered_workspace())
    and (place_id = 0 or (select watchfloor.sees_all_environments())
      or place_id in (select watchfloor.entitled_environments()));
