/**
 * Sessions: the only file that knows lucia and cookies. The cookie holds a random token, the table its SHA-256, which
 * is what lucia takes for the session's id. It owns the two limits (idle and absolute) and the cookie's attributes; it
 * does not own passwords, pages or what a person may see. Plain Node: routes and the hub use it alike.
 * Invariant: a copy of the table signs nobody in, and no row's expiry lies beyond the absolute limit.
 */
import { createHash, randomBytes } from 'node:crypto';
import { NodePostgresAdapter } from '@lucia-auth/adapter-postgresql';
import { Lucia, TimeSpan, type Cookie, type DatabaseSession, type DatabaseUser } from 'lucia';
import type pg from 'pg';
import type { Person } from '../../operations/pages.ts';
import { gatherReads } from '../database/gather-reads.ts';
import type { Proven } from './sign-outs.ts';

/** Without a visit for this long a session ends; lucia renews it in the second half of that time. */
const IDLE_LIMIT = new TimeSpan(7, 'd');
/** After this long it ends however much it is used. Hours, because a day's length depends on the connection's zone. */
const ABSOLUTE_LIMIT_HOURS = 30 * 24;
/** How exactly it is known when a session was last used: finer would be a write for each request. */
const USED_EVERY_MINUTES = 15;
const TOKEN_BYTES = 32;
const TOKEN_FORM = /^[A-Za-z0-9_-]{43}$/;

declare module 'lucia' {
  interface Register {
    UserId: number;
    DatabaseUserAttributes: Omit<Person, 'id'>;
    DatabaseSessionAttributes: { agent?: string | null; signOuts?: number; isDue?: boolean };
    Lucia: Lucia<{ isDue: boolean }, Omit<Person, 'id'>>;
  }
}

/** What to set on the response, in the form that SvelteKit's `cookies.set` takes. */
export interface SessionCookie {
  name: string;
  value: string;
  options: { path: string; httpOnly: boolean; secure: boolean; sameSite: 'lax'; maxAge: number };
}

export interface SignedIn {
  /** the hash of the token: safe to log, useless in a cookie */
  sessionId: string;
  person: Person;
}

export interface Checked {
  session: { id: string } | null;
  person: Person | null;
  /** the renewed cookie, or the one that clears what no longer counts; null = leave the browser's as it is */
  setCookie: SessionCookie | null;
}

/** One of a person's sessions, as they are shown it. */
export interface OwnSession {
  /** names it in a form: the first 64 bits of the token's hash, as useless in a cookie as the whole */
  handle: string;
  /** "Firefox on Linux" */
  agent: string | null;
  /** ms, the database's clock; `usedAt` to a quarter of an hour */
  createdAt: number;
  usedAt: number;
}

export interface Sessions {
  /** Who a request is from, without renewing or ending anything (handshakes, polls). Takes the whole Cookie header. */
  readSession(cookieHeader: string | null): Promise<SignedIn | null>;
  /** Who a page's request is from; renews a session that is used, and ends one that is over or whose person is disabled. */
  check(cookieHeader: string | null): Promise<Checked>;
  /**
   * Makes a session for somebody who has proven who they are, by whatever way in. `agent`: what they call their browser. null:
   * they were disabled or signed out everywhere since, and are to sign in again.
   */
  signIn(proven: Proven, agent?: string | null): Promise<{ sessionId: string; setCookie: SessionCookie } | null>;
  /** Ends a session; takes effect on open sockets through the change log. No error when it is gone already. */
  signOut(sessionId: string): Promise<SessionCookie>;
  /** Those of a person that count, the newest first. */
  readOwn(personId: number): Promise<OwnSession[]>;
  /** Ends one of theirs by its handle, or all but one; how many ended. Open sockets follow as with `signOut`. */
  endOwn(personId: number, which: { handle: string } | { allBut: string }): Promise<number>;
}

