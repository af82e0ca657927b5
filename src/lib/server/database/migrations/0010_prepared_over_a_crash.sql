-- A prepared transaction outlives a crash, a failover or a promotion, but its entries in the log do not: when it is
-- committed at last, its rows come into sight and nothing tells of them. So a new epoch remembers which transactions were
-- prepared when it began, and its name says which of them are not over yet, by the snapshot that reads it: what is read
-- with such a transaction and what was read without it are of two epochs, and every window is read anew.
alter table watchfloor.epoch_nonce add column survivors xid8[] not null default '{}';

create or replace function watchfloor.read_epoch() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
return (
  select concat_ws('.', place, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
    (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint, nonce,
    (select md5(string_agg(xid::text, ' ' order by xid)) from unnest(survivors) as survivor (xid)
     where not pg_visible_in_snapshot(xid, pg_current_snapshot())))
  from watchfloor.epoch_nonce where place = watchfloor.epoch_place()
);

create or replace function watchfloor.renew_epoch() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table watchfloor.epoch_nonce in exclusive mode;
  if not exists (select from watchfloor.epoch_nonce where place = watchfloor.epoch_place()) then
    delete from watchfloor.epoch_nonce;
    delete from watchfloor.changes;
    update watchfloor.change_floor set floor = pg_snapshot_xmin(pg_current_snapshot());
    insert into watchfloor.epoch_nonce (nonce, place, survivors)
    select gen_random_uuid(), watchfloor.epoch_place(), array(
      -- In full numbers, as snapshots list them: what is prepared names transactions by their last 32 bits.
      select xid from pg_snapshot_xip(pg_current_snapshot()) as running (xid)
      where exists (select from pg_prepared_xacts p where p.database = current_database() and p.transaction = xid::xid));
  end if;
end;
$$;
