-- The smoke's way in (decision 0017): people who exist to be looked at through, and single-use tokens for them. Nothing is in
-- these tables until an administrator asks for a token, and the page that takes one is off unless it is switched on.

-- Whoever is here is signed in for a quarter of an hour at most, by whatever door.
create table watchfloor.smoke_people (
  user_id bigint not null,
  constraint smoke_people_pkey primary key (user_id),
  constraint smoke_people_user foreign key (user_id) references public.users (id) on delete cascade
);

create table watchfloor.smoke_sign_ins (
  -- SHA-256 (hex) of the token: a copy of this table signs nobody in. Using one deletes it, so it works once.
  token_hash text not null,
  user_id bigint not null,
  expires_at timestamptz(3) not null,
  constraint smoke_sign_ins_pkey primary key (token_hash),
  constraint smoke_sign_ins_token_form check (token_hash ~ '^[0-9a-f]{64}$'),
  constraint smoke_sign_ins_person foreign key (user_id) references watchfloor.smoke_people (user_id) on delete cascade
);
create index smoke_sign_ins_by_person on watchfloor.smoke_sign_ins (user_id);

-- Sessions are renewed as they are used; those of smoke people are not, whoever asks for it.
create function watchfloor.cap_smoke_session() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from watchfloor.smoke_people p where p.user_id = new.user_id) then
    new.expires_at := least(new.expires_at, new.created_at + interval '15 minutes');
  end if;
  return new;
end;
$$;
create trigger sessions_100_cap_smoke before insert or update on public.sessions
  for each row execute function watchfloor.cap_smoke_session();

grant select on watchfloor.smoke_people to watchfloor_access;
grant select, delete on watchfloor.smoke_sign_ins to watchfloor_access;
