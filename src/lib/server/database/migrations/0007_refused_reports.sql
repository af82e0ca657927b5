-- No report, however odd, harms the work that reports: what names nothing we know, and a second active operation of one
-- identity, are refused reports like any other, and no longer errors. Refused reports are bounded in number, say of which
-- place they are, and owners may read them.

alter table public.rejected_reports
  -- A name for the reason, so that a page can say what to do.
  add column kind text not null default 'other',
  -- Which environment it concerns, 0 for the workspace itself; null where that is not certain: then only those who see
  -- all of the workspace may read it.
  add column place_id bigint,
  -- What a list shows of it, so that no list reads JSON.
  add column type text,
  add column source text;

create function watchfloor.is_strict() returns boolean
language sql stable parallel safe
return coalesce(lower(current_setting('watchfloor.strict', true)) in ('on', 'true', 'yes', '1'), false);

-- What a report said, as far as a writer may set it, each value cut so that no report is large: of an update what it would
-- have changed. `context` stays out: it may hold anything, and is read only by who may open diagnostics.
create function watchfloor.to_rejected(sent jsonb, before jsonb) returns jsonb
language sql immutable parallel safe
return (
  select coalesce(jsonb_object_agg(key, case
      when jsonb_typeof(value) = 'string' and char_length(value #>> '{}') > 500 then to_jsonb(left(value #>> '{}', 499) || '…')
      when octet_length(value::text) > 4096 then jsonb_build_object('cut', true, 'bytes', octet_length(value::text))
      else value end), '{}')
  from jsonb_each(sent)
  where key = any ('{workspace_id,managed_environment_id,user_id,initiator_name,type,status,outcome,run_identity_hash,progress_processed,progress_total,progress_phase,summary_counts,failure_summary,source,external_id,cancelled_by,retry_of,started_at,completed_at}')
    and case when before is null then value not in ('null', '{}', '[]')
      else key in ('type', 'source', 'external_id') and value <> 'null' or value is distinct from before -> key end
);

-- Keeps what could not be applied; `set watchfloor.strict = on` makes it an error instead (SQLSTATE WF001). Of one
-- transaction it keeps the first thousand: a load of a million wrong rows must not fill the disk.
drop function watchfloor.reject_report(bigint, bigint, text, jsonb);
create function watchfloor.reject_report(kind text, reason text, sent public.operation_runs, before public.operation_runs)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  most constant integer := 1000;
  kept text := current_setting('watchfloor.rejected', true);
  workspace bigint;
  place bigint;
  report jsonb;
begin
  if watchfloor.is_strict() then
    raise exception using errcode = 'WF001', message = 'This report cannot be applied: ' || reason,
      hint = 'Without watchfloor.strict it would be kept in rejected_reports and nothing else would happen.';
  end if;
  -- A writer may set this to anything.
  kept := case when kept ~ '^[0-9]{1,6}$' then kept else '0' end;
  if kept::integer > most then
    return;
  end if;
  perform set_config('watchfloor.rejected', (kept::integer + 1)::text, true);
  if before.id is not null then
    workspace := before.workspace_id;
    place := case when sent.managed_environment_id is not distinct from before.managed_environment_id then before.place_id end;
  else
    -- A workspace that is not there may come to be, and is not to find what others wrote before.
    select id into workspace from public.workspaces where id = sent.workspace_id;
    place := case when sent.managed_environment_id is null then 0 else (
      select id from public.managed_environments where workspace_id = workspace and id = sent.managed_environment_id) end;
  end if;
  if kept::integer = most then
    insert into public.rejected_reports (workspace_id, place_id, kind, reason, report)
    values (workspace, null, 'too_many', format('more than %s reports of one transaction could not be applied; no more of them are kept', most), '{}');
    return;
  end if;
  begin
    report := watchfloor.to_rejected(to_jsonb(sent), case when before.id is not null then to_jsonb(before) end);
  exception when others then
    -- JSON nested as deeply as Postgres can take at all does not fit once more into another.
    report := jsonb_build_object('cut', true);
  end;
  insert into public.rejected_reports (workspace_id, operation_id, place_id, kind, reason, type, source, report)
  values (workspace, before.id, place, kind, coalesce(watchfloor.clean_text(reason, 300), kind),
    watchfloor.clean_text(coalesce(sent.type, before.type), 120), watchfloor.clean_text(sent.source, 120), report);
end;
$$;

-- Which statement is at work? An INSERT with ON CONFLICT DO UPDATE fires the statement triggers of both, in this order,
-- before its first row. Nothing else tells a row's trigger that the writer wants the conflict.
create function watchfloor.begin_insert() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('watchfloor.inserting', tg_argv[0], true);
  return null;
end;
$$;
create trigger operation_runs_010_begin_insert before insert on public.operation_runs
  for each statement when (current_setting('watchfloor.inserting', true) is distinct from 'insert')
  execute function watchfloor.begin_insert('insert');
create trigger operation_runs_020_begin_upsert before update on public.operation_runs
  for each statement when (current_setting('watchfloor.inserting', true) = 'insert')
  execute function watchfloor.begin_insert('upsert');
alter table public.operation_runs enable always trigger operation_runs_010_begin_insert;
alter table public.operation_runs enable always trigger operation_runs_020_begin_upsert;

-- DO NOTHING fires no trigger of its own, so the words of the statement tell; and MERGE and an UPDATE in WITH fire both,
-- too. Where the words are out of sight (a statement that was prepared by name) only the triggers tell: DO NOTHING is then
-- a refused row, which is what it does with it. Asked only where there is a conflict.
create function watchfloor.has_on_conflict() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  calls text;
begin
  get diagnostics calls = pg_context;
  if current_query() ~* '\mon\s+conflict\M' or calls ~* '\mon\s+conflict\M' then
    return true;
  end if;
  return current_setting('watchfloor.inserting', true) = 'upsert'
    and current_query() !~* '^\s*(with|insert|merge)\M' and calls !~* 'SQL statement "\s*(with|insert|merge)\M';
end;
$$;

-- The active operation of an identity, or null: then the caller is the one who may make it, and whoever comes next with
-- the same waits here until this transaction ends, as it would wait in the unique index. There it would get an error.
-- Fifty such locks a transaction: they live in memory that all sessions share. Beyond them the index alone judges.
create function watchfloor.find_identity_holder(workspace bigint, environment bigint, identity text) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  taken text := current_setting('watchfloor.identities', true);
  holder bigint;
begin
  for look in 1..2 loop
    if environment is null then
      select id into holder from public.operation_runs
      where workspace_id = workspace and run_identity_hash = identity
        and status <> 'completed' and managed_environment_id is null and run_identity_hash is not null;
    else
      select id into holder from public.operation_runs
      where managed_environment_id = environment and run_identity_hash = identity
        and status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null;
    end if;
    exit when found or look = 2;
    taken := case when taken ~ '^[0-9]{1,6}$' then taken else '0' end;
    exit when taken::integer >= 50;
    perform set_config('watchfloor.identities', (taken::integer + 1)::text, true);
    perform pg_advisory_xact_lock(22343, hashtext(concat_ws(' ', coalesce(environment, -workspace), identity)));
  end loop;
  return holder;
end;
$$;

-- Every report passes here first: it moves an operation only forward, forces the revision, the database's clock and the
-- list columns. It writes no other operation and locks none, so it can neither block nor deadlock another writer.
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
  -- A name for the page that shows what was refused, and a sentence.
  kind text;
  reason text;
  type_label text;
  limit_seconds integer;
  holder bigint;
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
  if kind is null and (tg_op = 'INSERT' or (new.source, new.external_id, new.run_identity_hash)
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
  if importing then
    new.last_reported_at := greatest('2000-01-01', least(coalesce(new.last_reported_at, now_at), now_at));
  else
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
  if tg_op = 'INSERT' or new.context is distinct from old.context then
    new.context := coalesce(new.context, '{}');
    if octet_length(new.context::text) > 65536 then
      new.context := jsonb_build_object('cut', true, 'bytes', octet_length(new.context::text));
    end if;
  end if;
  return new;
end;
$$;
-- Newest 10,000 of each workspace (those of none count as one), and 100,000 in all. Called each minute by every node;
-- what another one removes at this moment is skipped. Returns how many it removed, at most 50,000.
create function watchfloor.trim_rejected_reports(most_each bigint default 10000, most_all bigint default 100000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  place record;
  at_id bigint;
  removed bigint := 0;
  step bigint;
begin
  for place in
    -- From one workspace to the next by the index; null comes last.
    with recursive found as (
      (select workspace_id from public.rejected_reports order by workspace_id limit 1)
      union all
      select (select r.workspace_id from public.rejected_reports r where r.workspace_id > f.workspace_id
        order by r.workspace_id limit 1) from found f where f.workspace_id is not null
    )
    select workspace_id from found where workspace_id is not null union all select null
  loop
    if place.workspace_id is null then
      select id into at_id from public.rejected_reports where workspace_id is null
      order by received_at desc, id desc offset most_each limit 1;
    else
      select id into at_id from public.rejected_reports where workspace_id = place.workspace_id
      order by received_at desc, id desc offset most_each limit 1;
    end if;
    continue when not found;
    with old as (
      select id from public.rejected_reports
      where workspace_id is not distinct from place.workspace_id and id <= at_id
      order by id limit 50000 for update skip locked
    )
    delete from public.rejected_reports where id in (select id from old);
    get diagnostics step = row_count;
    removed := removed + step;
    exit when removed >= 50000;
  end loop;
  select id into at_id from public.rejected_reports order by id desc offset most_all limit 1;
  if found then
    with old as (
      select id from public.rejected_reports where id <= at_id order by id limit 50000 for update skip locked
    )
    delete from public.rejected_reports where id in (select id from old);
    get diagnostics step = row_count;
    removed := removed + step;
  end if;
  return removed;
end;
$$;

-- Rows that logical replication applies fire no statement trigger, so the hub would not hear of them and would call what
-- it shows live. By row, and only in a session that replays (REPLICA): nobody else ever calls it. In such a session that
-- is no apply worker the statement triggers have logged the row already.
create function watchfloor.log_applied_operation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  is_apply text := current_setting('watchfloor.is_apply', true);
  told constant public.operation_runs := case when tg_op = 'DELETE' then old else new end;
begin
  if coalesce(is_apply, '') = '' then
    -- pg_stat_activity hides what a superuser's worker is.
    is_apply := exists (select from pg_stat_subscription where pid = pg_backend_pid())::text;
    perform set_config('watchfloor.is_apply', is_apply, false);
  end if;
  if is_apply <> 'true' then
    return null;
  end if;
  insert into watchfloor.changes (kind, workspace_id, environment_id, id, revision)
  values (case when tg_op = 'DELETE' then 'd' else 'o' end::"char", told.workspace_id, told.managed_environment_id, told.id,
    told.revision + case when tg_op = 'DELETE' then 2 else 0 end);
  perform watchfloor.wake();
  return null;
end;
$$;
create trigger operation_runs_950_notify_applied after insert or update or delete on public.operation_runs
  for each row execute function watchfloor.log_applied_operation();
alter table public.operation_runs enable replica trigger operation_runs_950_notify_applied;

-- What this database does that Watchfloor cannot vouch for, one sentence each; none is as it should be. Asked by nodes
-- (the log, /readyz) and by `watchfloor status`.
create function watchfloor.unsupported() returns setof text
language sql stable security definer
set search_path = pg_catalog, pg_temp
begin atomic
  select format('Logical replication (subscription "%s") writes into %s, which is not supported: its ids and times are another database''s. Let programs report here instead, and drop the subscription.',
    s.subname, string_agg(r.srrelid::regclass::text, ', ' order by r.srrelid::regclass::text))
  from pg_subscription s join pg_subscription_rel r on r.srsubid = s.oid
  join pg_class c on c.oid = r.srrelid
  join pg_namespace n on n.oid = c.relnamespace
  where s.subenabled and (c.relname, n.nspname) in (('operation_runs', 'public'), ('workspaces', 'public'),
    ('managed_environments', 'public'), ('users', 'public'), ('sessions', 'public'), ('memberships', 'public'),
    ('environment_memberships', 'public'), ('operation_types', 'public'))
  group by s.oid, s.subname
  union all
  select format('The trigger %s of %s does not always fire, so changes are missed or wrong. Switch it on: alter table %s enable always trigger %s.',
    t.tgname, t.tgrelid::regclass, t.tgrelid::regclass, t.tgname)
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and not t.tgisinternal and t.tgname ~ '_notify|_touch|_note_success|_keep_follow_up|_begin_'
    and t.tgenabled <> case when t.tgname ~ '_applied$' then 'R' else 'A' end::"char";
end;

-- People read what was refused in the workspace that they entered; whether they may at all is a capability, asked by the page.
create policy rejected_reports_of_people on public.rejected_reports for select to watchfloor_people
  using (workspace_id = (select watchfloor.entered_workspace())
    and ((select watchfloor.sees_all_environments()) or place_id = 0
      or place_id in (select watchfloor.entitled_environments())));

revoke all on function watchfloor.is_strict(), watchfloor.to_rejected(jsonb, jsonb),
  watchfloor.reject_report(text, text, public.operation_runs, public.operation_runs), watchfloor.begin_insert(),
  watchfloor.has_on_conflict(), watchfloor.find_identity_holder(bigint, bigint, text),
  watchfloor.trim_rejected_reports(bigint, bigint), watchfloor.log_applied_operation(), watchfloor.unsupported() from public;
grant select on public.rejected_reports to watchfloor_people;
grant execute on function watchfloor.trim_rejected_reports(bigint, bigint) to watchfloor_feed;
grant execute on function watchfloor.unsupported() to watchfloor_feed, watchfloor_people;
