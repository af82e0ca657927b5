/**
 * What a device is to sign, once and for five minutes: random bytes that wait in the browser that asked. Of making a passkey
 * they stand in a table with the session that gave the password; of signing in they are sealed in the cookie (AES-256-GCM,
 * a key that all nodes share), so that whoever only begins leaves nothing here and can push nobody out, and stand in a table
 * once somebody has signed in with them. Invariant: a copy of the tables is worth nothing, since they hold hashes.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';
import { CHALLENGE_MINUTES } from './passkey-proofs.ts';
import { toSeal } from './seal.ts';

const CHALLENGE_BYTES = 32;
const CHALLENGE_FORM = /^[A-Za-z0-9_-]{43}$/;
/** `expiresAt` in ms */
const sealedSchema = z.object({ challenge: z.string().regex(CHALLENGE_FORM), expiresAt: z.number() });
export type SealedChallenge = z.infer<typeof sealedSchema>;
const FORMAT = 'watchfloor passkey 1';

export interface Challenges {
  /** For the passkey of whoever has this session. Of many that are made so the last five minutes' count. */
  beginCreation(sessionId: string, handle: string): Promise<string>;
  /** Whatever follows, it does not count again. null: it does not count. */
  useCreation(challenge: string | undefined, sessionId: string): Promise<{ challenge: string; handle: string } | null>;
  /** For whoever wants to sign in; `sealed` is for the cookie. Nothing is kept. */
  beginSignIn(): Promise<{ challenge: string; sealed: string }>;
  /** null: it was not sealed here, or is over. Whether it was used says `toMarkUsed`. */
  open(sealed: string | undefined): Promise<SealedChallenge | null>;
}

/** `pool` acts as the role `access`. `now`: of this machine. */
export function openChallenges(pool: pg.Pool, { now = Date.now }: { now?: () => number } = {}): Challenges {
  let reading: Promise<ReturnType<typeof toSeal<SealedChallenge>>> | null = null;
  const readSeal = () => {
    reading ??= pool
      .query<{ value: Buffer }>(`select value from watchfloor.secrets where name = 'token_key'`)
      .then(({ rows }) => toSeal(rows[0]!.value, FORMAT, sealedSchema))
      .catch((error: unknown) => {
        // The next one asks again.
        reading = null;
        throw error;
      });
    return reading;
  };
  const make = (): string => randomBytes(CHALLENGE_BYTES).toString('base64url');

  return {
    async beginCreation(sessionId, handle) {
      const challenge = make();
      await pool.query(
        `with swept as (delete from watchfloor.passkey_challenges where expires_at < now())
         insert into watchfloor.passkey_challenges (challenge_hash, session_id, user_handle, expires_at)
         values ($1, $2, $3, now() + make_interval(mins => $4))`,
        [toHash(challenge), sessionId, handle, CHALLENGE_MINUTES]
      );
      return challenge;
    },
    async useCreation(challenge, sessionId) {
      if (!challenge || !CHALLENGE_FORM.test(challenge)) return null;
      const { rows } = await pool.query<{ counts: boolean; handle: string }>(
        `delete from watchfloor.passkey_challenges where challenge_hash = $1
         returning expires_at > now() and session_id = $2 as counts, user_handle as handle`,
        [toHash(challenge), sessionId]
      );
      return rows[0]?.counts ? { challenge, handle: rows[0].handle } : null;
    },
    async beginSignIn() {
      const challenge = make();
      const sealed = (await readSeal()).seal({ challenge, expiresAt: now() + CHALLENGE_MINUTES * 60_000 });
      return { challenge, sealed };
    },
    async open(sealed) {
      const opened = sealed ? (await readSeal()).open(sealed) : null;
      return opened && opened.expiresAt > now() ? opened : null;
    }
  };
}

/**
 * For a `with` of the statement that signs somebody in: returns a row the first time. $1 and $2 are `values`. What is over
 * is swept an hour later, whatever the clocks of nodes say.
 */
export function toMarkUsed({ challenge, expiresAt }: SealedChallenge): { sql: string; values: unknown[] } {
  return {
    sql: `swept as (delete from watchfloor.passkey_challenges_used where expires_at < now() - interval '1 hour'),
     used as (
       insert into watchfloor.passkey_challenges_used (challenge_hash, expires_at) values ($1, to_timestamp($2))
       on conflict on constraint passkey_challenges_used_pkey do nothing returning 1
     )`,
    values: [toHash(challenge), expiresAt / 1000]
  };
}

const toHash = (challenge: string): string => createHash('sha256').update(challenge).digest('hex');
