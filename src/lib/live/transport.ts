/**
 * Which way a page is connected: by WebSocket, or over HTTP where none can be opened although the hub answers. It counts
 * attempts for the whole tab and knows nothing of what is said. Invariant: HTTP is tried only after ATTEMPTS WebSockets in
 * a row did not open, and where it does not work either, it is the WebSocket's turn again.
 */
import type { Ports } from './ports.ts';
import type { HttpPorts, openHttpSocket } from './http-socket.ts';
import type { LiveSocket, SocketListener } from './socket.ts';

const ATTEMPTS = 2;
/** A network that swallows WebSockets says nothing at all. */
export const OPEN_WITHIN_MS = 4_000;

export interface TransportParts extends Omit<HttpPorts, 'works'> {
  /** fetches what is needed over HTTP, where it is needed */
  loadHttp(loaded: (module: { openHttpSocket: typeof openHttpSocket }) => void, failed: () => void): void;
}

export function openTransports(parts: TransportParts): Ports['openSocket'] {
  /** WebSockets in a row that did not open */
  let unopened = 0;

  function overWebSocket(listener: SocketListener): LiveSocket {
    const failed = (): void => {
      socket.close();
      unopened += 1;
      listener.disconnected();
    };
    const stop = parts.after(OPEN_WITHIN_MS, failed);
    const socket = parts.openWebSocket({
      ...listener,
      connected() {
        stop();
        unopened = 0;
        listener.connected();
      },
      disconnected(isUnopened) {
        stop();
        if (isUnopened) unopened += 1;
        listener.disconnected();
      },
      // Also the refusal for want of a session is an answer.
      message(message) {
        stop();
        listener.message(message);
      }
    });
    return {
      subscribe: (message, answered) => socket.subscribe(message, answered),
      clock: (answered) => socket.clock(answered),
      close() {
        stop();
        socket.close();
      }
    };
  }

  function overHttp(listener: SocketListener): LiveSocket {
    let socket: LiveSocket | null = null;
    let isClosed = false;
    const disconnected = (): void => {
      if (!isClosed) listener.disconnected();
    };
    unopened = 0; // unless HTTP works it is the WebSocket's turn again
    parts.loadHttp((module) => {
      if (isClosed) return;
      const works: HttpPorts['works'] = (over) => (unopened = over === 'http' ? ATTEMPTS : 0);
      socket = module.openHttpSocket({ ...listener, disconnected }, { ...parts, works });
    }, disconnected);
    return {
      subscribe: (message, answered) => socket?.subscribe(message, answered),
      clock: (answered) => socket?.clock(answered),
      close() {
        isClosed = true;
        socket?.close();
      },
      get overHttp() {
        return socket?.overHttp ?? true;
      }
    };
  }

  return (listener) => (unopened < ATTEMPTS ? overWebSocket(listener) : overHttp(listener));
}
