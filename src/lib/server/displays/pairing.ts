/**
 * The screen's half of pairing, after RFC 8628 (device authorization grant): it asks for a code, shows it, and asks at the
 * interval that it is told whether a person approved it. The secret that will make it a display is in its cookie from the
 * beginning; approving (management.ts) writes it down. It owns codes, intervals and limits.
 * Invariants: a code has one use and ten minutes; whoever asks too often is told to slow down and learns nothing sooner;
 * how many wait, and how many codes one network may ask for or try, is limited.
 */
import { randomInt } from 'node:crypto';
import pg from 'pg';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { PollAnswer } from '../../operations/wall-answer.ts';
import { CODE_ALPHABET, CODE_LENGTH } from '../../operations/wall-data.ts';
import { toNetwork } from '../access/network.ts';
import type { SessionCookie } from '../access/sessions.ts';
import type { Displays } from './trust.ts';

const CODE_SECONDS = 600;
/** Short, because a display starts within two seconds of its approval. RFC 8628 3.5: five more for whoever is told so. */
const POLL_SECONDS = 1;
const SLOW_DOWN_SECONDS = 5;
const LONGEST_POLL_SECONDS = 30;
/** A timer of the screen may fire a little early, and a network hold one question up longer than the next. */
const POLL_TOLERANCE = '0.5 seconds';
/** A code with less than this left is replaced when the page is loaded again. */
const LEAST_LEFT_SECONDS = 60;
/** Screens that wait at the same time. */
const MOST_WAITING = 1_000;
const LONGEST_BROWSER = 300;
/** So long a screen that was removed is told so; afterwards it is one that was never paired. */
const REMOVED_KEPT = '30 days';

/** Within WINDOW_SECONDS. A wall of screens behind one address asks for a code each, again every ten minutes. */
export const PAIRING_LIMITS = { askedByNetwork: 120, asked: 2_000, triedByNetwork: 20, tried: 200 } as const;
const WINDOW_SECONDS = 15 * 60;

export interface PairingAsked {
  /** of the client, as text; null where a proxy hides it, and only the limits of all can hold */
  address: string | null;
  /** the User-Agent header */
  browser: string;
  width: number | null;
  height: number | null;
}

export interface OpenPairing {
  code: string;
  expiresInSeconds: number;
  pollSeconds: number;
  /** null = the browser has its secret already */
  setCookie: SessionCookie | null;
}

export interface Pairing {
  /** A code for the browser with this Cookie header; 'limited' when too many were asked for. */
  ask(cookieHeader: string | null, asked: PairingAsked): Promise<OpenPairing | 'limited'>;
  /** Was it approved? */
  poll(cookieHeader: string | null): Promise<PollAnswer>;
  /** Somebody enters a code: takes one of their tries, which `gaveBack` returns when the code was right. */
  mayTry(address: string | null): Promise<{ gaveBack(): Promise<void> } | 'limited'>;
}

/** `pool` acts as the role `access`. */
export function openPairing(pool: pg.Pool, displays: Pick<Displays, 'hashOf' | 'newSecret'>): Pairing {
  const limiter = (name: keyof typeof PAIRING_LIMITS): RateLimiterPostgres =>
    new RateLimiterPostgres({
      storeClient: pool,
      storeType: 'pool',
      schemaName: 'watchfloor',
      // sign-in.ts sweeps the table that they share.
      tableName: 'sign_in_limits',
      tableCreated: true,
      keyPrefix: `pairing ${name}`,
      points: PAIRING_LIMITS[name],
      duration: WINDOW_SECONDS,
      clearExpiredByTimeout: false
    });
  const [askedByNetwork, asked] = [limiter('askedByNetwork'), limiter('asked')];
  const [triedByNetwork, tried] = [limiter('triedByNetwork'), limiter('tried')];
  const ALL = 'all';

  return {
    async ask(cookieHeader, { address, browser, width, height }) {
      const known = displays.hashOf(cookieHeader);
      const open = known && (await readOpen(pool, known));
      if (open && open.left >= LEAST_LEFT_SECONDS)
        return { code: open.code, expiresInSeconds: open.left, pollSeconds: open.poll_seconds, setCookie: null };
      if (address !== null && !(await take(askedByNetwork, toNetwork(address)))) return 'limited';
      if (!(await take(asked, ALL))) return 'limited';
      const { hash, setCookie } = displays.newSecret();
      const code = await insertRequest(pool, hash, known, [
        address,
        browser.replace(/\p{C}/gu, '').slice(0, LONGEST_BROWSER),
        width,
        height
      ]);
      if (code === null) return 'limited';
      return { code, expiresInSeconds: CODE_SECONDS, pollSeconds: POLL_SECONDS, setCookie };
    },
    async poll(cookieHeader) {
      const hash = displays.hashOf(cookieHeader);
      return hash === null ? { state: 'expired' } : pollRequest(pool, hash);
    },
    async mayTry(address) {
      const network = address === null ? null : toNetwork(address);
      // The narrower first: what it stops is not counted against everybody.
      if (network !== null && !(await take(triedByNetwork, network))) return 'limited';
      if (!(await take(tried, ALL))) return 'limited';
      return {
        async gaveBack() {
          if (network !== null) await triedByNetwork.reward(network);
          await tried.reward(ALL);
        }
      };
    }
  };
}

