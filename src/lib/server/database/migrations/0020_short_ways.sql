-- What the beginning and the end of an operation cost: most reports begin one with little more than a type, set it running
-- or end it, and paid for everything that a report may bring besides. Like progress (0015), they take short ways now; what
-- is not as it mostly is goes the long way, in a trigger right behind (decision 0024).

-- A new operation as most are: queued or running, of a place that is there, with nothing that has to be judged or cut.
-- No other trigger comes before it, so what it leaves in `revision` is its own word: null = go the long way.
create function watchfloor.touch_new() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_at constant timestamptz(3) := clock_timestamp();
  known record;
  words text;
begin
  new.revision := null;
  if (num_nonnulls(new.user_id, new.run_identity_hash, new.source, new.external_id, new.cancelled_by, new.retry_of, new.started_at,
        new.completed_at, new.reconciled_at, new.reconciliation_reason, new.progress_processed, new.progress_total,
        new.progress_phase, new.count_total, new.count_processed, new.count_succeeded, new.count_failed, new.count_skipped,
        new.count_created, new.count_updated, new.count_deleted, new.failure_code, new.failure_message, new.resolved_at,
        new.resolved_by, new.reviewed_at, new.reviewed_by, new.reviewer_name) = 0
      and new.outcome = 'pending' and new.status in ('queued', 'running')
      and new.type ~ '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,119}$' and new.initiator_name ~ '^[!-~]([ -~]{0,118}[!-~])?$'
      and new.summary_counts = '{}' and new.failure_summary = '[]' and new.context = '{}'
      and not new.clock_adjusted and not new.has_open_follow_up and new.id between 1 and 9007199254740991
      and current_setting('watchfloor.import', true) is distinct from 'on') is not true then
    return new;
  end if;
  -- Locked as the foreign key locks, so that nobody removes it between the two; and the catalogue with the same look.
  if new.managed_environment_id is null then
    select t.label, t.queued_limit_seconds as queued, t.running_limit_seconds as running into known
    from public.workspaces w left join public.operation_types t on t.code = new.type
    where w.id = new.workspace_id for key share of w;
  else
    select t.label, t.queued_limit_seconds as queued, t.running_limit_seconds as running into known
    from public.managed_environments e left join public.operation_types t on t.code = new.type
    where e.workspace_id = new.workspace_id and e.id = new.managed_environment_id for key share of e;
  end if;
  if not found then
    return new;
  end if;
  new.revision := 1;
  new.created_at := now_at;
  new.last_reported_at := now_at;
  if new.status = 'running' then
    new.started_at := now_at;
    new.stale_at := now_at + make_interval(secs => coalesce(known.running, 1800));
  else
    new.stale_at := now_at + make_interval(secs => coalesce(known.queued, 900));
  end if;
  new.silence_check_at := new.stale_at;
  new.place_id := coalesce(new.managed_environment_id, 0);
  words := concat_ws(' ', known.label, new.type, translate(new.type, '._-', '   '), new.initiator_name, new.id);
  if words ~ '[^ -~]|  ' then
    new.search_text := watchfloor.normalise_search(words);
  else
    new.search_text := lower(left(words, 500));
  end if;
  return new;
end;
$$;

