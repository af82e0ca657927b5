-- What an operation is, how a report of one is made safe, and the indexes that lists read.

create table public.operation_types (
  code text not null,
  label text not null,
  follow_up_policy text not null default 'manual_review',
  -- Silence longer than this makes an active operation likely stale.
  queued_limit_seconds integer not null default 900,
  running_limit_seconds integer not null default 1800,
  summary_keys text[] not null
    default '{total,processed,succeeded,failed,skipped,created,updated,deleted}',
  is_built_in boolean not null default false,
  constraint operation_types_pkey primary key (code),
  constraint operation_types_policy check (follow_up_policy in ('repeatable', 'artifact', 'manual_review')),
  constraint operation_types_limits check (queued_limit_seconds > 0 and running_limit_seconds > 0)
);

insert into public.operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds, is_built_in)
values
  ('inventory.sync', 'Inventory sync', 'repeatable', 900, 1800, true),
  ('policy.sync', 'Policy sync', 'repeatable', 900, 1800, true),
  ('policy.snapshot', 'Policy snapshot', 'repeatable', 900, 1800, true),
  ('policy.export', 'Policy export', 'artifact', 900, 600, true),
  ('policy.delete', 'Policy deletion', 'manual_review', 900, 900, true),
  ('policy.restore', 'Policy restore', 'manual_review', 900, 1800, true),
  ('directory.groups.sync', 'Directory groups sync', 'repeatable', 900, 1800, true),
  ('compliance.snapshot', 'Compliance snapshot', 'repeatable', 900, 1800, true),
  ('permission.posture.check', 'Permission posture check', 'repeatable', 900, 900, true),
  ('rbac.health_check', 'Role health check', 'repeatable', 900, 900, true),
  ('alerts.evaluate', 'Alert evaluation', 'repeatable', 300, 600, true),
  ('baseline.capture', 'Baseline capture', 'artifact', 900, 1800, true),
  ('baseline.compare', 'Baseline comparison', 'artifact', 900, 1800, true),
  ('tenant.evidence.snapshot.generate', 'Evidence snapshot', 'artifact', 900, 1800, true),
  ('environment.review.compose', 'Environment review', 'artifact', 900, 1800, true),
  ('environment.review_pack.generate', 'Review pack', 'artifact', 900, 600, true),
  ('backup.schedule.execute', 'Scheduled backup', 'repeatable', 900, 3600, true),
  ('backup.schedule.retention', 'Backup retention', 'repeatable', 900, 1800, true),
  ('backup_set.update', 'Backup set update', 'repeatable', 900, 1800, true),
  ('backup_set.restore', 'Backup set restore', 'manual_review', 900, 3600, true),
  ('restore.execute', 'Restore', 'manual_review', 900, 3600, true),
  ('promotion.execute', 'Promotion', 'manual_review', 900, 1800, true),
  ('assignments.restore', 'Assignments restore', 'manual_review', 900, 1800, true),
  ('provider.connection.check', 'Connection check', 'repeatable', 300, 300, true),
  ('watchfloor.migrate', 'Schema migration', 'repeatable', 900, 3600, true),
  ('watchfloor.seed', 'Demo seeding', 'repeatable', 900, 3600, true),
  ('watchfloor.retention', 'History retention', 'repeatable', 900, 3600, true);