/** What a session is called in the form that ends it. */
export const toHandle = (sessionId: string): string => sessionId.slice(0, HANDLE_LENGTH);
const HANDLE_LENGTH = 16;

/**
 * `pool` acts as the role `access`. `secure`: browsers speak https to us, so the cookie may carry the `__Host-` prefix,
 * which no subdomain and no plain http answer can overwrite.
 */
export function openSessions({ pool, secure }: { pool: pg.Pool; secure: boolean }): Sessions {
  const adapter = new SessionTable(pool);
  // Handshakes come by the thousand when a node was restarted; a page's request waits for nobody.
  const readGathered = gatherReads((ids: string[]) => adapter.readMany(ids));
  const cookieName = secure ? '__Host-watchfloor' : 'watchfloor';
  const lucia = new Lucia(adapter, {
    sessionExpiresIn: IDLE_LIMIT,
    sessionCookie: { name: cookieName, attributes: { secure, sameSite: 'lax', path: '/' } },
    getUserAttributes: ({ name, email }) => ({ name, email }),
    getSessionAttributes: ({ isDue }) => ({ isDue: isDue ?? false })
  });

  return {
    async readSession(cookieHeader) {
      const token = readToken(cookieHeader, cookieName);
      if (!token) return null;
      const [session, user] = await readGathered(toSessionId(token));
      if (!session || !user || session.expiresAt.getTime() <= Date.now()) return null;
      return { sessionId: session.id, person: { id: user.id, ...user.attributes } };
    },

    async check(cookieHeader) {
      const token = readToken(cookieHeader, cookieName);
      if (token === null) return { session: null, person: null, setCookie: null };
      const { session, user } = token ? await lucia.validateSession(toSessionId(token)) : { session: null, user: null };
      if (session?.isDue) await adapter.touch(session.id);
      if (!session)
        return { session: null, person: null, setCookie: toSessionCookie(lucia.createBlankSessionCookie()) };
      return {
        session: { id: session.id },
        person: { id: user.id, name: user.name, email: user.email },
        // Not session.id, which is the hash: a browser that got that would be signed out by its next request.
        setCookie: session.fresh ? toSessionCookie(lucia.createSessionCookie(token)) : null
      };
    },

    async signIn({ personId, signOuts }, agent = null) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const session = await lucia
        .createSession(personId, { agent, signOuts }, { sessionId: toSessionId(token) })
        .catch((error: unknown) => {
          if (error instanceof SignedOutSinceError) return null;
          throw error;
        });
      if (!session) return null;
      // Nobody comes back for an expired session, so nothing else would remove it. Few rows, by their index.
      await lucia.deleteExpiredSessions();
      return { sessionId: session.id, setCookie: toSessionCookie(lucia.createSessionCookie(token)) };
    },

    async signOut(sessionId) {
      await lucia.invalidateSession(sessionId);
      return toSessionCookie(lucia.createBlankSessionCookie());
    },

    async readOwn(personId) {
      const { rows } = await pool.query<{ id: string; agent: string | null; created_at: Date; used_at: Date }>(
        `select id, agent, created_at, coalesce(used_at, created_at) as used_at from public.sessions
         where user_id = $1 and least(expires_at, created_at + make_interval(hours => $2)) > now()
         order by created_at desc, id`,
        [personId, ABSOLUTE_LIMIT_HOURS]
      );
      return rows.map(({ id, agent, created_at, used_at }) => ({
        handle: toHandle(id),
        agent,
        createdAt: created_at.getTime(),
        usedAt: used_at.getTime()
      }));
    },

    async endOwn(personId, which) {
      const [condition, value] =
        'handle' in which ? [`left(id, ${HANDLE_LENGTH}) = $2`, which.handle] : ['id <> $2', which.allBut];
      const { rowCount } = await pool.query(`delete from public.sessions where user_id = $1 and ${condition}`, [
        personId,
        value
      ]);
      return rowCount ?? 0;
    }
  };
}

type SessionAndUser = [session: DatabaseSession | null, user: DatabaseUser | null];

