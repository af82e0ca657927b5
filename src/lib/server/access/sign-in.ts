/**
 * Signing in: from an e-mail, a password and an address to a person, or to a refusal that tells nothing. It owns the
 * limits on failed attempts; sessions.ts makes the session afterwards. Invariants: unknown, disabled and wrong take the
 * same path (one read, one verification) to the same answer, and no e-mail or address stands in the table of limits.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { signInAnswered } from '../metrics/channels.ts';
import { toNetwork } from './network.ts';
import { verifyPassword } from './passwords.ts';

/** Failed attempts within WINDOW_SECONDS. Three networks must conspire to lock an account for everybody. */
export const LIMITS = { accountFromNetwork: 10, network: 60, account: 30 } as const;
const WINDOW_SECONDS = 15 * 60;

export interface Attempt {
  email: string;
  password: string;
  /** of the client, as text; null where a proxy hides it, and only the account's own limit can hold */
  address: string | null;
}

export type SignInAnswer =
  | { kind: 'signed in'; personId: number }
  | { kind: 'refused' }
  /** too many failures; says nothing about whether the account exists */
  | { kind: 'limited'; retryAfterSeconds: number };

export interface SignIn {
  attempt(attempt: Attempt): Promise<SignInAnswer>;
}

/** `pool` acts as the role `access`. Throws only when the database cannot be asked. */
export function openSignIn(pool: pg.Pool): SignIn {
  const limiter = (keyPrefix: keyof typeof LIMITS) =>
    new RateLimiterPostgres({
      storeClient: pool,
      storeType: 'pool',
      schemaName: 'watchfloor',
      tableName: 'sign_in_limits',
      tableCreated: true,
      keyPrefix,
      points: LIMITS[keyPrefix],
      duration: WINDOW_SECONDS,
      // One of the three sweeps the table that they share.
      clearExpiredByTimeout: keyPrefix === 'network'
    });
  const accountFromNetwork = limiter('accountFromNetwork');
  const network = limiter('network');
  const account = limiter('account');

  const judge: SignIn['attempt'] = async ({ email, password, address }) => {
    const accountKey = toKey(toAccountName(email));
    const networkKey = address === null ? null : toKey(toNetwork(address));
    const pairKey = address === null ? null : toKey(toAccountName(email), toNetwork(address));
    // Counted before verifying, so that a hundred attempts at once are no way around. The narrowest comes first: what
    // it stops is not counted against the whole account, which others need.
    const limited =
      (pairKey && (await consume(accountFromNetwork, pairKey))) ??
      (networkKey && (await consume(network, networkKey))) ??
      (await consume(account, accountKey));
    if (typeof limited === 'number') return { kind: 'limited', retryAfterSeconds: limited };

    const found = await findAccount(pool, toAccountName(email));
    const matches = await verifyPassword(found?.password_hash ?? null, password);
    if (!found || !matches || found.disabled) return { kind: 'refused' };

    if (pairKey) await accountFromNetwork.delete(pairKey);
    await account.delete(accountKey);
    // Given back, not forgotten: else guessing with pauses for signing in to an account of one's own has no limit.
    if (networkKey) await network.reward(networkKey);
    return { kind: 'signed in', personId: found.id };
  };
  return {
    async attempt(attempt) {
      const answer = await judge(attempt);
      signInAnswered.tell({ answer: answer.kind });
      return answer;
    }
  };
}

/** Takes a point; returns the seconds to wait when there was none left. */
async function consume(limiter: RateLimiterPostgres, key: string): Promise<number | null> {
  try {
    await limiter.consume(key);
    return null;
  } catch (reason) {
    if (reason instanceof RateLimiterRes) return Math.max(1, Math.ceil(reason.msBeforeNext / 1000));
    throw reason;
  }
}

async function findAccount(
  pool: pg.Pool,
  accountName: string
): Promise<{ id: number; password_hash: string; disabled: boolean } | undefined> {
  const { rows } = await pool.query<{ id: number; password_hash: string; disabled: boolean }>(
    `select id, password_hash, disabled_at is not null as disabled from public.users where lower(email) = lower($1)`,
    [accountName]
  );
  return rows[0];
}

/** Postgres refuses NUL in text: no account has one, and an error would be a different answer. */
function toAccountName(email: string): string {
  return email.replaceAll('\0', '').trim().toLowerCase();
}

function toKey(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url');
}
