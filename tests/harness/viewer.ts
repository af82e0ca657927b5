/**
 * A browser without a browser: the real `LiveList` of src/lib/live on Node's clocks and a real socket, with the page load
 * that a route would run. It hops between hubs as a client behind a balancer does, and complains when a row that is on
 * screen goes back to an older revision.
 */
import type { Socket as NetSocket } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import type { HubPage, PageSize } from '../../src/lib/operations/pages.ts';
import type { OperationRow } from '../../src/lib/operations/operation.ts';
import { LiveList, type ListView, type TimeView } from '../../src/lib/live/live-list.ts';
import type { Ports } from '../../src/lib/live/ports.ts';
import type { LiveSocket, ServerMessage, SocketListener } from '../../src/lib/live/socket.ts';
import {
  CATCH_UP_PATH,
  LIVE_PATH,
  serverEvents,
  subscribeAnswerSchema,
  type ClientEvents,
  type Scope,
  type ServerEvents
} from '../../src/lib/live/protocol.ts';
import { openPool } from '../../src/lib/server/database/pool.ts';
import { readWorkspace } from '../../src/lib/server/access/scope.ts';
import { CLEAN_FILTER, type ListFilter } from '../../src/lib/operations/filter.ts';
import { readListCounts } from '../../src/lib/server/operations/counts.ts';
import { readPageOfRows } from '../../src/lib/server/operations/first-page.ts';
import type { Summary } from '../../src/lib/operations/summary.ts';
import { toListQuery } from '../../src/lib/server/operations/requests.ts';
import { readSummaries, summaryPlaces } from '../../src/lib/server/operations/summary.ts';
import { sealPage } from '../../src/lib/server/stream/token.ts';
import { openHttpSocket } from '../../src/lib/live/http-socket.ts';
import type { TestPerson } from './world.ts';

/** The loads of the SvelteKit half, on pools of their own. */
export function openPages(url: string): {
  /** null = 404 */
  read(person: TestPerson, scope: Scope, pageSize: PageSize, filter?: ListFilter): Promise<HubPage | null>;
  close(): Promise<void>;
} {
  const people = openPool({ url, role: 'people', max: 6, applicationName: 'test pages' });
  const access = openPool({ url, role: 'access', max: 2, applicationName: 'test pages sign-in' });
  return {
    read: (person, { workspaceId, environmentId }, pageSize, filter = CLEAN_FILTER) =>
      readWorkspace(people, person.id, workspaceId, async (client, visible) => {
        const environment = visible.environments.find(({ id }) => id === environmentId) ?? null;
        if (environmentId !== null && environment === null) return null;
        const request = { environmentId, filter, pageSize, after: null, before: null };
        return {
          workspace: visible.workspace,
          environment,
          environments: visible.environments,
          typeLabels: {},
          filter,
          query: toListQuery(request, true),
          summaries: await readSummaries(client, workspaceId, summaryPlaces(visible, environmentId), visible.readAt),
          listCounts: await readListCounts(client, visible, environmentId, filter),
          options: { types: [], initiators: [] },
          mayReview: false,
          ...(await readPageOfRows(client, visible, request)),
          pageSize,
          token: await sealPage(access, visible, { userId: person.id, workspaceId }),
          readAt: visible.readAt
        };
      }),
    close: async () => void (await Promise.all([people.end(), access.end()]))
  };
}

export interface Viewer {
  readonly rows: OperationRow[];
  readonly summary: Summary | null;
  readonly state: string;
  /** rows wait above what is shown, the screen is paused, or it says that the rest is being read: no claim to be all */
  readonly isHolding: boolean;
  /** what it watches may not be seen any more: it left */
  readonly hasLeft: boolean;
  /** rows that went back on screen: must stay empty */
  readonly wentBack: string[];
  /** the connection is cut without a word, and for so long there is no network */
  drop(awayMs?: number): void;
  /** for so long it takes nothing off the wire, as a frozen tab or a dead link does */
  stall(ms: number): void;
  list: LiveList;
  close(): void;
}

export interface ViewerOptions {
  person: TestPerson;
  scope: Scope;
  pageSize: PageSize;
  filter?: ListFilter;
  pages: ReturnType<typeof openPages>;
  /** port of the hub to go to next; over HTTP with each question */
  port: () => number;
  /** as where WebSockets are forbidden */
  overHttp?: boolean;
  /** hears of each row that comes over the wire or with a page, before it is judged by anybody */
  told?: (row: OperationRow) => void;
}

