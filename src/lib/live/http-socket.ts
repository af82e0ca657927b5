/**
 * The connection where no WebSocket can be opened: the question of a subscription, asked over HTTP again and again, and
 * its answers said in the words of a socket, so that everything behind it stays the same. It is fetched only where it is
 * needed. Now and then it tries a WebSocket, and once one is open hands over to it (`moved`).
 * Invariants: one question at a time, the next one TICK_MS after an answer; what an answer holds is told before the proof
 * that covers it; after `moved` nothing of HTTP is told any more, and after `close` nothing at all.
 */
import * as z from 'zod/mini';
import type { Ports, Stop } from './ports.ts';
import {
  AS_DISPLAY,
  CATCH_UP_PATH,
  subscribeAnswerSchema,
  TICK_MS,
  type Subscribe,
  type SubscribeAnswer
} from './protocol.ts';
import { ANSWER_TIMEOUT_MS, type LiveSocket, type ServerMessage, type SocketListener } from './socket.ts';

/** A network that lets no WebSocket through today may do so when it is another one. */
export const TRY_SOCKET_MS = 60_000;
/** While a question is open the hub does not know yet where we are: handing over waits for its answer. */
const HAND_OVER_MS = 250;

type Answered = (answer: SubscribeAnswer | null) => void;
type Measured = (now: number | null) => void;

export interface HttpPorts extends Pick<Ports, 'after' | 'onReturn'> {
  /** asks the hub once; stopped, it does not reply any more */
  post?: (question: Subscribe, replied: (reply: Reply | null) => void) => Stop;
  openWebSocket(listener: SocketListener): LiveSocket;
  /** HTTP answers; a WebSocket is open */
  works(over: 'http' | 'websocket'): void;
}

export function openHttpSocket(listener: SocketListener, ports: HttpPorts): LiveSocket {
  return new HttpSocket(listener, ports);
}

export interface Reply {
  status: number;
  body: unknown;
}

/** Replies null where nothing came that could be read. */
function post(question: Subscribe, replied: (reply: Reply | null) => void, path = CATCH_UP_PATH): Stop {
  const flight = new AbortController();
  const headers = { 'content-type': 'application/json' };
  const { signal } = flight;
  fetch(path, { method: 'POST', body: JSON.stringify(question), headers, signal })
    .then(async (answer) => ({ status: answer.status, body: answer.ok ? ((await answer.json()) as unknown) : null }))
    .catch(() => null)
    .then((reply) => {
      if (!signal.aborted) replied(reply);
    }, console.error);
  return () => flight.abort();
}

/** The same for a wall: its own cookie counts. */
export const postAsDisplay: NonNullable<HttpPorts['post']> = (question, replied) =>
  post(question, replied, `${CATCH_UP_PATH}?${AS_DISPLAY.join('=')}`);

class HttpSocket implements LiveSocket {
  #question: Subscribe | null = null;
  /** who waits for the first answer to it; later ones are told as messages */
  #answered: Answered | null = null;
  #measured: Measured[] = [];
  #stopFlight: Stop = () => {};
  #isClosed = false;
  #isOpen = false;
  #webSocket: LiveSocket | null = null;
  #hasMoved = false;
  #stopNext: Stop = () => {};
  #stopTry: Stop = () => {};
  readonly #stopReturn: Stop;
  /** when the numbers of each unit were read that were told last */
  readonly #toldAt = new Map<unknown, number>();
  readonly #listener: SocketListener;
  readonly #ports: HttpPorts;

