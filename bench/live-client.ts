/** A client as the browser's is on the wire: a WebSocket of Socket.IO, subscribed to a whole workspace. */
import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  type ClientEvents,
  type ServerEvents,
  type Subscribe,
  type SubscribeAnswer
} from '../src/lib/live/protocol.ts';

/** Many connect at once here. */
const PATIENCE_MS = 60_000;

/** A busy hub asks to be asked again, as it does of browsers. */
const TRIES = 20;
const AGAIN_MS = 1_000;

export interface Seat {
  port: number;
  cookie: string;
  workspaceId: number;
  token: string;
}

/** Resolves when it has caught up and is live; throws when it was answered anything else. */
export async function openLiveClient({
  port,
  cookie,
  workspaceId,
  token
}: Seat): Promise<Socket<ServerEvents, ClientEvents>> {
  const origin = `http://127.0.0.1:${port}`;
  const socket: Socket<ServerEvents, ClientEvents> = io(origin, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    timeout: PATIENCE_MS,
    extraHeaders: { cookie, origin }
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  const message: Subscribe = {
    protocol: PROTOCOL_VERSION,
    scope: { workspaceId, environmentId: null },
    window: { kind: 'list', query: '' },
    summaries: 'scope',
    token
  };
  const ask = (): Promise<SubscribeAnswer> => socket.timeout(PATIENCE_MS).emitWithAck('subscribe', message);
  let answer = await ask();
  for (let tries = 1; answer.result === 'unavailable' && tries < TRIES; tries++) {
    await delay(AGAIN_MS);
    answer = await ask();
  }
  if (answer.result !== 'caught_up') throw new Error(`The hub answered ${JSON.stringify(answer)}.`);
  return socket;
}