create table public.operation_runs (
  id bigint generated always as identity,
  workspace_id bigint not null,
  managed_environment_id bigint,
  user_id bigint,
  initiator_name text not null default 'System',
  type text not null,
  status text not null default 'queued',
  outcome text not null default 'pending',
  run_identity_hash text,
  progress_processed bigint,
  progress_total bigint,
  progress_phase text,
  summary_counts jsonb not null default '{}',
  failure_summary jsonb not null default '[]',
  context jsonb not null default '{}',
  source text,
  external_id text,
  cancelled_by text,
  reconciled_at timestamptz(3),
  reconciliation_reason text,
  retry_of bigint,
  started_at timestamptz(3),
  completed_at timestamptz(3),
  created_at timestamptz(3) not null default clock_timestamp(),
  last_reported_at timestamptz(3) not null default clock_timestamp(),
  -- When silence makes it likely stale; null once completed.
  stale_at timestamptz(3),
  revision bigint not null default 1,
  -- A reported time was impossible (in the future, or an end before its start) and was moved.
  clock_adjusted boolean not null default false,
  -- What lists and deltas show of the JSON: filled by the trigger, so that no list ever reads JSON.
  count_total bigint,
  count_processed bigint,
  count_succeeded bigint,
  count_failed bigint,
  count_skipped bigint,
  count_created bigint,
  count_updated bigint,
  count_deleted bigint,
  failure_code text,
  failure_message text,
  constraint operation_runs_pkey primary key (id),
  constraint operation_runs_workspace foreign key (workspace_id) references public.workspaces (id),
  constraint operation_runs_environment foreign key (workspace_id, managed_environment_id)
    references public.managed_environments (workspace_id, id),
  constraint operation_runs_user foreign key (user_id) references public.users (id),
  constraint operation_runs_status check (status in ('queued', 'running', 'completed')),
  constraint operation_runs_outcome
    check (outcome in ('pending', 'succeeded', 'partially_succeeded', 'blocked', 'failed', 'cancelled')),
  constraint operation_runs_outcome_when_completed check ((status = 'completed') = (outcome <> 'pending'))
)
-- Room on each page, so that progress reports stay heap-only (no index entry is rewritten).
with (fillfactor = 85);

-- One plain table with partial unique indexes: partitioned, Postgres cannot keep this uniqueness (ENGINE 3, storage).
create unique index operation_runs_active_identity_in_environment
  on public.operation_runs (managed_environment_id, run_identity_hash)
  where status <> 'completed' and managed_environment_id is not null and run_identity_hash is not null;
create unique index operation_runs_active_identity_in_workspace
  on public.operation_runs (workspace_id, run_identity_hash)
  where status <> 'completed' and managed_environment_id is null and run_identity_hash is not null;

-- The three orders in which a page is read: a whole workspace, one environment, the workspace's own operations
-- (people who are narrowed read the last two and merge). No index holds what a progress report changes.
create index operation_runs_by_workspace_newest on public.operation_runs (workspace_id, created_at desc, id desc);
create index operation_runs_by_environment_newest
  on public.operation_runs (managed_environment_id, created_at desc, id desc) where managed_environment_id is not null;
create index operation_runs_of_workspace_itself_newest
  on public.operation_runs (workspace_id, created_at desc, id desc) where managed_environment_id is null;
-- An outside system finds its own operation again.
create index operation_runs_by_external_id
  on public.operation_runs (workspace_id, source, external_id) where external_id is not null;

-- Reports that could not be applied: kept with the reason, never an error for the writer.
create table public.rejected_reports (
  id bigint generated always as identity,
  workspace_id bigint,
  operation_id bigint,
  reason text not null,
  report jsonb not null,
  received_at timestamptz(3) not null default clock_timestamp(),
  constraint rejected_reports_pkey primary key (id)
);
create index rejected_reports_by_workspace_newest on public.rejected_reports (workspace_id, received_at desc, id desc);

-- Text that is safe to show: control and bidirectional characters removed, cut with a mark.
-- This and the next two are called within watchfloor.touch_operation, which has fixed the search path: a SET of their own
-- would cost as much as the work. plpgsql rather than SQL, because a function that is not inlined starts faster so.
create function watchfloor.clean_text(value text, longest integer) returns text
language plpgsql immutable parallel safe
as $$
begin
  if value is null or (char_length(value) <= longest
    and value !~ '[\u0001-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]') then
    return nullif(btrim(value), '');
  end if;
  -- The first cut bounds the work on a value of any size; nothing is shown beyond `longest` anyway.
  value := btrim(regexp_replace(
    regexp_replace(left(value, longest * 2), '[\u0009-\u000d]+', ' ', 'g'),
    '[\u0001-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]', '', 'g'));
  if char_length(value) > longest then
    return left(value, longest - 1) || '…';
  end if;
  return nullif(value, '');
