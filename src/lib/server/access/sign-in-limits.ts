/**
 * How often signing in may fail: of an account from one network, of a network, of an account from everywhere. Each allows a
 * few failures at once and then makes whoever goes on wait, a minute first and twice as long each time, until a day has
 * passed in peace. It verifies nothing. Invariants: no e-mail and no address stands in its table; it asks the same of an
 * account that exists and of one that does not; where somebody has signed in before, the failures of others (in their
 * office, or against their account from elsewhere) do not keep them out.
 */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { toNetwork } from './network.ts';

/** Failures of passwords before one must wait. */
export const LIMITS = { accountFromNetwork: 10, network: 60, account: 30 } as const;
type Kind = keyof typeof LIMITS;
type Way = 'passkey' | 'oidc';

/** Failures are forgotten after this. */
const WINDOW_SECONDS = 15 * 60;
/** The first wait, doubled by each further one within STRIKES_SECONDS, and never longer than LONGEST_WAIT_SECONDS. */
export const FIRST_WAIT_SECONDS = 60;
export const LONGEST_WAIT_SECONDS = 60 * 60;
const STRIKES_SECONDS = 24 * 60 * 60;
/** An account and a network that belong together, since the last time. */
const KNOWN_SECONDS = 90 * 24 * 60 * 60;

/** One attempt that may be judged. */
export interface Taken {
  /** It was right: the failures of the account are forgotten, and it belongs to this network. */
  forgive(): Promise<void>;
  /** It was not judged at all: as if it had not been made. */
  giveBack(): Promise<void>;
}

export interface SignInLimits {
  /** A number: seconds to wait, and nothing may be judged. `address` null = a proxy hides it. */
  take(accountName: string, address: string | null): Promise<number | Taken>;
  /**
   * The same of a way in that names no account: as often as a network may fail, and counted by itself, so that no way uses
   * up the tries of another. null: it may be judged.
   */
  takeOf(way: Way, address: string | null): Promise<number | null>;
  /** It was right, after all. */
  giveBackOf(way: Way, address: string | null): Promise<void>;
}

/** `pool` acts as the role `access`. `allowed`: failures before one must wait. */
export function openSignInLimits(pool: pg.Pool, allowed: Readonly<Record<Kind, number>> = LIMITS): SignInLimits {
  const table = (keyPrefix: string, points: number, duration: number) =>
    new RateLimiterPostgres({
      storeClient: pool,
      storeType: 'pool',
      schemaName: 'watchfloor',
      tableName: 'sign_in_limits',
      tableCreated: true,
      keyPrefix,
      points,
      duration,
      // One of them sweeps the table that they share.
      clearExpiredByTimeout: keyPrefix === 'network'
    });
  const failures = {
    accountFromNetwork: table('accountFromNetwork', allowed.accountFromNetwork, WINDOW_SECONDS),
    network: table('network', allowed.network, WINDOW_SECONDS),
    account: table('account', allowed.account, WINDOW_SECONDS)
  };
  const strikes = table('strikes', 1_000_000, STRIKES_SECONDS);
  const known = table('known', 1, KNOWN_SECONDS);

  /** Takes a point; the seconds to wait when there was none left. */
  const consume = async (kind: Kind, key: string): Promise<number | null> => {
    try {
      await failures[kind].consume(key);
      return null;
    } catch (reason) {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      // Of many at once exactly one is the first too many: a burst is one strike.
      if (reason.consumedPoints !== allowed[kind] + 1) return Math.max(1, Math.ceil(reason.msBeforeNext / 1000));
      const { consumedPoints: strike } = await strikes.consume(`${kind} ${key}`);
      const wait = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (strike - 1));
      await failures[kind].block(key, wait);
      return wait;
    }
  };

  return {
    async takeOf(way, address) {
      return address === null ? null : consume('network', toKey(way, toNetwork(address)));
    },
    async giveBackOf(way, address) {
      if (address !== null) await failures.network.reward(toKey(way, toNetwork(address)));
    },
    async take(accountName, address) {
      const account = toKey(accountName);
      const network = address === null ? null : toKey(toNetwork(address));
      const pair = address === null ? null : toKey(accountName, toNetwork(address));
      const isKnown = pair !== null && (await known.get(pair)) !== null;
      const taken: [Kind, string][] = [];
      // The narrowest comes first: what it stops is not counted against what others need.
      const asked: [Kind, string | null][] = [
        ['accountFromNetwork', pair],
        ['network', isKnown ? null : network],
        ['account', isKnown ? null : account]
      ];
      for (const [kind, key] of asked) {
        if (key === null) continue;
        const wait = await consume(kind, key);
        if (wait !== null) return wait;
        taken.push([kind, key]);
      }
      const giveBack = async (): Promise<void> => {
        for (const [kind, key] of taken) await failures[kind].reward(key);
      };
      return {
        giveBack,
        async forgive() {
          for (const [kind, key] of taken) {
            // Of a network it is given back, not forgotten: else guessing with pauses for signing in to an account of
            // one's own has no limit.
            if (kind === 'network') await failures.network.reward(key);
            else {
              await failures[kind].delete(key);
              await strikes.delete(`${kind} ${key}`);
            }
          }
          if (pair !== null) await known.set(pair, 1, KNOWN_SECONDS);
        }
      };
    }
  };
}

function toKey(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('base64url');
}