-- An operation that goes on or ends, with sane times: what the statement names besides, the long way has judged before.
create function watchfloor.touch_step() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_at constant timestamptz(3) := clock_timestamp();
begin
  if (new.revision = old.revision and old.status <> 'completed'
      and (new.status = 'completed' and new.outcome in ('succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled')
        or new.outcome = 'pending' and (new.status = 'running' or new.status = old.status))
      and (new.started_at is null or new.started_at between '2000-01-01' and now_at)
      and (new.completed_at is null or new.completed_at between coalesce(new.started_at, '2000-01-01') and now_at)
      and current_setting('watchfloor.import', true) is distinct from 'on') is not true then
    return new;
  end if;
  new.revision := old.revision + 1;
  new.last_reported_at := now_at;
  if new.status = 'completed' then
    new.completed_at := coalesce(new.completed_at, now_at);
    new.stale_at := null;
    new.silence_check_at := null;
    new.has_open_follow_up := new.outcome in ('blocked', 'failed', 'partially_succeeded');
  else
    new.completed_at := null;
    if new.status = 'running' and new.started_at is null then
      new.started_at := now_at;
    end if;
    new.stale_at := now_at + watchfloor.silence_limit(new.type, new.status);
    -- Indexed: it moves only when it has passed, and is never after stale_at.
    if new.status <> old.status or old.silence_check_at is null or old.silence_check_at <= now_at
      or new.stale_at < old.silence_check_at then
      new.silence_check_at := new.stale_at;
    end if;
  end if;
  if num_nonnulls(new.progress_processed, new.progress_total, new.progress_phase) > 0 then
    if new.progress_processed < 0 or new.progress_total < 0
      or new.progress_processed > 9007199254740991 or new.progress_total > 9007199254740991 then
      new.progress_processed := case when new.progress_processed between 0 and 9007199254740991 then new.progress_processed
        when new.progress_processed > 9007199254740991 then 9007199254740991 end;
      new.progress_total := case when new.progress_total between 0 and 9007199254740991 then new.progress_total
        when new.progress_total > 9007199254740991 then 9007199254740991 end;
    end if;
    if new.progress_phase is distinct from old.progress_phase then
      new.progress_phase := watchfloor.clean_text(new.progress_phase, 120);
    end if;
  end if;
  return new;
end;
$$;

-- Asks by itself whether the long way was gone: a condition of the trigger is parsed with every statement.
create or replace function watchfloor.touch_progress() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_at constant timestamptz(3) := clock_timestamp();
  step bigint := 1;
begin
  if new.revision <> old.revision then
    return new;
  end if;
  if old.status = 'completed' then
    step := 2;
  end if;
  new.revision := old.revision + step;
  -- Of history that the owner brings, the times are its own.
  if current_setting('watchfloor.import', true) = 'on' and watchfloor.reports_as_owner() then
    null;
  else
    new.last_reported_at := now_at;
    if step = 1 then
      if date_trunc('minute', now_at) <> date_trunc('minute', old.last_reported_at) or old.stale_at is null then
        new.stale_at := now_at + watchfloor.silence_limit(new.type, new.status);
      else
        new.stale_at := now_at + (old.stale_at - old.last_reported_at);
      end if;
      -- Indexed: it moves only when it has passed, and is never after stale_at.
      if old.silence_check_at is null or old.silence_check_at <= now_at or new.stale_at < old.silence_check_at then
        new.silence_check_at := new.stale_at;
      end if;
    end if;
  end if;
  if new.progress_processed < 0 or new.progress_total < 0
    or new.progress_processed > 9007199254740991 or new.progress_total > 9007199254740991 then
    new.progress_processed := case when new.progress_processed between 0 and 9007199254740991 then new.progress_processed
      when new.progress_processed > 9007199254740991 then 9007199254740991 end;
    new.progress_total := case when new.progress_total between 0 and 9007199254740991 then new.progress_total
      when new.progress_total > 9007199254740991 then 9007199254740991 end;
  end if;
  if new.progress_phase is distinct from old.progress_phase then
    new.progress_phase := watchfloor.clean_text(new.progress_phase, 120);
  end if;
  return new;
end;
$$;

-- Who it is, is asked of the caller: both functions below run with the rights of whoever writes.
create or replace function watchfloor.mark_reconciled() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not (new.status = 'completed' and old.status <> 'completed' and current_user = 'watchfloor_owner') then
    return new;
  end if;
  new.reconciled_at := new.completed_at;
  new.reconciliation_reason := format('Silent for %s, four times the limit of its type (%s) or more',
    watchfloor.to_duration(new.completed_at - old.last_reported_at),
    watchfloor.to_duration(old.stale_at - old.last_reported_at));
  -- Nobody reported.
  new.last_reported_at := old.last_reported_at;
  return new;
