-- A change of an environment's name says which one, so that only those who may see it are told that names changed: the hint
-- alone would tell others that there is something more. Releases before read the workspace of it, as they did.
drop trigger managed_environments_900_notify on public.managed_environments;
create trigger managed_environments_900_notify after insert or update or delete on public.managed_environments
  for each row execute function watchfloor.log_access('r', 'id', 'workspace_id');
alter table public.managed_environments enable always trigger managed_environments_900_notify;
