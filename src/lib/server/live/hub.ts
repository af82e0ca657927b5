/**
 * The hub: the only file that knows socket.io. It puts what the feed tells on the wire for exactly those who may know,
 * ticks, and ends what a change of access ends. It writes no row and imports nothing of SvelteKit.
 * Invariants: access is handled before the rows of the same pass; a tick is sent only while the feed can be vouched for,
 * and after everything it vouches for, on the same ordered connection.
 */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type pg from 'pg';
import type { Logger } from 'pino';
import { Server, type Socket } from 'socket.io';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  TICK_MS,
  subscribeSchema,
  type ClientEvents,
  type ResyncReason,
  type Scope,
  type ServerEvents,
  type Subscribe
} from '../../live/protocol.ts';
import { openSessions } from '../access/sessions.ts';
import { openPool } from '../database/pool.ts';
import { openAdmission } from './admission.ts';
import { openCatchUp } from './catch-up.ts';
import { sessionKey, type ChangedPlace, type FeedDifference } from './differences.ts';
import { openFeed, type Feed, type FeedOptions } from './feed.ts';
import { openCounters, type LiveFigures, type PoolFigures } from './figures.ts';
import { answerHealth } from './health.ts';
import { answerCatchUp, type HttpCatchUpParts } from './http-catch-up.ts';
import { openLaggards } from './laggards.ts';
import { openOutbox } from './outbox.ts';
import { openRing } from './ring.ts';
import {
  environmentUnit,
  numbersRoom,
  summaryUnit,
  toUnitDeltas,
  workspaceItselfUnit,
  workspaceUnit,
  type Delta,
  type OperationChange,
  type Unit
} from './rooms.ts';
import { openSummaries } from './summaries.ts';
import { subscribe } from './subscriptions.ts';
import { readTokenKey } from '../stream/token.ts';
import { openWakeUp } from './wake-up.ts';
import { newWatcher, type Watcher, type Watching } from './watcher.ts';
import { openWindows, WINDOW_LATE_MS } from './windows.ts';

/** A client's message is a scope and a token: nothing larger is read. */
const LARGEST_MESSAGE_BYTES = 16_384;
/** Sessions that ended by time alone are looked for this often; those that are deleted end at once. */
const SESSION_CHECK_MS = 60_000;
/** A socket is given a fresh token with a tick at most this often. */
const TOKEN_EVERY_MS = 10_000;
/** Whoever asks over HTTP counts as a watcher of its numbers for so long after each question. */
const HTTP_WATCH_MS = 10_000;

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
  /** ms until a slow client is cut off; shorter in tests */
  drainMs?: number;
}

