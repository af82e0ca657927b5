/**
 * The connection itself as what is looked at: a subscription to one workspace like any page's, whose proofs, round trips
 * and losses are kept instead of its rows. Framework-free; `connection-feed.svelte.ts` only makes it reactive.
 * It measures by asking the node at the other end (over a WebSocket) or the server's own page for it (over HTTP), and
 * asks HTTP, too, while nothing is proven, so that "no way at all" and "no live way" can be told apart.
 * Invariants: one question at a time; what is kept is bounded; rows are dropped, nothing of the workspace stays here.
 */
import type { ConnectionRecord } from './journal.ts';
import type { Ports, Stop } from './ports.ts';
import type { Stamp } from './proof.ts';
import type { LiveSocket } from './socket.ts';
import { Subscription, type FeedOptions, type SubscriptionOwner, type Watched } from './subscription.ts';

/** The first round trips follow one another, so that there is something to see; then one now and then. */
const FIRST_TRIPS = 6;
const FIRST_GAP_MS = 300;
const TRIP_EVERY_MS = 5_000;
/** While all is well HTTP is asked only for what WebSockets do not tell: the version that is deployed. */
const HTTP_EVERY_MS = 30_000;
const MOST_TRIPS = 60;
const MOST_PROOFS = 360;

/** A round trip. */
export interface Trip {
  /** this computer's wall clock when the answer came, ms */
  at: number;
  ms: number;
}

/** What the server's own page for it answered. */
export interface HttpAnswer {
  node: string;
  protocol: number;
}
/** `signed out` and `unwell` (an error) are answers, too: somebody is there. null: nothing came. */
export type HttpReply = HttpAnswer | 'signed out' | 'unwell' | null;

export interface ConnectionView {
  stamp: Stamp;
  /** the server's time as far as it is known, ms */
  now: number;
  /** what ended it: for good, but for `reload` (another version is deployed); null = it goes on */
  ended: 'session' | 'reload' | 'absent' | null;
  way: 'websocket' | 'http' | null;
  /** of the way that is used, oldest first */
  trips: readonly Trip[];
  /** how far this computer's clock is ahead of the server's, and how far that may be wrong; null = not measured */
  clock: { aheadMs: number; withinMs: number } | null;
  /** the node that answered last over the way that is used */
  node: string | null;
  /** the protocol that the server speaks; null = it did not say yet */
  serverProtocol: number | null;
  /** did the server answer HTTP when it was asked last? null = it was not asked */
  answersHttp: boolean | null;
  /** how old the proofs were when they came, oldest first */
  proofs: readonly Trip[];
  record: ConnectionRecord;
}

export interface ConnectionPage {
  token: string;
  readAt: number;
  workspaceId: number;
}

export interface ConnectionParts {
  options: Pick<FeedOptions, 'refresh' | 'leave'>;
  ports: Ports;
  record: () => ConnectionRecord;
  /** asks the server's page for its name over HTTP; never rejects */
  askHttp: () => Promise<HttpReply>;
  draw: (view: ConnectionView) => void;
}

export class LiveConnection implements SubscriptionOwner {
  #page: ConnectionPage;
  #socket: LiveSocket | null = null;
  #isOpen = false;
  #way: ConnectionView['way'] = null;
  #trips: readonly Trip[] = [];
  #proofs: readonly Trip[] = [];
  #tightest: { aheadMs: number; withinMs: number; at: number } | null = null;
  #node: string | null = null;
  #serverProtocol: number | null = null;
  #answersHttp: boolean | null = null;
  #ended: ConnectionView['ended'] = null;
  #isAsking = false;
  #askedAt = -Infinity;
  #httpAskedAt = -Infinity;
  #asked = 0;
  #isClosed = false;
  #stopNext: Stop = () => {};
  #stopSeconds: Stop = () => {};
  readonly #subscription: Subscription;
  readonly #parts: ConnectionParts;

