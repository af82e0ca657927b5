/**
 * The hub: opens the server of sockets and puts together what the feed tells, who may know it and how it is told;
 * it ticks, and ends what a change of access ends. It writes no row and imports nothing of SvelteKit.
 * Invariants: access is handled before the rows of the same pass; a tick is sent only while the feed can be vouched for,
 * and after everything it vouches for, on the same ordered connection.
 */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type pg from 'pg';
import type { Logger } from 'pino';
import { PROTOCOL_VERSION, TICK_MS, subscribeSchema, type ResyncReason, type Subscribe } from '../../live/protocol.ts';
import { openDenials, type Denial } from '../access/denials.ts';
import { openSessions } from '../access/sessions.ts';
import { openPool } from '../database/pool.ts';
import { openDisplays } from '../displays/trust.ts';
import { gatherReads } from '../database/gather-reads.ts';
import { openAccessReads } from './access-reads.ts';
import { openAdmission } from './admission.ts';
import { openArrivals } from './arrivals.ts';
import { openBroadcast, type LiveSocket } from './broadcast.ts';
import { openCatchUp } from './catch-up.ts';
import { readEnvironmentIds } from './scope-access.ts';
import { openFeed, type Feed, type FeedOptions } from './feed.ts';
import { openCounters, type LiveFigures, type PoolFigures } from './figures.ts';
import { answerHealth } from './health.ts';
import { answerCatchUp, openHttpWatch, type HttpCatchUpParts } from './http-catch-up.ts';
import { openRevocation } from './revocation.ts';
import { openRing } from './ring.ts';
import { numbersRoom } from './rooms.ts';
import { LARGEST_MESSAGE_BYTES, limitMessages, openSocketServer, readSubscriber } from './socket-server.ts';
import { openSummaries } from './summaries.ts';
import { subscribe } from './subscriptions.ts';
import { readTokenKey } from '../stream/token.ts';
import { openTicks } from './ticks.ts';
import { openWakeUp } from './wake-up.ts';

/** Sessions that ended by time alone are looked for this often; those that are deleted end at once. */
const SESSION_CHECK_MS = 60_000;

export interface HubOptions {
  databaseUrl: string;
  /** the same database through a transaction pooler, for what clients ask; the feed and LISTEN go directly */
  pooledUrl?: string | null;
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
  /** what this node is called where people may read it */
  node?: string;
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
  const { databaseUrl: url, pooledUrl = null, log } = options;
  const queries = { url: pooledUrl ?? url, pooled: pooledUrl !== null };
  // The feed and its canary never wait behind what clients ask for.
  const feedPool = openPool({ url, role: 'feed', max: 2, applicationName: 'watchfloor feed', prefersIndexes: true });
  const pool = openPool({ ...queries, role: 'feed', max: 4, applicationName: 'watchfloor hub' });
  // Numbers may take long in a large workspace; nobody who subscribes waits behind another workspace's.
  const numbersPool = openPool({ ...queries, role: 'feed', max: 2, applicationName: 'watchfloor numbers' });
  // Nor do they behind lists that are read again after a burst; one that takes long is left to its pages.
  const windowsPool = openPool({
    ...queries,
    role: 'feed',
    max: 2,
    applicationName: 'watchfloor lists',
    statementTimeoutMs: 3_000
  });
  // What all who return to a restarted node lack is one read, which may take a moment: nobody waits behind it.
  const returnsPool = openPool({
    url,
    role: 'feed',
    max: 1,
    applicationName: 'watchfloor returns',
    prefersIndexes: true
  });
  const accessPool = openPool({ ...queries, role: 'access', max: 4, applicationName: 'watchfloor hub sign-in' });
  const sessions = openSessions({ pool: accessPool, secure: options.secureCookies });
  const displays = openDisplays({ pool: accessPool, secure: options.secureCookies });
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
  const denials = openDenials({ log, db: pool });
  const deny = (request: IncomingMessage, denial: Omit<Denial, 'door' | 'address'>): void => {
    counters.denied++;
    denials.denied({ door: 'live', address: addressOf(request), ...denial });
  };

  const admission = openAdmission();
  const arrivals = openArrivals();
  // Fifty tabs that ask every two seconds, and half as much again.
  const httpAdmission = openAdmission({ perSecond: 40 });
  const io = openSocketServer({
    sessions,
    displays,
    admission,
    arrivals,
    deny,
    isOwnOrigin: options.isOwnOrigin,
    sharesUpgrades: options.sharesUpgrades ?? false
  });
  const watchedOverHttp = openHttpWatch();
  const summaries = openSummaries({
    db: numbersPool,
    now: () => feed.databaseNow(),
    isWatched: (unit) =>
      (io.sockets.adapter.rooms.get(numbersRoom(unit))?.size ?? 0) > 0 ||
      watchedOverHttp.has(unit) ||
      broadcast.isMissedIn(numbersRoom(unit)),
    send: (unit, summary) => io.to(numbersRoom(unit)).emit('summary:changed', { summary }),
    becameStale: (operations) => {
      ring.told(operations);
      broadcast.tell(operations);
    }
  });
  const broadcast = openBroadcast({
    io,
    db: windowsPool,
    feed,
    ring,
    summaries,
    counters,
    arriving: () => arrivals.now,
    drainMs: options.drainMs
  });
  const { sockets: allSockets, leaveAll } = broadcast;
  const readAccess = openAccessReads(pool);
  const readEnvironments = gatherReads(async (workspaces: number[]) => {
    const distinct = [...new Set(workspaces)];
    const found = new Map(
      await Promise.all(distinct.map(async (id) => [id, await readEnvironmentIds(pool, id)] as const))
    );
    return workspaces.map((id) => found.get(id)!);
  });
  const catchUp = openCatchUp({ db: pool, backDb: returnsPool, feed, ring, counters, readAccess });
  const overHttp: HttpCatchUpParts = {
    db: pool,
    feed,
    catchUp,
    tokenKey,
    summaries,
    counters,
    deny,
    isOwnOrigin: options.isOwnOrigin,
    readSubscriber: (request) => readSubscriber({ sessions, displays }, request),
    readAccess,
    readEnvironments,
    maySubscribe: (sessionId) => httpAdmission.maySubscribe(sessionId, performance.now()),
    watching: watchedOverHttp.add,
    mostBytes: LARGEST_MESSAGE_BYTES
  };