end;
$$;

-- A reported count as a bigint between 0 and 2^53 - 1 (what JavaScript holds exactly), or null where it is no count.
create function watchfloor.clean_count(value jsonb) returns bigint
language sql immutable parallel safe
return case
  when jsonb_typeof(value) = 'number' and (value)::numeric >= 0
    then trunc(least((value)::numeric, 9007199254740991))::bigint
end;

-- At most 20 failures of {code, message, count?}, each safe to show.
create function watchfloor.clean_failures(value jsonb) returns jsonb
language sql immutable parallel safe
return coalesce((
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
      'code', watchfloor.clean_text(entry ->> 'code', 100),
      'message', coalesce(watchfloor.clean_text(
        case when jsonb_typeof(entry) = 'object' then entry ->> 'message' else entry #>> '{}' end, 500), ''),
      'count', watchfloor.clean_count(entry -> 'count'))) order by place)
  -- Cut before it is taken apart: a report may bring hundreds of thousands.
  from jsonb_array_elements(jsonb_path_query_array(
    case jsonb_typeof(value) when 'array' then value else jsonb_build_array(value) end, '$[0 to 19]'))
    with ordinality as listed (entry, place)
  where jsonb_typeof(entry) <> 'null'
), '[]'::jsonb);

-- Keeps what could not be applied; `set watchfloor.strict = on` makes it an error instead (SQLSTATE WF001).
create function watchfloor.reject_report(workspace bigint, operation bigint, reason text, report jsonb) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('watchfloor.strict', true) = 'on' then
    raise exception using errcode = 'WF001', message = 'This report cannot be applied: ' || reason,
      hint = 'Without watchfloor.strict it would be kept in rejected_reports and nothing else would happen.';
  end if;
  insert into public.rejected_reports (workspace_id, operation_id, reason, report)
  values (workspace, operation, reason,
    case when octet_length(report::text) > 65536
      then jsonb_build_object('cut', true, 'bytes', octet_length(report::text)) else report end);
end;
$$;

create function watchfloor.silence_limit(type_code text, in_status text) returns interval
language sql stable security definer
set search_path = pg_catalog, pg_temp
return make_interval(secs => coalesce(
  (select case in_status when 'queued' then queued_limit_seconds else running_limit_seconds end
   from public.operation_types where code = type_code),
  case in_status when 'queued' then 900 else 1800 end));

-- Every report passes here first: it moves an operation only forward, forces the revision, the database's clock and the
-- list columns. It reads and writes no other operation, so it can neither block nor deadlock another writer.
-- SECURITY DEFINER, so that any role that may report needs no other right.
create function watchfloor.touch_operation() returns trigger
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
begin
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
  else
    -- `set id = default` would hand out another one.
    new.id := old.id;
    new.revision := old.revision + 1;
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
  else
    select case new.status when 'queued' then queued_limit_seconds else running_limit_seconds end
    into limit_seconds from public.operation_types where code = new.type;
    new.stale_at := new.last_reported_at
      + make_interval(secs => coalesce(limit_seconds, case new.status when 'queued' then 900 else 1800 end));
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
  if tg_op = 'INSERT' or new.context is distinct from old.context then
    new.context := coalesce(new.context, '{}');
    if octet_length(new.context::text) > 65536 then
      new.context := jsonb_build_object('cut', true, 'bytes', octet_length(new.context::text));
    end if;
  end if;
  return new;
end;
$$;

create trigger operation_runs_100_touch before insert or update on public.operation_runs
  for each row execute function watchfloor.touch_operation();
-- Replicas and restores that set session_replication_role must not write unnumbered rows.
alter table public.operation_runs enable always trigger operation_runs_100_touch;