  constructor(page: ConnectionPage, parts: ConnectionParts) {
    this.#page = page;
    this.#parts = parts;
    const { ports } = parts;
    const watchedPorts: Ports = { ...ports, openSocket: (listener) => this.#open(listener) };
    this.#subscription = new Subscription(page, watched(page), {
      ports: watchedPorts,
      options: {
        ...parts.options,
        leave: () => {
          const { ended } = this.#subscription.connection;
          this.#ended = ended === 'absent' ? 'absent' : 'session';
          this.#draw();
          parts.options.leave();
        },
        // What was measured must not be taken away: whoever looks at it loads the page themselves.
        reload: () => {
          this.#ended = 'reload';
          this.#draw();
        }
      },
      owner: this
    });
    this.#draw();
  }

  get ended(): ConnectionView['ended'] {
    return this.#ended;
  }

  start(): void {
    this.#isClosed = false;
    this.#subscription.start();
    this.#stopSeconds = this.#parts.ports.everySecond(() => this.#second());
    this.#askOverHttp();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopNext();
    this.#stopSeconds();
    this.#subscription.close();
  }

  tryNow(): void {
    this.#subscription.tryNow();
    this.#askOverHttp();
  }

  adopt(page: ConnectionPage): void {
    if (page.token === this.#page.token) return;
    this.#page = page;
    const { name } = this.#subscription.connection;
    this.#subscription.adopted(page, watched(page), name === 'live' || name === 'rebasing');
  }

  // What the subscription hands over: of the workspace nothing is kept.

  rows(): void {}
  windowRead(): void {}
  summaries(): void {}
  summary(): void {}
  flush(): void {}
  purge(): void {}
  loseStream(): void {}
  changed(): void {
    // Of several nodes another one may still be of this version.
    if (this.#ended === 'reload' && this.#subscription.connection.name === 'live') this.#ended = null;
    const way = this.#isOpen && this.#socket ? (this.#socket.overHttp ? 'http' : 'websocket') : null;
    if (way !== null && way !== this.#way) {
      // Round trips of two ways are not compared.
      this.#trips = [];
      this.#asked = 0;
      this.#way = way;
      this.#ask();
    } else this.#way = way;
    this.#draw();
  }

  #open(listener: Parameters<Ports['openSocket']>[0]): LiveSocket {
    const socket = this.#parts.ports.openSocket({
      ...listener,
      connected: () => {
        this.#isOpen = true;
        listener.connected();
      },
      disconnected: (isUnopened) => {
        this.#isOpen = false;
        listener.disconnected(isUnopened);
      },
      message: (message) => {
        listener.message(message);
        if (message.event === 'feed:ticked') this.#proven();
      }
    });
    this.#socket = socket;
    return {
      subscribe: (message, answered) => socket.subscribe(message, answered),
      clock: (answered) => socket.clock(answered),
      close: () => {
        if (this.#socket === socket) {
          this.#socket = null;
          this.#isOpen = false;
        }
        socket.close();
      },
      get overHttp() {
        return socket.overHttp ?? false;
      }
    };
  }

  /** A tick was taken: as old as the stamp says, its proof was when it came. */
  #proven(): void {
    const { state, ageMs } = this.#subscription.stamp;
    if (state !== 'live' || ageMs === null) return;
    const { wall } = this.#parts.ports.moment();
    this.#proofs = [...this.#proofs, { at: wall, ms: ageMs }].slice(-MOST_PROOFS);
  }

  #second(): void {
    const { mono } = this.#parts.ports.moment();
    const isLive = this.#subscription.stamp.state === 'live';
    if (mono - this.#httpAskedAt >= (isLive ? HTTP_EVERY_MS : TRIP_EVERY_MS)) this.#askOverHttp();
    if (mono - this.#askedAt >= TRIP_EVERY_MS) this.#ask();
  }

  /** One round trip over the way that is used. Over HTTP that of `askHttp` counts: its own answers wait for each other. */
  #ask(): void {
    if (this.#way === 'http') return this.#askOverHttp();
    const socket = this.#socket;
    if (this.#way === null || socket === null || this.#isAsking) return;
    const from = this.#parts.ports.moment();
    this.#isAsking = true;
    this.#askedAt = from.mono;
    let isAnswered = false;
    const stop = this.#parts.ports.after(10_000, () => (this.#isAsking = false));
    socket.clock((now, node) => {
      if (isAnswered) return;
      isAnswered = true;
      stop();
      this.#isAsking = false;
      if (now === null || this.#isClosed || socket !== this.#socket) return;
      this.#node = node ?? null;
      const at = this.#parts.ports.moment();
      const ms = at.mono - from.mono;
      this.#took(ms);
      // The answer was written somewhere in between: half of the trip is the best guess, and the other half the doubt.
      const aheadMs = at.wall - ms / 2 - now;
      const known = this.#tightest;
      // A tighter one holds, unless the clock was set meanwhile or it is old.
      const isBetter = known === null || ms / 2 <= known.withinMs || at.mono - known.at > 60_000;
      if (isBetter || Math.abs(aheadMs - known.aheadMs) > known.withinMs + ms / 2)
        this.#tightest = { aheadMs, withinMs: ms / 2, at: at.mono };
      this.#draw();
    });
  }

  #took(ms: number): void {
    this.#trips = [...this.#trips, { at: this.#parts.ports.moment().wall, ms }].slice(-MOST_TRIPS);
    this.#asked += 1;
    if (this.#asked < FIRST_TRIPS) {
      this.#stopNext();
      this.#stopNext = this.#parts.ports.after(FIRST_GAP_MS, () => this.#ask());
    }
  }

  #askOverHttp(): void {
    const from = this.#parts.ports.moment().mono;
    if (from - this.#httpAskedAt < FIRST_GAP_MS) return;
    this.#httpAskedAt = from;
    if (this.#way === 'http') this.#askedAt = from;
    void this.#parts.askHttp().then((reply) => {
      if (this.#isClosed) return;
      this.#answersHttp = reply !== null;
      if (reply !== null && typeof reply === 'object') {
        this.#serverProtocol = reply.protocol;
        if (this.#way === 'http') {
          this.#node = reply.node;
          this.#took(this.#parts.ports.moment().mono - from);
        }
      }
      this.#draw();
    });
  }

  #draw(): void {
    const { stamp, now } = this.#subscription;
    const { moment } = this.#parts.ports;
    // Over HTTP nothing measures it tightly; what the answers bounded is good for seconds.
    const loose = stamp.state === 'live' ? { aheadMs: moment().wall - now, withinMs: 1_000 } : null;
    const { aheadMs, withinMs } = this.#tightest ?? loose ?? {};
    this.#parts.draw({
      stamp,
      now,
      ended: this.#ended,
      way: this.#way,
      trips: this.#trips,
      clock: aheadMs === undefined || withinMs === undefined ? null : { aheadMs, withinMs },
      node: this.#way === null ? null : this.#node,
      serverProtocol: this.#serverProtocol,
      answersHttp: this.#answersHttp,
      proofs: this.#proofs,
      record: this.#parts.record()
    });
  }
}

function watched({ workspaceId }: ConnectionPage): Watched {
  return { scope: { workspaceId, environmentId: null }, window: { kind: 'numbers' }, summaries: 'scope' };
}
