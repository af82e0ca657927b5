/**
 * The hub: the only file that knows socket.io. It puts what the feed tells on the wire for exactly those who may know,
 * ticks, and ends what a change of access ends. It writes no row and imports nothing of SvelteKit.
 * Invariants: access is handled before the rows of the same pass; a tick is sent only while the feed can be vouched for,
 * and after everything it vouches for, on the same ordered connection.
 */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { Server, type Socket } from 'socket.io';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  TICK_MS,
  subscribeSchema,
  type ClientEvents,
  type ResyncReason,
  type ServerEvents,
  type Subscribe
} from '../../live/protocol.ts';
import { openSessions } from '../access/sessions.ts';
import { openPool } from '../database/pool.ts';
import { openAdmission } from './admission.ts';
import { sessionKey, type FeedDifference } from './differences.ts';
import { openFeed, type Feed, type FeedOptions } from './feed.ts';
import { answerHealth } from './health.ts';
import { openOutbox } from './outbox.ts';
import { numbersRoom, toUnitDeltas, type OperationChange } from './rooms.ts';
import { openSummaries } from './summaries.ts';
import { subscribe, type Watcher } from './subscriptions.ts';
import { readTokenKey } from '../stream/token.ts';
import { openWakeUp } from './wake-up.ts';

/** A client's message is a scope and a token: nothing larger is read. */
const LARGEST_MESSAGE_BYTES = 16_384;
/** Sessions that ended by time alone are looked for this often; those that are deleted end at once. */
const SESSION_CHECK_MS = 60_000;
/** A socket is given a fresh token with a tick at most this often. */
const TOKEN_EVERY_MS = 10_000;

interface SocketData extends Watcher {
  tokenAt: number;
}
type LiveSocket = Socket<ClientEvents, ServerEvents, Record<string, never>, SocketData>;

export interface HubOptions {
  databaseUrl: string;
  /** may this Origin header open a socket? CORS does not cover WebSockets, so it is asked at the upgrade */
  isOwnOrigin: (origin: string | undefined, host: string | undefined) => boolean;
  /** cookies carry Secure and the __Host- name */
  secureCookies: boolean;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** in development Vite's own socket shares the server */
  sharesUpgrades?: boolean;
  /** replaced in tests that must fail */
  difference?: FeedOptions['difference'];
}

export interface Hub {
  attach(server: HttpServer): void;
  /** answers /healthz and /readyz; false for everything else */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  feed: Feed;
  close(): Promise<void>;
}

