-- What a report costs: each condition of a trigger is parsed anew with every statement, and each expression of a function
-- is prepared anew with every transaction. A report of progress paid for a hundred of them, and now for ten (decision 0021).

-- Does who reports act as the owner? Only the owner may bring history and reconcile. Called where the search path is fixed.
create function watchfloor.reports_as_owner() returns boolean
language plpgsql stable
as $$
begin
  return pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user::text), 'watchfloor_owner', 'member');
end;
$$;

-- The same text in two steps for what needs no more: printable ASCII without a double space.
create or replace function watchfloor.normalise_search(value text) returns text
language plpgsql immutable parallel safe
as $$
begin
  if value !~ '[^ -~]|  ' then
    return lower(left(value, 500));
  end if;
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

-- Every report of more than progress passes here first: it moves an operation only forward, forces the revision, the
-- database's clock and the list columns. It writes no other operation and locks none, so it can neither block nor deadlock
-- another writer. SECURITY DEFINER, so that any role that may report needs no other right.
create or replace function watchfloor.touch_operation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_at constant timestamptz(3) := clock_timestamp();
  importing boolean := false;
  -- A name for the page that shows what was refused, and a sentence.
  kind text;
  reason text;
  type_label text;
  limit_seconds integer;
  holder bigint;
  follow_up public.operation_runs;
