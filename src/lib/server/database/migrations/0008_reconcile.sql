-- Reconciliation: operations that were silent for four times their limit are ended as failed, with the mark that their own
-- late report replaces. Opt-in: `watchfloor reconcile` calls it, in a role of its own that may do nothing else; the hub
-- never does (PRODUCT 2, docs/decisions/0012).

insert into public.operation_types (code, label, follow_up_policy, queued_limit_seconds, running_limit_seconds, is_built_in)
values
  ('watchfloor.reconcile', 'Reconciliation', 'repeatable', 900, 3600, true),
  ('watchfloor.backup', 'Backup', 'repeatable', 900, 7200, true)
on conflict on constraint operation_types_pkey do nothing;

-- `2 h 5 m`, as pages say it.
create function watchfloor.to_duration(value interval) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
return case
  when value < interval '1 hour' then format('%s m', floor(extract(epoch from value) / 60))
  when value < interval '2 days' then format('%s h %s m', floor(extract(epoch from value) / 3600),
    mod(floor(extract(epoch from value) / 60), 60))
  else format('%s d %s h', floor(extract(epoch from value) / 86400), mod(floor(extract(epoch from value) / 3600), 24))
end;

-- Silent for four times their limit: the limit as it was when they last reported, by which pages call them stale, too.
-- silence_check_at is never after stale_at, so its index finds them all. now(): a statement is a transaction of its own.
create view watchfloor.silent_operations as
  select id, workspace_id, managed_environment_id, type, status, last_reported_at, stale_at
  from public.operation_runs
  where status <> 'completed' and silence_check_at <= now()
    and last_reported_at + 4 * (stale_at - last_reported_at) <= now();

-- Runs after the report's own trigger (100), which lets nobody but the owner bring these marks. Only the function below
-- gets here: it runs as the owner, and says so; a writer may set the setting, and is not the owner.
create function watchfloor.mark_reconciled() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.reconciled_at := new.completed_at;
  new.reconciliation_reason := format('Silent for %s, four times the limit of its type (%s) or more',
    watchfloor.to_duration(new.completed_at - old.last_reported_at),
    watchfloor.to_duration(old.stale_at - old.last_reported_at));
  -- Nobody reported.
  new.last_reported_at := old.last_reported_at;
  return new;
end;
$$;
create trigger operation_runs_110_reconcile before update on public.operation_runs for each row
  when (new.status = 'completed' and old.status <> 'completed' and current_user = 'watchfloor_owner'
    and current_setting('watchfloor.reconciling', true) = 'on')
  execute function watchfloor.mark_reconciled();
alter table public.operation_runs enable always trigger operation_runs_110_reconcile;

-- Ends at most `most` of them, and tells which. Called as ONE statement in a transaction of its own. What somebody reports
-- on at this moment is locked, and skipped; what was reported on since the statement began is looked at again, and is not
-- silent any more. A report that comes while this is going on waits for milliseconds, and then replaces it.
create function watchfloor.reconcile_operations(most integer)
returns table (id bigint, workspace_id bigint, managed_environment_id bigint, type text, reason text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  perform set_config('watchfloor.reconciling', 'on', true);
  return query
    with silent as (
      select s.id from watchfloor.silent_operations s
      order by s.last_reported_at limit least(most, 1000)
      for no key update skip locked
    )
    update public.operation_runs r set status = 'completed', outcome = 'failed'
    from silent where r.id = silent.id
    returning r.id, r.workspace_id, r.managed_environment_id, r.type, r.reconciliation_reason;
  perform set_config('watchfloor.reconciling', 'off', true);
end;
$$;

revoke all on function watchfloor.to_duration(interval), watchfloor.mark_reconciled(),
  watchfloor.reconcile_operations(integer) from public;
grant usage on schema watchfloor to watchfloor_reconciler;
grant execute on function watchfloor.reconcile_operations(integer) to watchfloor_reconciler;
grant select on watchfloor.silent_operations to watchfloor_reconciler;
