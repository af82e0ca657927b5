/**
 * Passkeys of people: made on their account, and used to sign in without e-mail and password. It owns their table and the
 * cookie that binds a challenge to its browser (passkey-challenges.ts); what proves what is passkey-proofs.ts's, the session
 * the caller's. Invariants: a challenge signs in once, for five minutes, in the browser that asked; a signature whose counter
 * does not grow is refused, also of two at once, by the statement that keeps it; making and removing one ends every session,
 * and is done by a session that still counts.
 */
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Person } from '../../operations/pages.ts';
import { signInAnswered } from '../metrics/channels.ts';
import { openChallenges, toMarkUsed, type SealedChallenge } from './passkey-challenges.ts';
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
import { changeAndSignOut, type Proven } from './sign-outs.ts';

export const MOST_PASSKEYS = 20;
export const LONGEST_PASSKEY_NAME = 60;
const HANDLE_BYTES = 64;

export interface Passkey {
  id: number;
  name: string;
  /** ms, the database's clock */
  createdAt: number;
  usedAt: number | null;
}

export type PasskeySignIn =
  | ({ kind: 'signed in' } & Proven)
  | { kind: 'refused' }
  /** no challenge waits in this browser, or not any more */
  | { kind: 'over' }
  /** too many from this network lately */
  | { kind: 'limited'; retryAfterSeconds: number };

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
  }): Promise<{ kind: 'created'; proven: Proven } | { kind: 'refused' | 'over' }>;
  /** False: it is none of theirs. */
  rename(personId: number, passkeyId: number, name: string): Promise<boolean>;
  /** Ends every session of theirs; the password was given just now. null: it is none of theirs, and nothing ended. */
  remove(person: { personId: number; sessionId: string }, passkeyId: number): Promise<Proven | null>;
  /** Whoever only begins leaves nothing behind, and is not counted. */
  beginSignIn(party: RelyingParty): Promise<{ options: ReturnType<typeof toRequestOptions>; setCookie: SessionCookie }>;
  signIn(asked: {
    challenge: string | undefined;
    response: unknown;
    address: string | null;
    party: RelyingParty;
  }): Promise<PasskeySignIn>;
}

/** `pool` acts as the role `access`. `secure` as of the sessions' cookie. `now`: of this machine. */
export function openPasskeys(
  pool: pg.Pool,
  { secure, now = Date.now }: { secure: boolean; now?: () => number }
): Passkeys {
  const limits = openSignInLimits(pool);
  const challenges = openChallenges(pool, { now });
  const cookieName = secure ? '__Host-watchfloor-passkey' : 'watchfloor-passkey';
  const toCookie = (value: string, maxAge: number): SessionCookie => ({
    name: cookieName,
    value,
    options: { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge }
  });
  const toChallengeCookie = (value: string): SessionCookie => toCookie(value, CHALLENGE_MINUTES * 60);

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
      const challenge = await challenges.beginCreation(sessionId, userHandle.toString('base64url'));
      const options = await toCreationOptions({
        party,
        person,
        userHandle,
        challenge: Buffer.from(challenge, 'base64url'),
        known
      });
      return { options, setCookie: toChallengeCookie(challenge) };
    },

    async create({ person, sessionId, challenge, response, name, party }) {
      const used = await challenges.useCreation(challenge, sessionId);
      if (!used) return { kind: 'over' };
      const made = await verifyCreation(response, { party, challenge: used.challenge });
      if (!made) return { kind: 'refused' };
      let isKept: boolean | null = null;
      const proven = await changeAndSignOut(pool, { personId: person.id, sessionId }, async (client) => {
        const { rowCount } = await client.query(
          `insert into watchfloor.passkeys (user_id, credential_id, public_key, user_handle, counter, transports, name)
           select $1, $2, $3, $4, $5, $6, $7
           where (select count(*) from watchfloor.passkeys where user_id = $1) < $8
           on conflict (credential_id) do nothing`,
          [
            person.id,
            made.credentialId,
            made.publicKey,
            used.handle,
            made.counter,
            made.transports,
            name,
            MOST_PASSKEYS
          ]
        );
        return (isKept = rowCount === 1);
      });
      if (proven) return { kind: 'created', proven };
      // Not even asked: the session ended while the answer was verified.
      return { kind: isKept === null ? 'over' : 'refused' };
    },

    async rename(personId, passkeyId, name) {
      const { rowCount } = await pool.query('update watchfloor.passkeys set name = $3 where id = $2 and user_id = $1', [
        personId,
        passkeyId,
        name
      ]);
      return rowCount === 1;
    },

    remove(person, passkeyId) {
      const sql = 'delete from watchfloor.passkeys where id = $2 and user_id = $1';
      return changeAndSignOut(
        pool,
        person,
        async (client) => (await client.query(sql, [person.personId, passkeyId])).rowCount === 1
      );
    },

    async beginSignIn(party) {
      const { challenge, sealed } = await challenges.beginSignIn();
      return { options: toRequestOptions(party, challenge), setCookie: toChallengeCookie(sealed) };
    },

    async signIn({ challenge, response, address, party }) {
      // Counted before anything is verified, so that many at once are no way around.
      const wait = await limits.takeOf('passkey', address);
      if (wait !== null) {
        signInAnswered.tell({ answer: 'limited' });
        return { kind: 'limited', retryAfterSeconds: wait };
      }
      const opened = await challenges.open(challenge);
      if (!opened) return { kind: 'over' };
      const proven = await readSigner(pool, { challenge: opened, response, party });
      signInAnswered.tell({ answer: proven === null ? 'refused' : 'signed in' });
      if (proven === null) return { kind: 'refused' };
      await limits.giveBackOf('passkey', address);
      return { kind: 'signed in', ...proven };
    }
  };
}

/** Whose passkey signed; null for whatever reason. */
async function readSigner(
  pool: pg.Pool,
  { challenge, response, party }: { challenge: SealedChallenge; response: unknown; party: RelyingParty }
): Promise<Proven | null> {
  const assertion = parseAssertion(response);
  if (!assertion) return null;
  const { rows } = await pool.query<{ id: number; publicKey: Buffer; counter: number; signOuts: number }>(
    `select p.id, p.public_key as "publicKey", p.counter, u.sign_outs as "signOuts"
     from watchfloor.passkeys p join public.users u on u.id = p.user_id
     where p.credential_id = $1 and p.user_handle = $2 and u.disabled_at is null`,
    [assertion.id, assertion.response.userHandle]
  );
  const found = rows[0];
  if (!found) return null;
  const credential = { ...found, credentialId: assertion.id, transports: [] };
  const counter = await verifyAssertion(assertion, { party, challenge: challenge.challenge, credential });
  if (counter === null) return null;
  const used = toMarkUsed(challenge);
  // Only what was signed is kept, so that only who has a passkey writes a row.
  const { rows: kept } = await pool.query<{ personId: number }>(
    `with ${used.sql}
     update watchfloor.passkeys set counter = $4, used_at = now()
     where id = $3 and exists (select from used) and (counter < $4 or (counter = 0 and $4 = 0))
     returning user_id as "personId"`,
    [...used.values, found.id, counter]
  );
  return kept[0] ? { ...kept[0], signOuts: found.signOuts } : null;
}
