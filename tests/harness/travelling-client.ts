/**
 * Clients of a cluster that are sent from node to node, as simple as the wire allows: one that holds a socket, comes back
 * from its last place wherever it is led, and one that asks over HTTP. Invariant: whatever a person would have noticed
 * (a refusal, a window that has to be read anew, a row that goes back) is kept in `surprises`.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import {
  CATCH_UP_PATH,
  LIVE_PATH,
  PROTOCOL_VERSION,
  type RowsChanged,
  type Subscribe,
  type SubscribeAnswer
} from '../../src/lib/live/protocol.ts';
import { fetchAsBrowser } from './browser-fetch.ts';

export interface Travel {
  /** address of the proxy */
  url: string;
  cookie: string;
  workspaceId: number;
  token: string;
}

export abstract class TravellingClient {
  readonly revisions = new Map<number, number>();
  readonly surprises: string[] = [];
  protected isOver = false;
  protected token: string;
  protected readonly travel: Travel;

  constructor(travel: Travel) {
    this.travel = travel;
    this.token = travel.token;
  }

  abstract start(): Promise<void>;
  abstract close(): void;

  protected question(): Subscribe {
    return {
      protocol: PROTOCOL_VERSION,
      scope: { workspaceId: this.travel.workspaceId, environmentId: null },
      window: { kind: 'list', query: '' },
      summaries: 'scope',
      token: this.token
    };
  }

  protected take(answer: SubscribeAnswer): boolean {
    if (answer.result === 'caught_up') {
      this.token = answer.token;
      this.apply(answer);
      return true;
    }
    // A node that just started may not vouch for anything yet.
    if (answer.result !== 'unavailable') this.surprises.push(JSON.stringify(answer));
    return false;
  }

  protected apply({ rows }: Pick<RowsChanged, 'rows'>): void {
    for (const { id, revision } of rows) this.revisions.set(id, Math.max(revision, this.revisions.get(id) ?? 0));
  }
}

export class SocketClient extends TravellingClient {
  /** times that it was told to go elsewhere, and that it lost its socket */
  told = 0;
  lost = 0;
  #socket: Socket | null = null;

  async start(): Promise<void> {
    for (;;) {
      if (this.isOver || (await this.#open())) return;
      await wait(100 + 200 * Math.random());
    }
  }

  /** As the browser: everything that was told before the answer is applied with it. */
  async #open(): Promise<boolean> {
    const { url, cookie } = this.travel;
    const socket = io(url, {
      path: LIVE_PATH,
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { cookie, origin: url }
    });
    this.#socket = socket;
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('connect_error', (error) => {
        if (/signed out|too many/.test(error.message)) this.surprises.push(error.message);
        resolve(false);
      });
    });
    if (!opened) return false;
    let isLost = false;
    let goOn: (() => void) | null = null;
    socket.once('disconnect', () => {
      isLost = true;
      this.lost += 1;
      goOn?.();
    });
    socket.on('server:closing', () => (this.told += 1));
    socket.on('rows:changed', (delta: RowsChanged) => this.apply(delta));
    socket.on('feed:ticked', ({ token }: { token?: string }) => (this.token = token ?? this.token));
    for (const event of ['resync:required', 'access:changed', 'session:ended'])
      socket.on(event, (message: unknown) => this.surprises.push(`${event} ${JSON.stringify(message)}`));
    const answer = (await socket
      .timeout(20_000)
      .emitWithAck('subscribe', this.question())
      .catch(() => null)) as SubscribeAnswer | null;
    if (answer === null || !this.take(answer)) {
      socket.disconnect();
      return false;
    }
    goOn = () => {
      if (!this.isOver) void wait(200 + 1_300 * Math.random()).then(() => this.start());
    };
    if (isLost) goOn();
    return true;
  }

  close(): void {
    this.isOver = true;
    this.#socket?.disconnect();
  }
}

export class HttpClient extends TravellingClient {
  asked = 0;

  async start(): Promise<void> {
    await this.#ask();
    void this.#goOn();
  }

  async #goOn(): Promise<void> {
    while (!this.isOver) {
      await wait(200 + 100 * Math.random());
      await this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const { url, cookie } = this.travel;
    const headers = { cookie, origin: url, 'content-type': 'application/json' };
    const answer = await fetchAsBrowser(`${url}${CATCH_UP_PATH}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(this.question())
    }).catch((error: Error) => error);
    this.asked += 1;
    if (answer instanceof Error) this.surprises.push(String(answer.cause ?? answer));
    else if (answer.status !== 200) this.surprises.push(`${answer.status} ${await answer.text()}`);
    else this.take((await answer.json()) as SubscribeAnswer);
  }

  close(): void {
    this.isOver = true;
  }
}
