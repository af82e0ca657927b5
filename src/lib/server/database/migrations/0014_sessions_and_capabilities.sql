-- What a person needs to know one session of theirs from another, and the second fence for what a role may do: until here
-- the database judged what people see, and left it to the pages whether they may open diagnostics, review and read refused
-- reports. Releases before ask the same first, so nothing changes for them.

-- "Firefox on Linux", made from the User-Agent at sign-in: never the header itself, which singles people out.
alter table public.sessions add column agent text;
-- When a page was last asked for with it, to the quarter of an hour: exact times would be a write for each request.
alter table public.sessions add column used_at timestamptz(3);

-- May the person of this transaction do that in its workspace? Of the capabilities, those that the database itself guards;
-- access/capabilities.ts has the whole table, and a test holds the two together.
create function watchfloor.may(capability text) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select (watchfloor.role_in_workspace(), capability) in (
    ('owner', 'operations.review'), ('manager', 'operations.review'), ('operator', 'operations.review'),
    ('owner', 'rejected_reports.read'),
    ('support', 'diagnostics.read'))
);
revoke all on function watchfloor.may(text) from public;
grant execute on function watchfloor.may(text) to watchfloor_people;

alter policy rejected_reports_of_people on public.rejected_reports
  using (workspace_id = (select watchfloor.entered_workspace())
    and (select watchfloor.may('rejected_reports.read'))
    and ((select watchfloor.sees_all_environments()) or place_id = 0
      or place_id in (select watchfloor.entitled_environments())));

-- As in 0005, and only for who may: to others it is absent, since a page that asks for them has forgotten to look.
create or replace function watchfloor.review_operation(person bigint, workspace bigint, operation bigint, is_reviewed boolean)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_row public.operation_runs;
  reviewer text;
begin
  perform set_config('watchfloor.user_id', person::text, true), set_config('watchfloor.workspace_id', workspace::text, true);
  if not exists (select from watchfloor.visible_operations v where v.id = operation)
    or watchfloor.may('operations.review') is not true then
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

create or replace function watchfloor.open_diagnostics(person bigint, workspace bigint, operation bigint) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_context jsonb;
begin
  perform set_config('watchfloor.user_id', person::text, true), set_config('watchfloor.workspace_id', workspace::text, true);
  if not exists (select from watchfloor.visible_operations v where v.id = operation)
    or watchfloor.may('diagnostics.read') is not true then
    return null;
  end if;
  insert into public.audit_events (workspace_id, operation_id, user_id, kind)
  values (workspace, operation, person, 'diagnostics_opened');
  select context into found_context from public.operation_runs where id = operation;
  return found_context;
end;
$$;
