import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { io as connect, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LIVE_PATH } from '../../live/protocol.ts';
import type { SignedIn } from '../access/sessions.ts';
import { openAdmission } from './admission.ts';
import { openArrivals, type Arrivals } from './arrivals.ts';
import type { LiveServer } from './broadcast.ts';
import { openSocketServer } from './socket-server.ts';

/** Of somebody who is let in as far as the database answers who it is. */
const somebody = { sessionId: 's', person: { id: 1 } } as SignedIn;
let server: Server;
let io: LiveServer;
let client: Socket;
let arrivals: Arrivals;
let answer: ((found: SignedIn | null) => void) | null;
/** the sockets that the session has, by what was entered and left */
let places: number;

beforeEach(async () => {
  [answer, places, arrivals] = [null, 0, openArrivals()];
  const admission = openAdmission();
  io = openSocketServer({
    sessions: { readSession: () => new Promise((resolve) => (answer = resolve)) },
    displays: { read: () => Promise.resolve(null) },
    admission: {
      ...admission,
      enter: (...one) => admission.enter(...one) && ++places > 0,
      leave: (sessionId) => {
        places--;
        admission.leave(sessionId);
      }
    },
    arrivals,
    isOwnOrigin: () => true,
    deny: () => {},
    sharesUpgrades: false
  });
  server = createServer();
  io.attach(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false
  });
  await vi.waitFor(() => expect(answer).not.toBeNull());
});
afterEach(async () => {
  client.disconnect();
  await io.close();
});

test('who is asked about counts as arriving until it is let in, and has a place until it leaves', async () => {
  expect([arrivals.now, places]).toEqual([1, 0]);
  answer!(somebody);
  await vi.waitFor(() => expect(client.connected).toBe(true));
  expect([arrivals.now, places]).toEqual([0, 1]);
  client.disconnect();
  await vi.waitFor(() => expect(places).toBe(0));
});

test('who is gone before it is known who it was takes no place, which nobody would give back', async () => {
  client.disconnect();
  await vi.waitFor(() => expect(io.engine.clientsCount).toBe(0));
  answer!(somebody);
  await vi.waitFor(() => expect(arrivals.now).toBe(0));
  expect(places).toBe(0);
});
