/**
 * Passkeys of people: made on their account, and used to sign in without e-mail and password. It owns their table, the
 * challenges and the cookie that binds one to its browser; what proves what is passkey-proofs.ts's, the session the
 * caller's. Invariants: a challenge counts once, for five minutes, in the browser that asked; a signature whose counter
 * does not grow is refused, also of two at once, by the statement that keeps it; making and removing one ends every session.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Person } from '../../operations/pages.ts';
import { signInAnswered } from '../metrics/channels.ts';
import {
  CHALLENGE_MINUTES,
  parseAssertion,
  toCreationOptions,
  toRequestOptions,
  verifyAssertion,
  verifyCreation,
  type CreationOptions
} from './passkey-proofs.ts';
import type { RelyingParty } from './relying-party.ts';
import type { SessionCookie } from './sessions.ts';
import { openSignInLimits } from './sign-in-limits.ts';

export const MOST_PASSKEYS = 20;
export const LONGEST_PASSKEY_NAME = 60;
/** Of people who are not signed in, so that nobody fills the table. The oldest go first. */
export const MOST_CHALLENGES = 1_000;
const CHALLENGE_BYTES = 32;
const CHALLENGE_FORM = /^[A-Za-z0-9_-]{43}$/;
const HANDLE_BYTES = 64;

export interface Passkey {
  id: number;
  name: string;
  /** ms, the database's clock */
  createdAt: number;
  usedAt: number | null;
}

export type PasskeySignIn =
  | { kind: 'signed in'; personId: number }
  | { kind: 'refused' }
  /** no challenge waits in this browser, or not any more */
  | { kind: 'over' };

export interface Passkeys {
  readonly cookieName: string;
  readonly blankCookie: SessionCookie;
  /** in the order in which they were made */
  readOwn(personId: number): Promise<Passkey[]>;
  /** What the browser is asked. The password was given just now. null: they have as many as they may have. */
  beginCreation(
    person: Person,
    sessionId: string,
    party: RelyingParty
  ): Promise<{ options: CreationOptions; setCookie: SessionCookie } | null>;
  /** Keeps the passkey that the browser made, and ends every session of the person. */
  create(asked: {
    person: Person;
    sessionId: string;
    /** the cookie's value */
    challenge: string | undefined;
    response: unknown;
    name: string;
    party: RelyingParty;
  }): Promise<'created' | 'refused' | 'over'>;
  /** False: it is none of theirs. */
  rename(personId: number, passkeyId: number, name: string): Promise<boolean>;
  /** Ends every session of theirs; the password was given just now. False: it is none of theirs, and nothing ended. */
  remove(personId: number, passkeyId: number): Promise<boolean>;
  /** A number: too many from this network lately, and how many seconds to wait. */
  beginSignIn(
    address: string | null,
    party: RelyingParty
  ): Promise<{ options: ReturnType<typeof toRequestOptions>; setCookie: SessionCookie } | number>;
  signIn(asked: {
    challenge: string | undefined;
    response: unknown;
    address: string | null;
    party: RelyingParty;
  }): Promise<PasskeySignIn>;
}