async function take(limiter: RateLimiterPostgres, key: string): Promise<boolean> {
  try {
    await limiter.consume(key);
    return true;
  } catch (reason) {
    if (reason instanceof RateLimiterRes) return false;
    throw reason;
  }
}

function newCode(): string {
  return Array.from({ length: CODE_LENGTH }, () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)]).join('');
}

async function readOpen(
  pool: pg.Pool,
  hash: Buffer
): Promise<{ code: string; left: number; poll_seconds: number } | undefined> {
  const { rows } = await pool.query<{ code: string; left: number; poll_seconds: number }>(
    `select code, poll_seconds, floor(extract(epoch from expires_at - clock_timestamp()))::integer as left
     from watchfloor.pairing_requests where hash = $1 and approved_at is null`,
    [hash]
  );
  return rows[0];
}

const SQLSTATE_UNIQUE = '23505';

/** The code; null when too many wait. What has expired goes first: nobody else would remove it. */
async function insertRequest(
  pool: pg.Pool,
  hash: Buffer,
  replaced: Buffer | null,
  [address, browser, width, height]: [string | null, string, number | null, number | null]
): Promise<string | null> {
  await pool.query(
    `delete from watchfloor.pairing_requests
     where expires_at < clock_timestamp() - interval '1 hour' or hash = $1 and approved_at is null`,
    [replaced]
  );
  await pool.query(`delete from public.displays where revoked_at < clock_timestamp() - interval '${REMOVED_KEPT}'`);
  for (let tries = 0; ; tries++) {
    const code = newCode();
    try {
      const { rowCount } = await pool.query(
        `insert into watchfloor.pairing_requests (hash, code, expires_at, poll_seconds, address, browser, width, height)
         select $1, $2, clock_timestamp() + make_interval(secs => $3), $4, $5, $6, $7, $8
         where (select count(*) from (select from watchfloor.pairing_requests
           where expires_at > clock_timestamp() and approved_at is null limit ${MOST_WAITING}) waiting) < ${MOST_WAITING}`,
        [hash, code, CODE_SECONDS, POLL_SECONDS, address, browser, width, height]
      );
      return rowCount === 1 ? code : null;
    } catch (error) {
      // One in ten million even while a thousand wait.
      if (tries >= 5 || !(error instanceof pg.DatabaseError) || error.code !== SQLSTATE_UNIQUE) throw error;
    }
  }
}

async function pollRequest(pool: pg.Pool, hash: Buffer): Promise<PollAnswer> {
  const { rows } = await pool.query<{ is_early: boolean; poll_seconds: number; left: number; is_approved: boolean }>(
    `with was as (
       select hash, polled_at is not null
         and polled_at + make_interval(secs => poll_seconds) - interval '${POLL_TOLERANCE}' > clock_timestamp() as is_early
       from watchfloor.pairing_requests where hash = $1
     )
     update watchfloor.pairing_requests p set polled_at = clock_timestamp(),
       poll_seconds = case when was.is_early
         then least(p.poll_seconds + ${SLOW_DOWN_SECONDS}, ${LONGEST_POLL_SECONDS}) else p.poll_seconds end
     from was where p.hash = was.hash
     returning was.is_early, p.poll_seconds, p.approved_at is not null as is_approved,
       floor(extract(epoch from p.expires_at - clock_timestamp()))::integer as left`,
    [hash]
  );
  const found = rows[0];
  if (!found) return { state: 'expired' };
  const { is_early, is_approved, left, poll_seconds: pollSeconds } = found;
  if (is_early && (is_approved || left > 0))
    return { state: 'slow_down', pollSeconds, expiresInSeconds: Math.max(0, left) };
  if (is_approved) return { state: 'approved' };
  if (left <= 0) return { state: 'expired' };
  return { state: 'waiting', pollSeconds, expiresInSeconds: left };
}