/** Between what somebody has proven and their session they were signed out everywhere. */
class SignedOutSinceError extends Error {}

/** lucia's adapter, with one statement instead of two for each request, without the password's hash, and with limits. */
class SessionTable extends NodePostgresAdapter {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    super(pool, { user: 'public.users', session: 'public.sessions' });
    this.#pool = pool;
  }

  /**
   * Shares the person's row until the session is there: a change of how they sign in, which needs it alone, comes before, and
   * then this makes none, or after, and then ends it.
   */
  override async setSession({ id, userId, expiresAt, attributes }: DatabaseSession): Promise<void> {
    const { rowCount } = await this.#pool.query(
      `insert into public.sessions (id, user_id, expires_at, agent)
       select $1, id, $3, $4 from public.users where id = $2 and sign_outs = $5 and disabled_at is null for share`,
      [id, userId, expiresAt, attributes.agent, attributes.signOuts]
    );
    if (rowCount !== 1) throw new SignedOutSinceError();
  }

  /** A disabled person counts as none, upon which lucia deletes the session. */
  override async getSessionAndUser(sessionId: string): Promise<SessionAndUser> {
    return (await this.readMany([sessionId]))[0]!;
  }

  /** The same of many, in their order. */
  async readMany(sessionIds: string[]): Promise<SessionAndUser[]> {
    const { rows } = await this.#pool.query<{
      id: string;
      user_id: number;
      expires_at: Date;
      name: string;
      email: string;
      disabled: boolean;
      is_due: boolean;
    }>(
      `select s.id, s.user_id, least(s.expires_at, s.created_at + make_interval(hours => $2)) as expires_at,
         u.name, u.email, u.disabled_at is not null as disabled,
         coalesce(s.used_at, s.created_at) < now() - make_interval(mins => $3) as is_due
       from public.sessions s join public.users u on u.id = s.user_id
       where s.id = any ($1)`,
      [[...new Set(sessionIds)], ABSOLUTE_LIMIT_HOURS, USED_EVERY_MINUTES]
    );
    const found = new Map(rows.map((row) => [row.id, row]));
    return sessionIds.map((id) => {
      const row = found.get(id);
      if (!row) return [null, null];
      return [
        { id, userId: row.user_id, expiresAt: row.expires_at, attributes: { isDue: row.is_due } },
        row.disabled ? null : { id: row.user_id, attributes: { name: row.name, email: row.email } }
      ];
    });
  }

  /** Remembers that it was used, once in a quarter of an hour: the first of many at once writes. */
  async touch(sessionId: string): Promise<void> {
    await this.#pool.query(
      `update public.sessions set used_at = now()
       where id = $1 and coalesce(used_at, created_at) < now() - make_interval(mins => $2)`,
      [sessionId, USED_EVERY_MINUTES]
    );
  }

  /** Never beyond the absolute limit; near that limit nothing is left to extend, and nothing is written. */
  override async updateSessionExpiration(sessionId: string, expiresAt: Date): Promise<void> {
    await this.#pool.query(
      `update public.sessions set expires_at = least($2, created_at + make_interval(hours => $3))
       where id = $1 and expires_at < least($2, created_at + make_interval(hours => $3))`,
      [sessionId, expiresAt, ABSOLUTE_LIMIT_HOURS]
    );
  }
}

function toSessionId(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * The token in a Cookie header: null when there is no such cookie, '' when it cannot be one of ours. Not lucia's parser,
 * which decodes every cookie and throws when another application of the host has set a malformed one.
 */
function readToken(cookieHeader: string | null, cookieName: string): string | null {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === cookieName) return value && TOKEN_FORM.test(value) ? value : '';
  }
  return null;
}

function toSessionCookie({ name, value, attributes }: Cookie): SessionCookie {
  const { path = '/', secure = true, maxAge = 0 } = attributes;
  return { name, value, options: { path, secure, maxAge, httpOnly: true, sameSite: 'lax' } };
}