/** Opens the hub: it stands once the nodes' key is read. Throws when the database cannot be reached or is not migrated. */
export async function openHub(options: HubOptions): Promise<Hub> {
  const { databaseUrl: url, log } = options;
  // The feed and its canary never wait behind what clients ask for.
  const feedPool = openPool({ url, role: 'feed', max: 2, applicationName: 'watchfloor feed' });
  const pool = openPool({ url, role: 'feed', max: 4, applicationName: 'watchfloor hub' });
  // Numbers may take long in a large workspace; nobody who subscribes waits behind another workspace's.
  const numbersPool = openPool({ url, role: 'feed', max: 2, applicationName: 'watchfloor numbers' });
  const accessPool = openPool({ url, role: 'access', max: 4, applicationName: 'watchfloor hub sign-in' });
  const sessions = openSessions({ pool: accessPool, secure: options.secureCookies });
  const tokenKey = await readTokenKey(pool);
  const wakeUp = openWakeUp({ url, pool: feedPool });
  const feed = openFeed({ db: feedPool, wakeUp, ...(options.difference && { difference: options.difference }) });

  const io = new Server<ClientEvents, ServerEvents, Record<string, never>, SocketData>({
    path: LIVE_PATH,
    transports: ['websocket'],
    serveClient: false,
    perMessageDeflate: false,
    maxHttpBufferSize: LARGEST_MESSAGE_BYTES,
    destroyUpgrade: !options.sharesUpgrades,
    pingInterval: 20_000,
    pingTimeout: 20_000,
    connectTimeout: 10_000,
    allowRequest: (request, decide) => {
      if (!options.isOwnOrigin(request.headers.origin, request.headers.host)) return decide('foreign origin', false);
      decide(null, true);
    }
  });

  const admission = openAdmission();
  // Here and not in allowRequest, although a socket is open by then: only here can a page be told why it is refused, so
  // that it leaves instead of trying for ever.
  io.use((socket, next) => {
    sessions.readSession(socket.request.headers.cookie ?? null).then(
      (found) => {
        if (!found) return next(new Error('signed out'));
        if (!admission.enter(found.sessionId, performance.now())) return next(new Error('too many sockets'));
        // Also a socket that is gone before it was ever connected gives its place back.
        socket.conn.once('close', () => admission.leave(found.sessionId));
        Object.assign(socket.data, {
          userId: found.person.id,
          sessionId: found.sessionId,
          generation: 0,
          scope: null,
          tokenAt: 0
        } satisfies SocketData);
        next();
      },
      () => next(new Error('unavailable'))
    );
  });

  const outbox = openOutbox({
    send: (unit, delta) => io.to(unit).emit('rows:changed', delta),
    audience: (unit) => io.sockets.adapter.rooms.get(unit)?.size ?? 0
  });
  const summaries = openSummaries({
    db: numbersPool,
    now: () => feed.databaseNow(),
    isWatched: (unit) => (io.sockets.adapter.rooms.get(numbersRoom(unit))?.size ?? 0) > 0,
    send: (unit, summary) => io.to(numbersRoom(unit)).emit('summary:changed', { summary }),
    becameStale: (operations) => tellChanges(operations)
  });
  const tellChanges = (operations: readonly OperationChange[]): void => {
    for (const [unit, delta] of toUnitDeltas(operations)) outbox.add(unit, delta);
  };
  const allSockets = (): LiveSocket[] => [...io.sockets.sockets.values()];
  const leaveAll = (socket: LiveSocket): void => {
    // Every socket stays in the room of its own id; all others are units.
    for (const room of [...socket.rooms]) if (room !== socket.id) void socket.leave(room);
  };
  /** Everything this socket may see is in doubt: nothing more is told until it subscribes anew. */
  const revoke = (socket: LiveSocket): void => {
    leaveAll(socket);
    socket.data.scope = null;
    socket.emit('access:changed', { generation: ++socket.data.generation });
  };

  io.on('connection', (socket) => {
    const rooms = { join: (units: string[]) => void socket.join(units), leaveAll: () => leaveAll(socket) };
    // One at a time, and of those that come meanwhile only the newest: a client that asks in a loop waits for itself.
    let isAsking = false;
    let next: (() => void) | null = null;
    socket.on('subscribe', (message, answer) => {
      if (typeof answer !== 'function') return;
      const parsed = subscribeSchema.safeParse(message);
      // A scope that cannot exist is absent like any other; only our own client's bug could send it.
      if (!parsed.success) {
        // What another version asks need not fit this one's schema: that it is another one must be told all the same.
        const version: unknown = (message as Partial<Subscribe> | null | undefined)?.protocol;
        const isOther = typeof version === 'number' && version !== PROTOCOL_VERSION;
        return answer(isOther ? { result: 'reload', protocol: PROTOCOL_VERSION } : { result: 'absent' });
      }
      const later = (): void => answer({ result: 'unavailable', link: 'lag' });
      if (!admission.maySubscribe(socket.data.sessionId, performance.now())) return later();
      const ask = (): void => {
        isAsking = true;
        const namesChanged = (): void => void socket.emit('reference:changed', {});
        void subscribe({ db: pool, feed, tokenKey, summaries }, socket.data, rooms, parsed.data, namesChanged)
          .then(answer, () => answer({ result: 'unavailable', link: feed.lostLink ?? 'database' }))
          .finally(() => {
            isAsking = false;
            const waiting = next;
            next = null;
            waiting?.();
          });
      };
      if (!isAsking) return ask();
      socket.data.generation++; // what is under way is not wanted any more
      next = ask;
    });
    socket.on('clock', (answer) => {
      // Before the first reading there is no time to tell; the client asks again.
      if (typeof answer === 'function' && feed.place !== null) answer({ now: feed.databaseNow() });
    });
  });

  const endSocket = (socket: LiveSocket): void => {
    leaveAll(socket);
    socket.emit('session:ended', {});
    socket.disconnect(true);
  };
  /** Ends the sockets of sessions that ended without the log saying so (by time), or may have (after a crash). */
  const checkSessions = async (): Promise<void> => {
    const sockets = allSockets();
    if (sockets.length === 0) return;
    const { rows } = await pool.query<{ id: string }>(
      `select s.id from public.sessions s join public.users u on u.id = s.user_id and u.disabled_at is null
       where s.id = any ($1) and s.expires_at > now()`,
      [[...new Set(sockets.map(({ data }) => data.sessionId))]]
    );
    const alive = new Set(rows.map(({ id }) => id));
    for (const socket of sockets) if (!alive.has(socket.data.sessionId)) endSocket(socket);
  };
  const checkSessionsSoon = (): void =>
    void checkSessions().catch((error: Error) => {
      // The database is away: nothing is told meanwhile, and every subscription asks for its session itself.
      log.warn({ error: error.message }, 'sessions could not be checked');
    });

  const handleAccess = ({ access, sessions: ended }: FeedDifference): void => {
    if (access.length === 0 && ended.length === 0) return;
    const everywhere = new Set(access.filter(({ workspaceId }) => workspaceId === null).map(({ userId }) => userId));
    const people = new Set(access.map(({ userId }) => userId));
    const touched = new Set(access.map(({ userId, workspaceId }) => `${userId} ${workspaceId}`));
    const endedKeys = new Set(ended);
    for (const socket of allSockets()) {
      const { userId, sessionId, scope } = socket.data;
      if (endedKeys.has(sessionKey(sessionId))) endSocket(socket);
      // A socket that is just subscribing has no scope yet: its generation must move, too.
      else if (everywhere.has(userId) || (scope ? touched.has(`${userId} ${scope.workspaceId}`) : people.has(userId)))
        revoke(socket);
    }
    if (everywhere.size > 0) checkSessionsSoon();
  };
  const resyncAll = (reason: ResyncReason): void => {
    outbox.clear();
    summaries.touchAll();
    for (const socket of allSockets()) {
      leaveAll(socket);
      socket.data.scope = null;
      socket.data.generation++;
      socket.emit('resync:required', { reason });
    }
  };

  feed.events.on('passed', (difference) => {
    handleAccess(difference);
    if (difference.isTruncated) {
      checkSessionsSoon();
      return resyncAll('access');
    }
    if (difference.isOverflow) return resyncAll('behind');
    for (const workspaceId of difference.names)
      for (const socket of allSockets())
        if (workspaceId === null || socket.data.scope?.workspaceId === workspaceId)
          socket.emit('reference:changed', {});
    tellChanges(difference.operations);
    summaries.touch(difference.operations);
  });
  feed.events.on('stream changed', () => {
    log.warn('the stream of changes is a new one: every page reads its window anew');
    checkSessionsSoon();
    resyncAll('epoch');
  });
  feed.events.on('broken', (cause) =>
    log.error({ err: cause }, 'what changed could not be told; every page reads anew')
  );
  feed.events.on('halted', (link, cause) => {
    log.warn({ link, cause }, 'the feed cannot be vouched for');
    io.emit('feed:halted', { link });
  });
  feed.events.on('sound', () => log.info('the feed is sound'));

  const tick = (): void => {
    const link = feed.lostLink;
    if (link !== null || feed.place === null) return void io.emit('feed:halted', { link: link ?? 'database' });
    outbox.flush();
    const { place, proofAt } = feed;
    const now = performance.now();
    const late = [...summaries.lateUnits()].map(numbersRoom);
    for (const socket of allSockets()) {
      const { scope, userId, tokenAt } = socket.data;
      if (scope === null) continue;
      // Its numbers are older than what a tick would vouch for.
      if (late.some((room) => socket.rooms.has(room))) {
        socket.emit('feed:halted', { link: 'lag' });
        continue;
      }
      if (now - tokenAt < TOKEN_EVERY_MS) socket.emit('feed:ticked', { proofAt });
      else {
        socket.data.tokenAt = now;
        socket.emit('feed:ticked', {
          proofAt,
          token: tokenKey.seal(place, { userId, workspaceId: scope.workspaceId })
        });
      }
    }
  };
  const ticking = setInterval(tick, TICK_MS);
  const checking = setInterval(checkSessionsSoon, SESSION_CHECK_MS);

  return {
    feed,
    attach: (server) => void io.attach(server),
    handle: (request, response) => answerHealth(feed, request, response),
    async close() {
      clearInterval(ticking);
      clearInterval(checking);
      io.emit('server:closing', {});
      // Sockets first: an HTTP server does not close while one is open. The HTTP server itself is its owner's.
      io.disconnectSockets(true);
      io.engine?.close();
      outbox.clear();
      await summaries.close();
      await feed.close();
      await wakeUp.close();
      await Promise.all([feedPool.end(), pool.end(), numbersPool.end(), accessPool.end()]);
    }
  };
}