begin
  -- Only the owner may bring history with its own times (seeding, restoring): a writer's clock is never believed.
  if current_setting('watchfloor.import', true) = 'on' then
    importing := watchfloor.reports_as_owner();
  end if;
  -- Only the functions of follow-ups get here with another follow-up (the guard above): nothing was reported then.
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

  if new.status is null or new.outcome is null then
    new.status := coalesce(new.status, case when tg_op = 'UPDATE' then old.status else 'queued' end);
    new.outcome := coalesce(new.outcome, case when tg_op = 'UPDATE' then old.outcome else 'pending' end);
  end if;

  -- What passes the first condition passes all the others; they only say what is wrong.
  if ((new.status in ('queued', 'running') and new.outcome = 'pending'
      or new.status = 'completed' and new.outcome in ('succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled'))
    and btrim(new.type) <> '' and new.workspace_id is not null and new.id between 1 and 9007199254740991
    and (tg_op = 'INSERT' or new.workspace_id = old.workspace_id
      and (old.status = 'queued' or old.status = 'running' and new.status <> 'queued'
        or new.status = 'completed' and new.outcome = old.outcome))) then
    null;
  elsif new.status not in ('queued', 'running', 'completed') then
    kind := 'status_unknown';
    reason := format('status "%s" is unknown; use queued, running or completed', left(new.status, 60));
  elsif new.outcome not in ('pending', 'succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled') then
    kind := 'outcome_unknown';
    reason := format('outcome "%s" is unknown', left(new.outcome, 60));
  elsif new.status = 'completed' and new.outcome = 'pending' then
    kind := 'outcome_missing';
    reason := 'a completed operation needs an outcome';
  elsif new.status <> 'completed' and new.outcome <> 'pending' then
    kind := 'end_missing';
    reason := 'an outcome needs status completed';
  elsif new.type is null or btrim(new.type) = '' then
    kind := 'type_missing';
    reason := 'an operation needs a type';
  elsif new.workspace_id is null then
    kind := 'workspace_missing';
    reason := 'an operation needs a workspace_id';
  elsif new.id not between 1 and 9007199254740991 then
    kind := 'id_given';
    reason := 'an operation takes its id from the database';
  elsif tg_op = 'UPDATE' then
    if new.workspace_id <> old.workspace_id then
      kind := 'workspace_changed';
      reason := 'an operation never changes its workspace';
    elsif array_position('{queued,running,completed}'::text[], new.status)
      < array_position('{queued,running,completed}'::text[], old.status) then
      kind := 'went_back';
      reason := format('an operation never goes back from %s to %s', old.status, new.status);
    elsif old.status = 'completed' and new.outcome <> old.outcome and old.reconciled_at is null then
      kind := 'outcome_final';
      reason := format('the outcome %s is final', old.outcome);
    end if;
  end if;

  -- Whom it names must be there, else the foreign keys abort the writer. Locked as they lock, so that nobody removes it
  -- between the two. Not for imports, which must fail aloud, nor where Postgres itself asks nothing (a replica's session).
  if kind is null and not importing and (tg_op = 'INSERT' or new.managed_environment_id is distinct from old.managed_environment_id) then
    if new.managed_environment_id is null then
      perform from public.workspaces where id = new.workspace_id for key share;
    else
      perform from public.managed_environments
      where workspace_id = new.workspace_id and id = new.managed_environment_id for key share;
    end if;
    if not found and current_setting('session_replication_role') <> 'replica' then
      if new.managed_environment_id is null or not exists (select from public.workspaces where id = new.workspace_id) then
        kind := 'workspace_unknown';
        reason := format('there is no workspace %s', new.workspace_id);
      else
        kind := 'environment_unknown';
        reason := format('this workspace has no environment %s', new.managed_environment_id);
      end if;
    end if;
  end if;
  if kind is null and new.user_id is not null and (tg_op = 'INSERT' or new.user_id is distinct from old.user_id) then
    perform from public.users where id = new.user_id for key share;
    if not found and not importing and current_setting('session_replication_role') <> 'replica' then
      if watchfloor.is_strict() then
        kind := 'user_unknown';
        reason := format('there is no user %s', new.user_id);
      else
        new.user_id := null;
      end if;
    end if;
  end if;
  if kind is null and (new.source is not null or new.external_id is not null or new.run_identity_hash is not null)
    and (tg_op = 'INSERT' or (new.source, new.external_id, new.run_identity_hash)
    is distinct from (old.source, old.external_id, old.run_identity_hash)) then
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
  if kind is null and new.run_identity_hash is not null and new.status <> 'completed' and not importing
    and (tg_op = 'INSERT' or (new.run_identity_hash, new.managed_environment_id)
      is distinct from (old.run_identity_hash, old.managed_environment_id)) then
    holder := watchfloor.find_identity_holder(new.workspace_id, new.managed_environment_id, new.run_identity_hash);
    -- An INSERT with ON CONFLICT wants exactly this conflict.
    if holder <> new.id and (tg_op = 'UPDATE' or not watchfloor.has_on_conflict()) then
      kind := 'identity_taken';
      reason := format('operation %s is active under the same identity', holder);
    end if;
  end if;
  if kind is not null then
    perform watchfloor.reject_report(kind, reason, new, case when tg_op = 'UPDATE' then old end);
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
    if (new.reconciled_at is not null or new.reconciliation_reason is not null) and not watchfloor.reports_as_owner() then
      new.reconciled_at := null;
      new.reconciliation_reason := null;
    end if;
    if not importing and (new.resolved_at is not null or new.resolved_by is not null or new.reviewed_at is not null
      or new.reviewed_by is not null or new.reviewer_name is not null) then
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
    if (new.reconciled_at, new.reconciliation_reason) is distinct from (old.reconciled_at, old.reconciliation_reason)
      and not watchfloor.reports_as_owner() then
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
  if importing then
    new.last_reported_at := greatest('2000-01-01', least(coalesce(new.last_reported_at, now_at), now_at));
  else
    new.last_reported_at := now_at;
  end if;

  -- Times: nothing in the future (or 'infinity'), no end before its start. What had to be moved is marked.
  new.clock_adjusted := tg_op = 'UPDATE' and old.clock_adjusted;
  if new.status = 'running' and new.started_at is null then
    new.started_at := new.last_reported_at;
  end if;
  if new.status = 'completed' then
    new.completed_at := coalesce(new.completed_at, new.last_reported_at);
  else
    new.completed_at := null;
  end if;
  if greatest(new.started_at, new.completed_at, new.reconciled_at) > now_at or new.completed_at < new.started_at
    or least(new.started_at, new.completed_at, new.reconciled_at) < '2000-01-01' then
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
  end if;
  -- One look into the catalogue serves the limit of silence and the label that search knows.
  if tg_op = 'INSERT' or new.type <> old.type then
    new.type := coalesce(watchfloor.clean_text(new.type, 120), 'unknown');
  end if;
  if tg_op = 'INSERT' or new.status <> 'completed' then
    select label, case new.status when 'queued' then queued_limit_seconds else running_limit_seconds end
    into type_label, limit_seconds from public.operation_types where code = new.type;
  end if;
  if new.status = 'completed' then
    new.stale_at := null;
    new.silence_check_at := null;
  else
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
  if new.initiator_name is distinct from 'System'
    and (tg_op = 'INSERT' or new.initiator_name is distinct from old.initiator_name) then
    new.initiator_name := coalesce(watchfloor.clean_text(new.initiator_name, 120), 'System');
  end if;
  if new.progress_processed is not null or new.progress_total is not null or new.progress_phase is not null then
    new.progress_processed := case when new.progress_processed between 0 and 9007199254740991 then new.progress_processed
      when new.progress_processed > 9007199254740991 then 9007199254740991 end;
    new.progress_total := case when new.progress_total between 0 and 9007199254740991 then new.progress_total
      when new.progress_total > 9007199254740991 then 9007199254740991 end;
    if tg_op = 'INSERT' or new.progress_phase is distinct from old.progress_phase then
      new.progress_phase := watchfloor.clean_text(new.progress_phase, 120);
    end if;
  end if;
  if new.retry_of is not null or new.cancelled_by is not null or new.reconciliation_reason is not null then
    -- What no JavaScript number can hold names no operation, and must not reach a page.
    if new.retry_of not between 1 and 9007199254740991 then new.retry_of := null; end if;
    new.cancelled_by := watchfloor.clean_text(new.cancelled_by, 120);
    new.reconciliation_reason := watchfloor.clean_text(new.reconciliation_reason, 300);
  end if;
  -- Most insert without either; then nothing may stand in the columns that follow them.
  if tg_op = 'INSERT' and new.summary_counts = '{}' and new.failure_summary = '[]' then
    if new.count_total is not null or new.count_processed is not null or new.count_succeeded is not null
      or new.count_failed is not null or new.count_skipped is not null or new.count_created is not null
      or new.count_updated is not null or new.count_deleted is not null
      or new.failure_code is not null or new.failure_message is not null then
      new.count_total := null; new.count_processed := null; new.count_succeeded := null; new.count_failed := null;
      new.count_skipped := null; new.count_created := null; new.count_updated := null; new.count_deleted := null;
      new.failure_code := null; new.failure_message := null;
    end if;
  else
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
    elsif (new.count_total, new.count_processed, new.count_succeeded, new.count_failed,
        new.count_skipped, new.count_created, new.count_updated, new.count_deleted)
      is distinct from (old.count_total, old.count_processed, old.count_succeeded, old.count_failed,
        old.count_skipped, old.count_created, old.count_updated, old.count_deleted) then
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
    elsif (new.failure_code, new.failure_message) is distinct from (old.failure_code, old.failure_message) then
      new.failure_code := old.failure_code;
      new.failure_message := old.failure_message;
    end if;
  end if;
  if tg_op = 'INSERT' or (new.type, new.initiator_name, new.external_id, new.failure_code, new.failure_message)
    is distinct from (old.type, old.initiator_name, old.external_id, old.failure_code, old.failure_message) then
    if tg_op = 'UPDATE' and new.status = 'completed' then
      select label into type_label from public.operation_types where code = new.type;
    end if;
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
  if new.context is distinct from '{}' and (tg_op = 'INSERT' or new.context is distinct from old.context) then
    new.context := coalesce(new.context, '{}');
    if octet_length(new.context::text) > 65536 then
      new.context := jsonb_build_object('cut', true, 'bytes', octet_length(new.context::text));
    end if;
  end if;
  return new;
end;
$$;

-- A report of progress alone: the same revision, clock and limits as above, and nothing else to judge. The limit of silence
-- is the one of the report before; once a minute the catalogue is asked whether it was changed.
create function watchfloor.touch_progress() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  now_at constant timestamptz(3) := clock_timestamp();
  step bigint := 1;
begin
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

-- Triggers that name their columns cost nothing where a statement names none of them. None of these columns changes
-- otherwise: the triggers before it see to that (and whoever adds triggers of their own answers for them).
drop trigger operation_runs_050_keep_follow_up on public.operation_runs;
create trigger operation_runs_050_keep_follow_up
  before update of resolved_at, resolved_by, reviewed_at, reviewed_by, reviewer_name on public.operation_runs for each row
  when ((new.resolved_at, new.resolved_by, new.reviewed_at, new.reviewed_by, new.reviewer_name)
      is distinct from (old.resolved_at, old.resolved_by, old.reviewed_at, old.reviewed_by, old.reviewer_name)
    and current_user <> 'watchfloor_owner')
  execute function watchfloor.keep_follow_up();
drop trigger operation_runs_100_touch on public.operation_runs;
create trigger operation_runs_100_touch
  before insert or update of id, workspace_id, managed_environment_id, user_id, initiator_name, type, status, outcome,
    run_identity_hash, summary_counts, failure_summary, context, source, external_id, cancelled_by, reconciled_at,
    reconciliation_reason, retry_of, started_at, completed_at, created_at, last_reported_at, stale_at, revision, clock_adjusted,
    count_total, count_processed, count_succeeded, count_failed, count_skipped, count_created, count_updated, count_deleted,
    failure_code, failure_message, resolved_at, resolved_by, reviewed_at, reviewed_by, reviewer_name, silence_check_at,
    search_text, place_id, has_open_follow_up
  on public.operation_runs for each row execute function watchfloor.touch_operation();
-- Whatever passed the one before has another revision already; so every row passes exactly one of the two.
create trigger operation_runs_105_touch_progress before update on public.operation_runs for each row
  when (new.revision = old.revision) execute function watchfloor.touch_progress();
drop trigger operation_runs_110_reconcile on public.operation_runs;
create trigger operation_runs_110_reconcile before update of status on public.operation_runs for each row
  when (new.status = 'completed' and old.status <> 'completed' and current_user = 'watchfloor_owner'
    and current_setting('watchfloor.reconciling', true) = 'on')
  execute function watchfloor.mark_reconciled();
drop trigger operation_runs_810_note_success on public.operation_runs;
create trigger operation_runs_810_note_success
  after update of id, workspace_id, managed_environment_id, user_id, initiator_name, type, status, outcome,
    run_identity_hash, summary_counts, failure_summary, context, source, external_id, cancelled_by, reconciled_at,
    reconciliation_reason, retry_of, started_at, completed_at, created_at, last_reported_at, stale_at, revision, clock_adjusted,
    count_total, count_processed, count_succeeded, count_failed, count_skipped, count_created, count_updated, count_deleted,
    failure_code, failure_message, resolved_at, resolved_by, reviewed_at, reviewed_by, reviewer_name, silence_check_at,
    search_text, place_id, has_open_follow_up
  on public.operation_runs for each row
  when (new.outcome = 'succeeded' and (old.outcome, old.completed_at, old.place_id, old.type)
    is distinct from (new.outcome, new.completed_at, new.place_id, new.type))
  execute function watchfloor.note_success();
drop trigger operation_runs_910_notify_moved on public.operation_runs;
create trigger operation_runs_910_notify_moved after update of managed_environment_id on public.operation_runs
  for each row when (old.managed_environment_id is distinct from new.managed_environment_id)
  execute function watchfloor.log_moved_operation();
alter table public.operation_runs
  enable always trigger operation_runs_050_keep_follow_up,
  enable always trigger operation_runs_100_touch,
  enable always trigger operation_runs_105_touch_progress,
  enable always trigger operation_runs_110_reconcile,
  enable always trigger operation_runs_810_note_success,
  enable always trigger operation_runs_910_notify_moved;
