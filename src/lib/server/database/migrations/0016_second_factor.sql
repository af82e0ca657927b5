-- The second factor of who signs in with a password (decision 0019): a code of an authenticator app, or a recovery code.
-- Only the role access reads these tables; releases before know nothing of them and ask for no code.

-- What seals the secrets below where the configuration gives no key (WATCHFLOOR_FACTOR_KEY). As all of this table, in no
-- backup of ours. Made as the first key of it.
insert into watchfloor.secrets (name, value)
values ('factor_key', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

create table watchfloor.authenticators (
  user_id bigint not null,
  -- AES-256-GCM, bound to the person; its first byte says under which key (access/factor-key.ts).
  sealed bytea not null,
  -- The 30 s of the last code that was accepted, counted from 1970: only later ones are, so that no code counts twice.
  last_step bigint not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint authenticators_pkey primary key (user_id),
  constraint authenticators_user foreign key (user_id) references public.users (id) on delete cascade
);

create table watchfloor.recovery_codes (
  user_id bigint not null,
  -- SHA-256 (hex) of 120 random bits. Using one deletes it.
  code_hash text not null,
  constraint recovery_codes_pkey primary key (user_id, code_hash),
  constraint recovery_codes_form check (code_hash ~ '^[0-9a-f]{64}$'),
  constraint recovery_codes_authenticator foreign key (user_id)
    references watchfloor.authenticators (user_id) on delete cascade
);

-- One that is being set up, by the session that gave the password: no other session of the person is shown the secret.
-- Unlogged, as whoever is interrupted by a crash begins again.
create unlogged table watchfloor.authenticator_setups (
  user_id bigint not null,
  session_id text not null,
  sealed bytea not null,
  expires_at timestamptz(3) not null,
  constraint authenticator_setups_pkey primary key (user_id),
  constraint authenticator_setups_user foreign key (user_id) references public.users (id) on delete cascade,
  constraint authenticator_setups_session foreign key (session_id) references public.sessions (id) on delete cascade
);
create index authenticator_setups_by_session on watchfloor.authenticator_setups (session_id);

-- Whose password was right a moment ago, and whose code is still to come. No session, and it ends with the authenticator.
create unlogged table watchfloor.pending_sign_ins (
  -- SHA-256 (hex) of the random token in the cookie. Signing in deletes it.
  token_hash text not null,
  user_id bigint not null,
  expires_at timestamptz(3) not null,
  constraint pending_sign_ins_pkey primary key (token_hash),
  constraint pending_sign_ins_token_form check (token_hash ~ '^[0-9a-f]{64}$'),
  constraint pending_sign_ins_authenticator foreign key (user_id)
    references watchfloor.authenticators (user_id) on delete cascade
);
create index pending_sign_ins_by_user on watchfloor.pending_sign_ins (user_id);

-- Whoever knew the password before is half in no longer.
create function watchfloor.end_pending_sign_ins() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  delete from watchfloor.pending_sign_ins where user_id = new.id;
  return null;
end;
$$;
create trigger users_900_end_pending after update of password_hash on public.users
  for each row when (old.password_hash is distinct from new.password_hash)
  execute function watchfloor.end_pending_sign_ins();

grant select, insert, update (sealed, last_step), delete on watchfloor.authenticators to watchfloor_access;
grant select, insert, delete on watchfloor.recovery_codes, watchfloor.pending_sign_ins to watchfloor_access;
grant select, insert, update, delete on watchfloor.authenticator_setups to watchfloor_access;

-- Passkeys (WebAuthn): public keys, so that a copy of the table signs nobody in.
create table watchfloor.passkeys (
  id bigint generated always as identity,
  user_id bigint not null,
  -- What the browser calls it (base64url), unique over all people.
  credential_id text not null,
  public_key bytea not null,
  -- 64 random bytes (base64url), the same of all passkeys of a person: what a device stores in place of who they are.
  user_handle text not null,
  -- Of the last signature. One that does not grow is a copy's; devices that do not count say 0 for ever.
  counter bigint not null,
  transports text[] not null,
  name text not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  used_at timestamptz(3),
  constraint passkeys_pkey primary key (id),
  constraint passkeys_credential unique (credential_id),
  constraint passkeys_name check (length(name) between 1 and 60),
  constraint passkeys_user foreign key (user_id) references public.users (id) on delete cascade
);
create index passkeys_by_user on watchfloor.passkeys (user_id);

-- What a device is to sign, for five minutes and once: whoever uses one deletes it.
create unlogged table watchfloor.passkey_challenges (
  -- SHA-256 (hex) of the challenge, which is also the cookie of the browser that asked.
  challenge_hash text not null,
  -- Of whom a passkey is made, by the session that gave the password; null: somebody signs in.
  session_id text,
  -- of the passkey that is made
  user_handle text,
  expires_at timestamptz(3) not null,
  constraint passkey_challenges_pkey primary key (challenge_hash),
  constraint passkey_challenges_form check (challenge_hash ~ '^[0-9a-f]{64}$'),
  constraint passkey_challenges_session foreign key (session_id) references public.sessions (id) on delete cascade
);
create index passkey_challenges_by_session on watchfloor.passkey_challenges (session_id);
create index passkey_challenges_by_expiry on watchfloor.passkey_challenges (expires_at);

grant select, insert, update (counter, used_at, name), delete on watchfloor.passkeys to watchfloor_access;
grant select, insert, delete on watchfloor.passkey_challenges to watchfloor_access;