  const subscriptionParts = { db: pool, feed, catchUp, tokenKey, summaries, readAccess, readEnvironments };
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
        broadcast.forget(socket);
        void arrivals
          .during(subscribe(subscriptionParts, socket.data, rooms, parsed.data, namesChanged))
          .then(
            (answered) => {
              if (answered.result === 'resync') counters.resyncs[answered.reason]++;
              if (answered.result === 'absent') {
                const { userId: personId, sessionId } = socket.data;
                deny(socket.request, { personId, sessionId, requestId: socket.id, ...parsed.data.scope });
              }
              answer(answered);
              broadcast.answered(socket);
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
    socket.on('disconnect', () => broadcast.forget(socket));
    socket.on('clock', (answer) => {
      // Before the first reading there is no time to tell; the client asks again.
      if (typeof answer === 'function' && feed.place !== null)
        answer({ now: feed.databaseNow(), ...(options.node !== undefined && { node: options.node }) });
    });
  });

  const { handleAccess, checkSessionsSoon } = openRevocation({ db: pool, broadcast, log });
  const resyncAll = (reason: ResyncReason): void => {
    summaries.touchAll();
    broadcast.resyncAll(reason);
  };

  feed.events.on('passed', (difference) => {
    handleAccess(difference);
    if (difference.isTruncated || difference.isOverflow) ring.cut(difference.place);
    else ring.passed(difference);
    if (difference.isTruncated) {
      checkSessionsSoon();
      return resyncAll('access');
    }
    broadcast.tellNames(difference.names);
    if (difference.isOverflow)
      return difference.bulk === null ? resyncAll('behind') : broadcast.tellBurst(difference.bulk);
    broadcast.tell(difference.operations);
    summaries.touch(difference.operations);
  });
  feed.events.on('stream changed', ({ place }) => {
    ring.cut(place);
    log.warn('the stream of changes is a new one: every page reads its window anew');
    checkSessionsSoon();
    resyncAll('epoch');
  });
  wakeUp.events.on('canary', (ms) => {
    counters.canary.returned++;
    counters.canary.lastMs = ms;
  });
  wakeUp.events.on('lost', () => void counters.canary.lost++);
  feed.events.on('broken', (cause) =>
    log.error({ err: cause }, 'what changed could not be told; every page reads anew')
  );
  feed.events.on('halted', (link, cause) => {
    log.warn({ link, cause }, 'the feed cannot be vouched for');
    io.emit('feed:halted', { link });
  });
  feed.events.on('sound', () => log.info('the feed is sound'));

  const ticks = openTicks({ io, feed, broadcast, summaries, tokenKey });
  const ticking = setInterval(() => ticks.tick(), TICK_MS);
  const checking = setInterval(checkSessionsSoon, SESSION_CHECK_MS);

  return {
    feed,
    attach(server) {
      io.attach(server);
      limitMessages(io, deny);
    },
    handle: (request, response) => answerHealth(feed, request, response) || answerCatchUp(overHttp, request, response),
    sockets: allSockets,
    figures: () => ({
      ...structuredClone(counters),
      sockets: io.sockets.sockets.size,
      laggardsNow: broadcast.laggards,
      ringBatches: ring.batches,
      ringRows: ring.changes,
      proofAgeMs: Math.max(0, feed.databaseNow() - feed.proofAt),
      lostLink: feed.lostLink,
      pools: {
        feed: toFigures(feedPool),
        hub: toFigures(pool),
        numbers: toFigures(numbersPool),
        lists: toFigures(windowsPool),
        returns: toFigures(returnsPool),
        access: toFigures(accessPool)
      }
    }),
    async close() {
      clearInterval(ticking);
      ticks.close();
      clearInterval(checking);
      io.emit('server:closing', {});
      // Sockets first: an HTTP server does not close while one is open. The HTTP server itself is its owner's.
      io.disconnectSockets(true);
      io.engine?.close();
      denials.close();
      await broadcast.close();
      await summaries.close();
      await feed.close();
      await wakeUp.close();
      await Promise.all([
        feedPool.end(),
        pool.end(),
        numbersPool.end(),
        windowsPool.end(),
        returnsPool.end(),
        accessPool.end()
      ]);
    }
  };
}

/** null where a proxy stands between: its own address is no client's, and its header is not ours to believe. */
function addressOf({ headers, socket }: IncomingMessage): string | null {
  return 'x-forwarded-for' in headers || 'forwarded' in headers ? null : (socket.remoteAddress ?? null);
}

function toFigures({ totalCount: total, idleCount: idle, waitingCount: waiting }: pg.Pool): PoolFigures {
  return { total, idle, waiting };
}
