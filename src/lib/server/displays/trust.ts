/**
 * What makes a browser a display: a random secret of 256 bits in a cookie, its SHA-256 in the table. It owns that cookie,
 * and how the secret is renewed while it is used; it does not own pairing (pairing.ts) or what a display may see (0012).
 * Plain Node: routes and the hub use it alike.
 * Invariants: trust has no end but revocation; an answer that is lost, however often, never unpairs a screen, since what
 * was offered counts beside what is known until the browser brings it back; a copy of the table opens nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { SessionCookie } from '../access/sessions.ts';
import { gatherReads } from '../database/gather-reads.ts';

/** A secret that is older is renewed by the next page that it reads. */
const RENEW_AFTER = '24 hours';
/** What was offered and did not come back yet is not joined by another offer so soon: its answer may be under way. */
const OFFER_AGAIN_AFTER = '10 minutes';
/** Requests with the secret before may be under way when the new one is first used. */
const GRACE = '5 minutes';
/** Browsers keep no cookie longer; each renewal sets it anew. */
const COOKIE_SECONDS = 400 * 24 * 3600;
const SECRET_BYTES = 32;
const SECRET_FORM = /^[A-Za-z0-9_-]{43}$/;

/** As the hub names whoever asks: the negative of a display's id, and what stands for a session. */
export interface DisplaySubscriber {
  displayId: number;
  userId: number;
  sessionId: string;
}

export type CheckedDisplay =
  | {
      state: 'trusted';
      displayId: number;
      workspaceId: number;
      /** the renewed secret; null = leave the browser's as it is */
      setCookie: SessionCookie | null;
    }
  /** it was one; `at` in ms by the database's clock */
  | { state: 'revoked'; at: number }
  | { state: 'unknown' };

export interface Displays {
  /** Who asks the hub, by the whole Cookie header, without renewing anything; null = no display, or not any more. */
  read(cookieHeader: string | null): Promise<DisplaySubscriber | null>;
  /** Who asks for a page; renews the secret now and then. */
  check(cookieHeader: string | null): Promise<CheckedDisplay>;
  /** The hash of the secret in the cookie, whatever it opens; null = there is none. */
  hashOf(cookieHeader: string | null): Buffer | null;
  /** A new secret for this browser, which opens nothing until its hash is written somewhere. */
  newSecret(): { hash: Buffer; setCookie: SessionCookie };
}

/** `pool` acts as the role `access`. `secure`: as for sessions, the `__Host-` prefix needs https. */
export function openDisplays({ pool, secure }: { pool: pg.Pool; secure: boolean }): Displays {
  const cookieName = secure ? '__Host-watchfloor-display' : 'watchfloor-display';
  const toCookie = (value: string): SessionCookie => ({
    name: cookieName,
    value,
    options: { path: '/', secure, maxAge: COOKIE_SECONDS, httpOnly: true, sameSite: 'lax' }
  });
  const hashOf = (cookieHeader: string | null): Buffer | null => {
    const secret = readSecret(cookieHeader, cookieName);
    return secret === null ? null : toHash(secret);
  };
  const newSecret = (): { hash: Buffer; setCookie: SessionCookie } => {
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    return { hash: toHash(secret), setCookie: toCookie(secret) };
  };
  // All walls come back at once when a node was restarted.
  const readGathered = gatherReads((hashes: Buffer[]) => readTrusted(pool, hashes));

  return {
    hashOf,
    newSecret,
    async read(cookieHeader) {
      const hash = hashOf(cookieHeader);
      const displayId = hash && (await readGathered(hash));
      return displayId === null ? null : toSubscriber(displayId);
    },
    async check(cookieHeader) {
      const hash = hashOf(cookieHeader);
      const found = hash && (await readSecretState(pool, hash));
      if (!hash || !found) return { state: 'unknown' };
      const { display_id: displayId, workspace_id: workspaceId, revoked_at } = found;
      if (revoked_at !== null) return { state: 'revoked', at: revoked_at.getTime() };
      if (!found.is_used) await confirm(pool, displayId, hash);
      if (!found.is_due) return { state: 'trusted', displayId, workspaceId, setCookie: null };
      const offered = newSecret();
      const isOffered = await offer(pool, displayId, offered.hash);
      return { state: 'trusted', displayId, workspaceId, setCookie: isOffered ? offered.setCookie : null };
    }
  };
}

function toSubscriber(displayId: number): DisplaySubscriber {
  return {
    displayId,
    userId: -displayId,
    sessionId: createHash('sha256').update(`display ${displayId}`).digest('hex')
  };
}

/** Of each hash the display that it opens; null = none, or not any more. */
async function readTrusted(pool: pg.Pool, hashes: Buffer[]): Promise<(number | null)[]> {
  const { rows } = await pool.query<{ hash: Buffer; display_id: number }>(
    `select s.hash, s.display_id from public.display_secrets s
     join public.displays d on d.id = s.display_id and d.revoked_at is null
     where s.hash = any ($1) and (s.ends_at is null or s.ends_at > now())`,
    [hashes]
  );
  const found = new Map(rows.map(({ hash, display_id }) => [hash.toString('hex'), display_id]));
  return hashes.map((hash) => found.get(hash.toString('hex')) ?? null);
}

interface SecretState {
  display_id: number;
  workspace_id: number;
  revoked_at: Date | null;
  is_used: boolean;
  is_due: boolean;
}

async function readSecretState(pool: pg.Pool, hash: Buffer): Promise<SecretState | null> {
  const { rows } = await pool.query<SecretState>(
    `select s.display_id, d.workspace_id, d.revoked_at, s.used_at is not null as is_used,
       s.offered_at < now() - interval '${RENEW_AFTER}' as is_due
     from public.display_secrets s join public.displays d on d.id = s.display_id
     where s.hash = $1 and (s.ends_at is null or s.ends_at > now())`,
    [hash]
  );
  return rows[0] ?? null;
}

/** The browser has it: those offered before it end soon, and those that ended long ago are forgotten. */
async function confirm(pool: pg.Pool, displayId: number, hash: Buffer): Promise<void> {
  await pool.query(
    `with used as (
       update public.display_secrets set used_at = coalesce(used_at, now()) where hash = $2 returning offered_at
     ), ended as (
       update public.display_secrets s set ends_at = now() + interval '${GRACE}' from used
       where s.display_id = $1 and s.hash <> $2 and s.offered_at <= used.offered_at and s.ends_at is null
     )
     delete from public.display_secrets where display_id = $1 and ends_at < now() - interval '1 day'`,
    [displayId, hash]
  );
}

/** False where another one is under way already. */
async function offer(pool: pg.Pool, displayId: number, hash: Buffer): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into public.display_secrets (hash, display_id)
     select $2, $1 where not exists (select from public.display_secrets
       where display_id = $1 and offered_at > now() - interval '${OFFER_AGAIN_AFTER}')`,
    [displayId, hash]
  );
  return rowCount === 1;
}

function toHash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** null when there is none, or none of ours. */
function readSecret(cookieHeader: string | null, cookieName: string): string | null {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === cookieName) return value && SECRET_FORM.test(value) ? value : null;
  }
  return null;
}
