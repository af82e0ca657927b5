-- Signed out everywhere, as one fact of a person (decision 0022): what was proven before it opens nothing after it.

-- How often. Whoever signs in reads it with what they prove (the password, a code, a passkey), and the session is made only
-- where it is still the same: a sign-in that was on its way while the password changed ends as one that came too late.
alter table public.users add column sign_outs integer not null default 0;

-- A trigger, because it is a statement of its own: it waits for whoever holds the person's row while making a session, and
-- then sees that session. The statement that counts would not. Numbered after what tells of people, as sessions tell themselves.
create function watchfloor.sign_out_everywhere() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from public.sessions where user_id = new.id;
  delete from watchfloor.pending_sign_ins where user_id = new.id;
  return null;
end;
$$;
create trigger users_910_sign_out_everywhere after update of sign_outs on public.users
  for each row when (old.sign_outs is distinct from new.sign_outs)
  execute function watchfloor.sign_out_everywhere();
grant update (sign_outs) on public.users to watchfloor_access;

-- Challenges with which somebody has signed in, for as long as they would count: none counts twice. Whoever only begins leaves
-- nothing here, as the challenge waits sealed in their browser (decision 0022), so nobody else's can be pushed out. Logged: after a crash a
-- device that does not count could be believed a second time.
create table watchfloor.passkey_challenges_used (
  -- SHA-256 (hex)
  challenge_hash text not null,
  expires_at timestamptz(3) not null,
  constraint passkey_challenges_used_pkey primary key (challenge_hash),
  constraint passkey_challenges_used_form check (challenge_hash ~ '^[0-9a-f]{64}$')
);
create index passkey_challenges_used_by_expiry on watchfloor.passkey_challenges_used (expires_at);
grant select, insert, delete on watchfloor.passkey_challenges_used to watchfloor_access;
