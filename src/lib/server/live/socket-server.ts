/**
 * The door of the sockets: the server of Socket.IO as the hub needs it, who may open a socket, and how many. It knows
 * sessions and displays, and no workspace: what somebody may watch is asked when they subscribe.
 */
import type { IncomingMessage } from 'node:http';
import { Server } from 'socket.io';
import { AS_DISPLAY, LIVE_PATH } from '../../live/protocol.ts';
import type { Denial } from '../access/denials.ts';
import type { Sessions } from '../access/sessions.ts';
import type { Displays } from '../displays/trust.ts';
import type { Admission } from './admission.ts';
import type { Arrivals } from './arrivals.ts';
import { answerParser } from './answer-encoder.ts';
import type { LiveServer, SocketData } from './broadcast.ts';
import type { Subscriber } from './scope-access.ts';
import { FrameAdapter } from './frames.ts';
import { openMessageLimit } from './message-limit.ts';
import { newWatcher } from './watcher.ts';

/** A client's message is a scope and a token: nothing larger is read. */
export const LARGEST_MESSAGE_BYTES = 16_384;

export interface SocketServerOptions {
  sessions: Pick<Sessions, 'readSession'>;
  displays: Pick<Displays, 'read'>;
  admission: Admission;
  arrivals: Pick<Arrivals, 'during'>;
  /** may this Origin header open a socket? CORS does not cover WebSockets, so it is asked at the upgrade */
  isOwnOrigin: (origin: string | undefined, host: string | undefined) => boolean;
  /** somebody was not let in */
  deny: (request: IncomingMessage, denial: Omit<Denial, 'door' | 'address'>) => void;
  /** other sockets share the HTTP server: their upgrades are left alone */
  sharesUpgrades: boolean;
}

/**
 * Who asks the hub: the person of the session's cookie, or, for a page that says it is a wall, the display of the
 * display's. Never one for the other: a browser may have both.
 */
export async function readSubscriber(
  { sessions, displays }: Pick<SocketServerOptions, 'sessions' | 'displays'>,
  { url, headers }: IncomingMessage
): Promise<Subscriber | null> {
  const cookie = headers.cookie ?? null;
  if (isOfDisplay(url)) {
    const display = await displays.read(cookie);
    return display && { userId: display.userId, sessionId: display.sessionId };
  }
  const found = await sessions.readSession(cookie);
  return found && { userId: found.person.id, sessionId: found.sessionId };
}

function isOfDisplay(url: string | undefined): boolean {
  const query = (url ?? '').split('?', 2)[1];
  return new URLSearchParams(query).get(AS_DISPLAY[0]) === AS_DISPLAY[1];
}

/** A socket that connected has the data of a watcher: whose it is, and that it watches nothing yet. */
export function openSocketServer(options: SocketServerOptions): LiveServer {
  const { admission, arrivals, deny } = options;
  const io: LiveServer = new Server({
    path: LIVE_PATH,
    transports: ['websocket'],
    serveClient: false,
    adapter: FrameAdapter,
    parser: answerParser,
    perMessageDeflate: false,
    maxHttpBufferSize: LARGEST_MESSAGE_BYTES,
    destroyUpgrade: !options.sharesUpgrades,
    pingInterval: 20_000,
    pingTimeout: 20_000,
    connectTimeout: 10_000,
    allowRequest: (request, decide) => {
      if (!options.isOwnOrigin(request.headers.origin, request.headers.host)) {
        deny(request, { why: 'foreign origin', origin: request.headers.origin });
        return decide('foreign origin', false);
      }
      decide(null, true);
    }
  });

  // Here and not in allowRequest, although a socket is open by then: only here can a page be told why it is refused, so
  // that it leaves instead of trying for ever.
  io.use((socket, next) => {
    arrivals.during(readSubscriber(options, socket.request)).then(
      (found) => {
        if (!found) {
          deny(socket.request, { why: 'signed out' });
          return next(new Error('signed out'));
        }
        // Gone while it was asked who it is: nobody would tell when its place is free again.
        if (socket.conn.readyState !== 'open') return next(new Error('closed'));
        if (!admission.enter(found.sessionId, performance.now())) {
          deny(socket.request, { why: 'too many sockets', personId: found.userId, sessionId: found.sessionId });
          return next(new Error('too many sockets'));
        }
        // Also a socket that is gone before it was ever connected gives its place back.
        socket.conn.once('close', () => admission.leave(found.sessionId));
        Object.assign(socket.data, {
          ...newWatcher(found),
          tokenAt: 0
        } satisfies SocketData);
        next();
      },
      () => next(new Error('unavailable'))
    );
  });
  return io;
}

/** Cuts connections that send what no page sends. Call it once `io` is attached: before that there is no engine. */
export function limitMessages(io: LiveServer, deny: SocketServerOptions['deny']): void {
  io.engine.on('connection', (connection: EngineConnection) => {
    const limit = openMessageLimit();
    connection.on('packet', ({ data }: { data?: unknown }) => {
      const why = limit.flawOf(data, performance.now());
      if (why === null || connection.readyState !== 'open') return;
      deny(connection.request, { why });
      // At once: what it sent after this is not read.
      connection.close(true);
    });
  });
}

/** What of engine.io's socket is used here. */
interface EngineConnection {
  readyState: string;
  request: IncomingMessage;
  on(event: 'packet', listener: (packet: { data?: unknown }) => void): void;
  close(discard: boolean): void;
}
