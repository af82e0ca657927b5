/**
 * The browser's socket to the hub: the only file that knows socket.io-client. It parses every message with the protocol's
 * schemas and hands on typed ones; it never reconnects by itself, since the connection's states decide that.
 * Delivery: in order and at most once per socket; after `close` nothing is called any more. WebSocket only, same origin,
 * with the session's cookie.
 */
import { io, type Socket } from 'socket.io-client';
import * as z from 'zod/mini';
import {
  AS_DISPLAY,
  clockAnswerSchema,
  LIVE_PATH,
  serverEvents,
  subscribeAnswerSchema,
  type ClientEvents,
  type ServerEvents,
  type Subscribe,
  type SubscribeAnswer
} from './protocol.ts';

/** Opening and each answer may take so long; then the connection counts as dead. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** Message of the connect error by which the hub says that there is no session (any more). */
const SIGNED_OUT = 'signed out';

/** One message of the server, parsed. */
export type ServerMessage = {
  [E in keyof ServerEvents]: { event: E; body: Parameters<ServerEvents[E]>[0] };
}[keyof ServerEvents];

export interface SocketListener {
  connected(): void;
  /** could not be opened (`isUnopened`: nothing of it, not even a refusal), or was lost; not called after `close` */
  disconnected(isUnopened?: boolean): void;
  message(message: ServerMessage): void;
  /** something came that this version cannot read */
  malformed(what: string): void;
  /** it goes on over another transport, which knows nothing of us: subscribe anew */
  moved(): void;
}

export interface LiveSocket {
  /** `answered(null)`: no answer in time. For one that cannot be read, `malformed` is called instead. */
  subscribe(message: Subscribe, answered: (answer: SubscribeAnswer | null) => void): void;
  /** `node`: the name of the node at the other end, where it says one */
  clock(answered: (now: number | null, node?: string) => void): void;
  close(): void;
  /** not a socket at all: the hub is asked again and again */
  readonly overHttp?: boolean;
}

/** Opens a socket of its own at once; the listener hears `connected` or `disconnected`, never both orders at once. */
export function openSocket(listener: SocketListener): LiveSocket {
  return open(listener, {});
}

/** The same for a wall: its own cookie counts, not that of whoever is signed in in the same browser. */
export function openDisplaySocket(listener: SocketListener): LiveSocket {
  return open(listener, Object.fromEntries([AS_DISPLAY]));
}

function open(listener: SocketListener, query: Record<string, string>): LiveSocket {
  // The content security policy forbids eval, and zod's probe for it would be reported as a violation.
  z.config({ jitless: true });
  const socket: Socket<ServerEvents, ClientEvents> = io({
    path: LIVE_PATH,
    query,
    transports: ['websocket'],
    withCredentials: true,
    forceNew: true,
    reconnection: false,
    autoConnect: false,
    timeout: ANSWER_TIMEOUT_MS
  });
  let closed = false;

  /** Parses at the door; null and one report for what does not fit. */
  function parse<S extends z.core.$ZodType>(schema: S, what: string, input: unknown): z.output<S> | null {
    const result = z.safeParse(schema, input);
    if (result.success) return result.data;
    listener.malformed(what);
    return null;
  }

  socket.on('connect', () => listener.connected());
  socket.on('connect_error', (error) => {
    if (error.message === SIGNED_OUT) listener.message({ event: 'session:ended', body: {} });
    else listener.disconnected(error.message === 'websocket error' || error.message === 'timeout');
  });
  socket.on('disconnect', () => listener.disconnected());
  for (const event of Object.keys(serverEvents) as (keyof ServerEvents)[]) {
    const receive = (input: unknown): void => {
      const body = parse(serverEvents[event], event, input ?? {});
      if (body !== null) listener.message({ event, body } as ServerMessage);
    };
    socket.on(event, receive as never);
  }
  socket.connect();

  return {
    subscribe(message, answered) {
      socket.timeout(ANSWER_TIMEOUT_MS).emit('subscribe', message, (error, input) => {
        if (closed) return;
        const answer = error ? null : parse(subscribeAnswerSchema, 'answer of subscribe', input);
        if (error || answer !== null) answered(answer);
      });
    },
    clock(answered) {
      socket.timeout(ANSWER_TIMEOUT_MS).emit('clock', (error, input) => {
        if (closed) return;
        const answer = error ? null : parse(clockAnswerSchema, 'answer of clock', input);
        if (error || answer !== null) answered(answer?.now ?? null, answer?.node);
      });
    },
    close() {
      closed = true;
      socket.off();
      socket.disconnect();
    }
  };
}