export interface Hub {
  attach(server: HttpServer): void;
  /** answers /healthz, /readyz and catch-up over HTTP; false for everything else */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  feed: Feed;
  figures(): LiveFigures;
  /** the open sockets, for tests that look at what waits in them */
  sockets(): Iterable<Pick<LiveSocket, 'id' | 'conn'>>;
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
  const counters = openCounters();
  const wakeUp = openWakeUp({ url, pool: feedPool });
  const feed = openFeed({
    db: feedPool,
    wakeUp,
    counters,
    ...(options.difference && { difference: options.difference })
  });
  const ring = openRing();

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
          ...newWatcher({ userId: found.person.id, sessionId: found.sessionId }),
          tokenAt: 0
        } satisfies SocketData);
        next();
      },
      () => next(new Error('unavailable'))
    );
  });

  const allSockets = (): LiveSocket[] => [...io.sockets.sockets.values()];
  const socketsOf = (ids: Iterable<string>): LiveSocket[] => [...ids].flatMap((id) => io.sockets.sockets.get(id) ?? []);
  const socketsIn = (room: string): LiveSocket[] => socketsOf(io.sockets.adapter.rooms.get(room) ?? []);
  const leaveAll = (socket: LiveSocket): void => {
    // Every socket stays in the room of its own id; all others are units.
    for (const room of [...socket.rooms]) if (room !== socket.id) void socket.leave(room);
  };
  const roomsOf = (scope: Scope, { units, places }: Pick<Watching, 'units' | 'places'>): string[] => [
    ...units,
    ...places.map((place) => numbersRoom(summaryUnit(scope.workspaceId, place)))
  ];
  /** This socket is told nothing more until it subscribes anew. */
  const stopTelling = (socket: LiveSocket): void => {
    leaveAll(socket);
    laggards.forget(socket);
    socket.data.watching = null;
    socket.data.windowDueSince = null;
    socket.data.generation++;
  };
  const resync = (socket: LiveSocket, reason: ResyncReason): void => {
    stopTelling(socket);
    counters.resyncs[reason]++;
    socket.emit('resync:required', { reason });
  };
  /** Everything this socket may see is in doubt. */
  const revoke = (socket: LiveSocket): void => {
    stopTelling(socket);
    socket.emit('access:changed', { generation: socket.data.generation });
  };

  const outbox = openOutbox({
    send(unit, delta) {
      counters.messages++;
      counters.rows += delta.rows.length + delta.removed.length;
      io.to(unit).emit('rows:changed', delta);
      laggards.sent(socketsIn(unit));
    },
    bulk: (unit, delta) => tellBulk(unit, delta),
    audience: (unit) => io.sockets.adapter.rooms.get(unit)?.size ?? 0
  });
  const laggards = openLaggards<LiveSocket>({
    ring,
    counters,
    // Socket.IO's types hide it, and nothing else shows how slow a client is (ENGINE 3, backpressure).
    packetsOf: ({ conn }) => (conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length,
    place: () => feed.place,
    flush: () => outbox.flush(),
    leave: leaveAll,
    rejoin(socket, missed) {
      const { watching } = socket.data;
      if (watching === null) return;
      void socket.join(roomsOf(watching.scope, watching));
      if (missed === null || socket.data.windowDueSince !== null) watchAgain([socket]);
      else if (missed.rows.length + missed.removed.length > 0) socket.emit('rows:changed', missed);
      for (const summary of summaries.known(watching.scope.workspaceId, watching.places))
        socket.emit('summary:changed', { summary });
    },
    cut: (socket) => void socket.disconnect(true),
    ...(options.drainMs !== undefined && { drainMs: options.drainMs })
  });
  const windows = openWindows({
    db: pool,
    feed,
    ring,
    counters,
    clients: allSockets,
    send: (ids, message) => io.to(ids).emit('window:read', message),
    resync: (ids) => {
      for (const socket of socketsOf(ids)) resync(socket, 'behind');
    }
  });
  /** What these show must be read again: lists by us, once for all; single operations by their pages. */
  const watchAgain = (sockets: readonly LiveSocket[]): void => {
    for (const socket of sockets) {
      const { watching } = socket.data;
      // One that is just subscribing is looked at again with its answer.
      if (watching === null || watching.window.kind === 'list') socket.data.windowDueSince ??= performance.now();
      else if (watching.window.kind === 'operation') resync(socket, 'behind');
    }
    windows.look();
  };
  /** Very much changed in a unit at once; `delta` null = nobody knows what. */
  const tellBulk = (unit: Unit, delta: Delta | null): void => {
    counters.bulks++;
    const sockets = socketsIn(unit);
    if (delta === null) return watchAgain(sockets);
    const rows = new Map(delta.rows.map((row) => [row.id, row]));
    const removed = new Map(delta.removed);
    for (const socket of sockets) {
      const window = socket.data.watching?.window;
      if (window?.kind !== 'operation') continue;
      const [row, revision] = [rows.get(window.id), removed.get(window.id)];
      if (row !== undefined) socket.emit('rows:changed', { rows: [row], removed: [] });
      else if (revision !== undefined) socket.emit('rows:changed', { rows: [], removed: [[window.id, revision]] });
    }
    watchAgain(sockets.filter(({ data }) => data.watching?.window.kind !== 'operation'));
  };
  const tellBulkOf = (places: readonly ChangedPlace[]): void => {
    const units = new Set<Unit>();
    for (const { workspaceId, environmentId } of places) {
      units.add(workspaceUnit(workspaceId));
      units.add(
        environmentId === null ? workspaceItselfUnit(workspaceId) : environmentUnit(workspaceId, environmentId)
      );
    }
    for (const unit of units) if (io.sockets.adapter.rooms.has(unit)) tellBulk(unit, null);
    summaries.touchPlaces(places);
  };

  const httpWatched = new Map<Unit, number>();
  const isWatchedOverHttp = (unit: Unit): boolean => {
    const until = httpWatched.get(unit);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    httpWatched.delete(unit);
    return false;
  };
  const summaries = openSummaries({
    db: numbersPool,
    now: () => feed.databaseNow(),
    isWatched: (unit) => (io.sockets.adapter.rooms.get(numbersRoom(unit))?.size ?? 0) > 0 || isWatchedOverHttp(unit),
    send: (unit, summary) => io.to(numbersRoom(unit)).emit('summary:changed', { summary }),
    becameStale: (operations) => {
      ring.told(operations);
      tellChanges(operations);
    }
  });
  const tellChanges = (operations: readonly OperationChange[]): void => {
    for (const [unit, delta] of toUnitDeltas(operations)) outbox.add(unit, delta);
  };
  const catchUp = openCatchUp({ db: pool, feed, ring, counters });
  const overHttp: HttpCatchUpParts = {
    db: pool,
    feed,
    catchUp,
    tokenKey,
    summaries,
    counters,
    isOwnOrigin: options.isOwnOrigin,
    readSession: async (cookie) => {
      const found = await sessions.readSession(cookie);
      return found ? { userId: found.person.id, sessionId: found.sessionId } : null;
    },
    maySubscribe: (sessionId) => admission.maySubscribe(sessionId, performance.now()),
    watching: (units) => {
      for (const unit of units) httpWatched.set(unit, performance.now() + HTTP_WATCH_MS);
    },
    mostBytes: LARGEST_MESSAGE_BYTES
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
        laggards.forget(socket);
        void subscribe({ db: pool, feed, catchUp, tokenKey, summaries }, socket.data, rooms, parsed.data, namesChanged)
          .then(
            (answered) => {
              if (answered.result === 'resync') counters.resyncs[answered.reason]++;
              if (answered.result === 'absent') counters.denied++;
              answer(answered);
              // A burst while it was asking: whether the answer has it in whole nobody knows.
              const wasDue = socket.data.windowDueSince !== null;
              socket.data.windowDueSince = null;
              if (wasDue && socket.data.watching !== null) watchAgain([socket]);
            },
            () => answer({ result: 'unavailable', link: feed.lostLink ?? 'database' })
          )
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
    socket.on('disconnect', () => laggards.forget(socket));
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
      const { userId, sessionId, watching } = socket.data;
      if (endedKeys.has(sessionKey(sessionId))) endSocket(socket);
      // A socket that is just subscribing watches nothing yet: its generation must move, too.
      else if (
        everywhere.has(userId) ||
        (watching ? touched.has(`${userId} ${watching.scope.workspaceId}`) : people.has(userId))
      )
        revoke(socket);
    }
    if (everywhere.size > 0) checkSessionsSoon();
  };
  const resyncAll = (reason: ResyncReason): void => {
    outbox.clear();
    summaries.touchAll();
    for (const socket of allSockets()) resync(socket, reason);
  };

  feed.events.on('passed', (difference) => {
    handleAccess(difference);
    if (difference.isTruncated || difference.isOverflow) ring.cut(difference.place);
    else ring.passed(difference);
    if (difference.isTruncated) {
      checkSessionsSoon();
      return resyncAll('access');
    }
    for (const workspaceId of difference.names)
      for (const socket of allSockets())
        if (workspaceId === null || socket.data.watching?.scope.workspaceId === workspaceId)
          socket.emit('reference:changed', {});
    if (difference.isOverflow) return difference.bulk === null ? resyncAll('behind') : tellBulkOf(difference.bulk);
    tellChanges(difference.operations);
    summaries.touch(difference.operations);
  });
  feed.events.on('stream changed', ({ place }) => {
    ring.cut(place);
    log.warn('the stream of changes is a new one: every page reads its window anew');
    checkSessionsSoon();
    resyncAll('epoch');
  });
  wakeUp.events.on('canary', () => void counters.canary.returned++);
  wakeUp.events.on('lost', () => void counters.canary.lost++);
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
      const { watching, windowDueSince, lagging, userId, tokenAt } = socket.data;
      // One that is slow is told nothing: its own silence says so.
      if (watching === null || lagging !== null) continue;
      // Its numbers or its list are older than what a tick would vouch for.
      const isLate = windowDueSince !== null && now - windowDueSince > WINDOW_LATE_MS;
      if (isLate || late.some((room) => socket.rooms.has(room))) {
        socket.emit('feed:halted', { link: 'lag' });
        continue;
      }
      if (windowDueSince !== null) continue;
      if (now - tokenAt < TOKEN_EVERY_MS) socket.emit('feed:ticked', { proofAt });
      else {
        socket.data.tokenAt = now;
        socket.emit('feed:ticked', {
          proofAt,
          token: tokenKey.seal(place, { userId, workspaceId: watching.scope.workspaceId })
        });
      }
    }
  };
  const ticking = setInterval(tick, TICK_MS);
  const checking = setInterval(checkSessionsSoon, SESSION_CHECK_MS);

  return {
    feed,
    attach: (server) => void io.attach(server),
    handle: (request, response) => answerHealth(feed, request, response) || answerCatchUp(overHttp, request, response),
    sockets: allSockets,
    figures: () => ({
      ...structuredClone(counters),
      sockets: io.sockets.sockets.size,
      laggardsNow: laggards.now,
      ringBatches: ring.batches,
      ringRows: ring.changes,
      proofAgeMs: Math.max(0, feed.databaseNow() - feed.proofAt),
      lostLink: feed.lostLink,
      pools: {
        feed: toFigures(feedPool),
        hub: toFigures(pool),
        numbers: toFigures(numbersPool),
        access: toFigures(accessPool)
      }
    }),
    async close() {
      clearInterval(ticking);
      clearInterval(checking);
      laggards.close();
      io.emit('server:closing', {});
      // Sockets first: an HTTP server does not close while one is open. The HTTP server itself is its owner's.
      io.disconnectSockets(true);
      io.engine?.close();
      outbox.clear();
      await windows.close();
      await summaries.close();
      await feed.close();
      await wakeUp.close();
      await Promise.all([feedPool.end(), pool.end(), numbersPool.end(), accessPool.end()]);
    }
  };
}

function toFigures({ totalCount: total, idleCount: idle, waitingCount: waiting }: pg.Pool): PoolFigures {
  return { total, idle, waiting };
}