/** Loads the first page and follows it. Throws when the page is a 404. */
export async function openViewer({
  person,
  scope,
  pageSize,
  filter,
  pages,
  port,
  overHttp,
  told
}: ViewerOptions): Promise<Viewer> {
  const first = await pages.read(person, scope, pageSize, filter);
  if (first === null) throw new Error('This person may not see this scope.');
  let awayUntil = 0;
  let hasLeft = false;
  const leave = (): void => {
    hasLeft = true;
    list.close();
  };
  const isAway = (): boolean => performance.now() < awayUntil;
  /** nothing listens there */
  const reached = (): number => (isAway() ? 1 : port());
  let view: ListView | null = null;
  let time: TimeView | null = null;
  let socket: Socket<ServerEvents, ClientEvents> | null = null;
  const shown = new Map<number, number>();
  const wentBack: string[] = [];

  const ports: Ports = {
    moment: () => ({ mono: performance.now(), wall: Date.now() }),
    random: Math.random,
    after: (ms, callback) => stopper(setTimeout(callback, ms)),
    everySecond: (callback) => stopper(setInterval(callback, 1_000)),
    onFrame: (callback) => stopper(setTimeout(callback, 5)),
    onReturn: () => () => {},
    isVisible: () => true,
    openSocket: (listener) => {
      const heard = told ? overhear(listener, told) : listener;
      if (overHttp) return overhearAnswers(openNodeHttpSocket(reached, person.cookie, heard, ports), told);
      const opened = openNodeSocket(reached(), person.cookie, heard);
      socket = opened.socket;
      return overhearAnswers(opened.live, told);
    },
    warn: (message) => wentBack.push(message)
  };
  const list: LiveList = new LiveList(first, {
    ports,
    options: {
      refresh: async () => {
        if (isAway()) throw new Error('There is no network.');
        const page = await pages.read(person, scope, pageSize, filter);
        for (const row of page?.rows ?? []) told?.(row);
        if (page) list.adopt(page);
        else leave();
      },
      leave,
      reload: leave
    },
    draw(next) {
      for (const { id, revision } of next.rows) {
        if (revision < (shown.get(id) ?? 0)) wentBack.push(`operation ${id} went from ${shown.get(id)} to ${revision}`);
        shown.set(id, revision);
      }
      view = next;
    },
    tick: (next) => (time = next)
  });
  list.start();
  return {
    get rows() {
      return view?.rows ?? [];
    },
    get summary() {
      return view?.summary ?? null;
    },
    get state() {
      return time?.stamp.state ?? 'connecting';
    },
    get isHolding() {
      return view === null || view.waiting > 0 || view.paused || view.withheld || view.short;
    },
    get hasLeft() {
      return hasLeft;
    },
    wentBack,
    drop(awayMs = 0) {
      awayUntil = Math.max(awayUntil, performance.now() + awayMs);
      socket?.io.engine?.close();
    },
    stall(ms) {
      // Nothing of ours is public there; a WebSocket that is just opening has no connection yet.
      const engine = socket?.io.engine as unknown as { transport?: { ws?: { _socket?: NetSocket } } } | undefined;
      const tcp = engine?.transport?.ws?._socket;
      tcp?.pause();
      setTimeout(() => tcp?.resume(), ms);
    },
    list,
    close: () => list.close()
  };
}

/** Rows of what the hub says by itself. */
function overhear(listener: SocketListener, told: (row: OperationRow) => void): SocketListener {
  return {
    ...listener,
    message(message) {
      if (message.event === 'rows:changed') message.body.rows.forEach(told);
      if (message.event === 'window:read') [...message.body.rows, ...message.body.changes.rows].forEach(told);
      listener.message(message);
    }
  };
}

/** Rows of what it answers. */
function overhearAnswers(live: LiveSocket, told: ((row: OperationRow) => void) | undefined): LiveSocket {
  if (!told) return live;
  const subscribe = live.subscribe.bind(live);
  live.subscribe = (message, answered) =>
    subscribe(message, (answer) => {
      if (answer?.result === 'caught_up') answer.rows.forEach(told);
      answered(answer);
    });
  return live;
}

function stopper(timer: NodeJS.Timeout): () => void {
  return () => clearTimeout(timer);
}

/** The browser's own, with an address and a cookie; no WebSocket ever opens. */
function openNodeHttpSocket(
  port: () => number,
  cookie: string,
  listener: SocketListener,
  { after, onReturn }: Ports
): LiveSocket {
  const never: LiveSocket = { subscribe() {}, clock() {}, close() {} };
  return openHttpSocket(listener, {
    after,
    onReturn,
    openWebSocket: () => never,
    works() {},
    post(question, replied) {
      const flight = new AbortController();
      fetch(`http://127.0.0.1:${port()}${CATCH_UP_PATH}`, {
        method: 'POST',
        body: JSON.stringify(question),
        headers: { cookie, 'content-type': 'application/json' },
        signal: flight.signal
      })
        .then(async (answer) => ({ status: answer.status, body: (await answer.json()) as unknown }))
        .catch(() => null)
        .then((reply) => {
          if (!flight.signal.aborted) replied(reply);
        }, listener.disconnected);
      return () => flight.abort();
    }
  });
}

/** As src/lib/live/socket.ts, with an address and a cookie; what does not fit the schemas is a failure of the hub. */
function openNodeSocket(
  port: number,
  cookie: string,
  listener: SocketListener
): { socket: Socket<ServerEvents, ClientEvents>; live: LiveSocket } {
  const socket: Socket<ServerEvents, ClientEvents> = io(`http://127.0.0.1:${port}`, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    extraHeaders: { cookie },
    timeout: 3_000
  });
  let closed = false;
  socket.on('connect', () => listener.connected());
  socket.on('connect_error', () => listener.disconnected());
  socket.on('disconnect', () => listener.disconnected());
  for (const event of Object.keys(serverEvents) as (keyof ServerEvents)[])
    socket.on(event, ((input: unknown) => {
      const body = serverEvents[event].safeParse(input ?? {});
      if (body.success) listener.message({ event, body: body.data } as ServerMessage);
      else listener.malformed(event);
    }) as never);
  const live: LiveSocket = {
    subscribe: (message, answered) =>
      void socket.timeout(5_000).emit('subscribe', message, (error, input) => {
        if (!closed) answered(error ? null : subscribeAnswerSchema.parse(input));
      }),
    clock: (answered) =>
      void socket.timeout(5_000).emit('clock', (error, answer) => {
        if (!closed) answered(error ? null : answer.now);
      }),
    close() {
      closed = true;
      socket.off();
      socket.disconnect();
    }
  };
  return { socket, live };
}