end;
$$;

-- A success that is moved or whose end is corrected is one more fact, and what it resolved where it stood stays resolved, as
-- when it is removed: the fact stays. Taken away before the sweep had written the resolution down, it took readers a step
-- back, to a revision that they had left, and nobody told them (found by the oracle's soak; decision 0006).
create or replace function watchfloor.note_success() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and old.outcome = 'succeeded'
    and (old.completed_at, old.place_id, old.type) is not distinct from (new.completed_at, new.place_id, new.type) then
    return null;
  end if;
  insert into watchfloor.successes (workspace_id, place_id, type, completed_at, operation_id)
  values (new.workspace_id, new.place_id, new.type, new.completed_at, new.id)
  on conflict do nothing;
  return null;
end;
$$;

drop trigger operation_runs_100_touch on public.operation_runs;
drop trigger operation_runs_105_touch_progress on public.operation_runs;
drop trigger operation_runs_110_reconcile on public.operation_runs;
drop trigger operation_runs_810_note_success on public.operation_runs;
create trigger operation_runs_090_touch_new before insert on public.operation_runs
  for each row execute function watchfloor.touch_new();
create trigger operation_runs_095_touch before insert on public.operation_runs
  for each row when (new.revision is null) execute function watchfloor.touch_operation();
create trigger operation_runs_100_touch
  before update of id, workspace_id, managed_environment_id, user_id, initiator_name, type, run_identity_hash, summary_counts,
    failure_summary, context, source, external_id, cancelled_by, reconciled_at, reconciliation_reason, retry_of, created_at,
    last_reported_at, stale_at, revision, clock_adjusted, count_total, count_processed, count_succeeded, count_failed,
    count_skipped, count_created, count_updated, count_deleted, failure_code, failure_message, resolved_at, resolved_by,
    reviewed_at, reviewed_by, reviewer_name, silence_check_at, search_text, place_id, has_open_follow_up
  on public.operation_runs for each row execute function watchfloor.touch_operation();
create trigger operation_runs_102_touch_step before update of status, outcome, started_at, completed_at
  on public.operation_runs for each row execute function watchfloor.touch_step();
create trigger operation_runs_103_touch before update of status, outcome, started_at, completed_at
  on public.operation_runs for each row when (new.revision = old.revision) execute function watchfloor.touch_operation();
create trigger operation_runs_105_touch_progress before update of progress_processed, progress_total, progress_phase
  on public.operation_runs for each row execute function watchfloor.touch_progress();
create trigger operation_runs_110_reconcile before update of status on public.operation_runs for each row
  when (current_setting('watchfloor.reconciling', true) = 'on') execute function watchfloor.mark_reconciled();
create trigger operation_runs_810_note_success
  after update of id, workspace_id, managed_environment_id, user_id, initiator_name, type, status, outcome,
    run_identity_hash, summary_counts, failure_summary, context, source, external_id, cancelled_by, reconciled_at,
    reconciliation_reason, retry_of, started_at, completed_at, created_at, last_reported_at, stale_at, revision, clock_adjusted,
    count_total, count_processed, count_succeeded, count_failed, count_skipped, count_created, count_updated, count_deleted,
    failure_code, failure_message, resolved_at, resolved_by, reviewed_at, reviewed_by, reviewer_name, silence_check_at,
    search_text, place_id, has_open_follow_up
  on public.operation_runs for each row when (new.outcome = 'succeeded') execute function watchfloor.note_success();
alter table public.operation_runs
  enable always trigger operation_runs_090_touch_new,
  enable always trigger operation_runs_095_touch,
  enable always trigger operation_runs_100_touch,
  enable always trigger operation_runs_102_touch_step,
  enable always trigger operation_runs_103_touch,
  enable always trigger operation_runs_105_touch_progress,
  enable always trigger operation_runs_110_reconcile,
  enable always trigger operation_runs_810_note_success;