  constructor(listener: SocketListener, ports: HttpPorts) {
    this.#listener = listener;
    this.#ports = ports;
    this.#stopReturn = ports.onReturn(() => {
      if (this.#isOpen) this.#tryWebSocket();
    });
    // Not at once: whoever opens it has no hold of it yet.
    this.#stopNext = ports.after(0, () => listener.connected());
  }

  get overHttp(): boolean {
    return !this.#hasMoved;
  }

  subscribe(message: Subscribe, answered: Answered): void {
    if (this.#hasMoved) return this.#webSocket?.subscribe(message, answered);
    this.#question = message;
    this.#answered = answered;
    this.#ask();
  }

  /** Answered with the next question that leaves: an older answer would be no bound of the present. */
  clock(measured: Measured): void {
    if (this.#hasMoved) this.#webSocket?.clock(measured);
    else this.#measured.push(measured);
  }

  close(): void {
    this.#isClosed = true;
    this.#endHttp();
    this.#webSocket?.close();
  }

  #endHttp(): void {
    this.#stopNext();
    this.#stopTry();
    this.#stopReturn();
    this.#stopFlight();
  }

  #ask(): void {
    this.#stopNext();
    this.#stopFlight(); // one at a time
    const question = this.#question;
    if (question === null) return;
    const measuring = this.#measured.length;
    const stopWaiting = this.#ports.after(ANSWER_TIMEOUT_MS, () => end(null));
    const end = (reply: Reply | null): void => {
      this.#stopFlight();
      this.#replied(reply, question, measuring);
    };
    const stopPost = (this.#ports.post ?? post)(question, end);
    this.#stopFlight = () => {
      stopWaiting();
      stopPost();
    };
  }

  #replied(reply: Reply | null, question: Subscribe, measuring: number): void {
    if (reply?.status === 401) return this.#listener.message({ event: 'session:ended', body: {} });
    if (reply?.status !== 200) return this.#listener.disconnected();
    const parsed = z.safeParse(subscribeAnswerSchema, reply.body);
    if (!parsed.success) return this.#listener.malformed('answer of catch-up');
    if (parsed.data.result === 'caught_up')
      for (const learn of this.#measured.splice(0, measuring)) learn(parsed.data.now);
    this.#take(parsed.data, question);
  }

  #take(answer: SubscribeAnswer, question: Subscribe): void {
    const answered = this.#answered;
    const isCaughtUp = answer.result === 'caught_up';
    // What cannot be vouched for now is asked for again; everything else is for the connection to decide.
    const goesOn = isCaughtUp || (answered === null && answer.result === 'unavailable');
    this.#answered = null;
    this.#question = goesOn ? { ...question, token: isCaughtUp ? answer.token : question.token } : null;
    if (goesOn) this.#stopNext = this.#ports.after(TICK_MS, () => this.#ask());
    const isFirst = isCaughtUp && !this.#isOpen;
    this.#isOpen ||= isCaughtUp;
    if (isFirst) this.#ports.works('http');
    if (answered) {
      if (isCaughtUp) for (const { place, at } of answer.summaries) this.#toldAt.set(place, at);
      answered(answer);
      if (isCaughtUp && answer.namesChanged && !this.#isClosed)
        this.#listener.message({ event: 'reference:changed', body: {} });
    } else if (answer.result === 'reload')
      this.#listener.disconnected(); // and told so on the next socket
    else for (const message of this.#toMessages(answer)) if (!this.#isClosed) this.#listener.message(message);
    // After an outage the WebSocket may be there again, too.
    if (isFirst && !this.#isClosed) this.#tryWebSocket();
  }

  /** An answer to what was asked before, as the hub would have told it meanwhile. */
  #toMessages(answer: SubscribeAnswer): ServerMessage[] {
    if (answer.result === 'unavailable') return [{ event: 'feed:halted', body: { link: answer.link } }];
    if (answer.result === 'resync' && answer.reason !== 'access')
      return [{ event: 'resync:required', body: { reason: answer.reason } }];
    if (answer.result === 'resync' || answer.result === 'absent')
      return [{ event: 'access:changed', body: { generation: 0 } }];
    if (answer.result !== 'caught_up') return [];
    const { rows, removed, summaries, proofAt, token } = answer;
    const messages: ServerMessage[] = [];
    if (rows.length + removed.length > 0) messages.push({ event: 'rows:changed', body: { rows, removed } });
    for (const summary of summaries) {
      if (this.#toldAt.get(summary.place) === summary.at) continue;
      this.#toldAt.set(summary.place, summary.at);
      messages.push({ event: 'summary:changed', body: { summary } });
    }
    if (answer.namesChanged) messages.push({ event: 'reference:changed', body: {} });
    messages.push({ event: 'feed:ticked', body: { proofAt, token } });
    return messages;
  }

  #tryWebSocket(): void {
    if (this.#webSocket !== null) return;
    this.#stopTry();
    const listener = this.#listener;
    this.#webSocket = this.#ports.openWebSocket({
      connected: () => this.#handOver(),
      disconnected: () => {
        if (this.#hasMoved) return listener.disconnected();
        this.#webSocket = null;
        this.#stopTry();
        this.#stopTry = this.#ports.after(TRY_SOCKET_MS, () => this.#tryWebSocket());
      },
      message: (message) => {
        if (this.#hasMoved || message.event === 'session:ended') listener.message(message);
      },
      malformed: (what) => listener.malformed(what),
      moved: () => {}
    });
  }

  #handOver(): void {
    this.#stopTry();
    if (this.#answered !== null) {
      this.#stopTry = this.#ports.after(HAND_OVER_MS, () => this.#handOver());
      return;
    }
    this.#hasMoved = true;
    this.#endHttp();
    this.#ports.works('websocket');
    for (const measured of this.#measured.splice(0)) this.#webSocket?.clock(measured);
    this.#listener.moved();
  }
}