/** `pool` acts as the role `access`. `secure` as of the sessions' cookie. */
export function openPasskeys(pool: pg.Pool, { secure }: { secure: boolean }): Passkeys {
  const limits = openSignInLimits(pool);
  const cookieName = secure ? '__Host-watchfloor-passkey' : 'watchfloor-passkey';
  const toCookie = (value: string, maxAge: number): SessionCookie => ({
    name: cookieName,
    value,
    options: { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge }
  });

  const makeChallenge = async (
    creation: { sessionId: string; handle: string } | null
  ): Promise<{ challenge: string; setCookie: SessionCookie }> => {
    const challenge = randomBytes(CHALLENGE_BYTES).toString('base64url');
    await pool.query(
      `with swept as (
         delete from watchfloor.passkey_challenges where expires_at < now() or challenge_hash in (
           select challenge_hash from watchfloor.passkey_challenges where session_id is null
           order by expires_at desc offset $5)
       )
       insert into watchfloor.passkey_challenges (challenge_hash, session_id, user_handle, expires_at)
       values ($1, $2, $3, now() + make_interval(mins => $4))`,
      [toHash(challenge), creation?.sessionId ?? null, creation?.handle ?? null, CHALLENGE_MINUTES, MOST_CHALLENGES - 1]
    );
    return { challenge, setCookie: toCookie(challenge, CHALLENGE_MINUTES * 60) };
  };
  /** Whatever follows, it does not count again. null: it does not count. */
  const useChallenge = async (
    challenge: string | undefined,
    sessionId: string | null
  ): Promise<{ challenge: string; handle: string | null } | null> => {
    if (!challenge || !CHALLENGE_FORM.test(challenge)) return null;
    const { rows } = await pool.query<{ counts: boolean; handle: string | null }>(
      `delete from watchfloor.passkey_challenges where challenge_hash = $1
       returning expires_at > now() and session_id is not distinct from $2 as counts, user_handle as handle`,
      [toHash(challenge), sessionId]
    );
    return rows[0]?.counts ? { challenge, handle: rows[0].handle } : null;
  };

  return {
    cookieName,
    blankCookie: toCookie('', 0),

    async readOwn(personId) {
      const { rows } = await pool.query<{ id: number; name: string; created_at: Date; used_at: Date | null }>(
        'select id, name, created_at, used_at from watchfloor.passkeys where user_id = $1 order by id',
        [personId]
      );
      return rows.map(({ id, name, created_at, used_at }) => ({
        id,
        name,
        createdAt: created_at.getTime(),
        usedAt: used_at?.getTime() ?? null
      }));
    },

    async beginCreation(person, sessionId, party) {
      const { rows: known } = await pool.query<{ credentialId: string; transports: string[]; handle: string }>(
        `select credential_id as "credentialId", transports, user_handle as handle
         from watchfloor.passkeys where user_id = $1 order by id`,
        [person.id]
      );
      if (known.length >= MOST_PASSKEYS) return null;
      const userHandle = known[0] ? Buffer.from(known[0].handle, 'base64url') : randomBytes(HANDLE_BYTES);
      const { challenge, setCookie } = await makeChallenge({ sessionId, handle: userHandle.toString('base64url') });
      const options = await toCreationOptions({
        party,
        person,
        userHandle,
        challenge: Buffer.from(challenge, 'base64url'),
        known
      });
      return { options, setCookie };
    },

    async create({ person, sessionId, challenge, response, name, party }) {
      const used = await useChallenge(challenge, sessionId);
      if (!used) return 'over';
      const made = await verifyCreation(response, { party, challenge: used.challenge });
      if (!made) return 'refused';
      const { rowCount } = await pool.query(
        `with made as (
           insert into watchfloor.passkeys (user_id, credential_id, public_key, user_handle, counter, transports, name)
           select $1, $2, $3, $4, $5, $6, $7
           where (select count(*) from watchfloor.passkeys where user_id = $1) < $8
           on conflict (credential_id) do nothing returning user_id
         )
         delete from public.sessions s using made where s.user_id = made.user_id`,
        [person.id, made.credentialId, made.publicKey, used.handle, made.counter, made.transports, name, MOST_PASSKEYS]
      );
      return rowCount ? 'created' : 'refused';
    },

    async rename(personId, passkeyId, name) {
      const { rowCount } = await pool.query('update watchfloor.passkeys set name = $3 where id = $2 and user_id = $1', [
        personId,
        passkeyId,
        name
      ]);
      return rowCount === 1;
    },

    async remove(personId, passkeyId) {
      const { rowCount } = await pool.query(
        `with gone as (delete from watchfloor.passkeys where id = $2 and user_id = $1 returning user_id),
         ended as (delete from public.sessions s using gone where s.user_id = gone.user_id)
         select from gone`,
        [personId, passkeyId]
      );
      return rowCount === 1;
    },

    async beginSignIn(address, party) {
      const wait = await limits.takeOf('passkey', address);
      if (wait !== null) return wait;
      const { challenge, setCookie } = await makeChallenge(null);
      return { options: toRequestOptions(party, challenge), setCookie };
    },

    async signIn({ challenge, response, address, party }) {
      const used = await useChallenge(challenge, null);
      if (!used) return { kind: 'over' };
      const personId = await readSigner(pool, { challenge: used.challenge, response, party });
      signInAnswered.tell({ answer: personId === null ? 'refused' : 'signed in' });
      if (personId === null) return { kind: 'refused' };
      await limits.giveBackOf('passkey', address);
      return { kind: 'signed in', personId };
    }
  };
}

/** Whose passkey signed; null for whatever reason. */
async function readSigner(
  pool: pg.Pool,
  { challenge, response, party }: { challenge: string; response: unknown; party: RelyingParty }
): Promise<number | null> {
  const assertion = parseAssertion(response);
  if (!assertion) return null;
  const { rows } = await pool.query<{ id: number; publicKey: Buffer; counter: number }>(
    `select p.id, p.public_key as "publicKey", p.counter
     from watchfloor.passkeys p join public.users u on u.id = p.user_id
     where p.credential_id = $1 and p.user_handle = $2 and u.disabled_at is null`,
    [assertion.id, assertion.response.userHandle]
  );
  const found = rows[0];
  if (!found) return null;
  const credential = { ...found, credentialId: assertion.id, transports: [] };
  const counter = await verifyAssertion(assertion, { party, challenge, credential });
  if (counter === null) return null;
  const { rows: kept } = await pool.query<{ user_id: number }>(
    `update watchfloor.passkeys set counter = $2, used_at = now()
     where id = $1 and (counter < $2 or (counter = 0 and $2 = 0)) returning user_id`,
    [found.id, counter]
  );
  return kept[0]?.user_id ?? null;
}

const toHash = (challenge: string): string => createHash('sha256').update(challenge).digest('hex');
