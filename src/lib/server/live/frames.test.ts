/** Frames that go straight to a connection: the same text, in the same order, and a slow client is still seen to be slow. */
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket as TcpSocket } from 'node:net';
import fc from 'fast-check';
import { Server } from 'socket.io';
import { io as connect, type Socket as Client } from 'socket.io-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FrameAdapter, idleConnectionOf, type FramedSocket } from './frames.ts';

/** A busy machine may take its time; nothing here is about how long. */
const PATIENCE_MS = 30_000;
vi.setConfig({ testTimeout: 2 * PATIENCE_MS });
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: PATIENCE_MS, interval: 20 });

let http: HttpServer;
let io: Server;
const clients: Client[] = [];

beforeEach(async () => {
  http = createServer();
  io = new Server(http, {
    transports: ['websocket'],
    serveClient: false,
    perMessageDeflate: false,
    adapter: FrameAdapter
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await io.close();
});

interface Seat {
  client: Client;
  heard: unknown[];
  /** its end here */
  socket: FramedSocket & { id: string; join(room: string): unknown; emit(event: string, told: unknown): unknown };
  /** what Engine.IO was given to send since it connected */
  queued(): number;
}

async function open(...rooms: string[]): Promise<Seat> {
  const { port } = http.address() as AddressInfo;
  const connected = new Promise<Seat['socket']>((resolve) =>
    io.once('connection', (socket) => resolve(socket as unknown as Seat['socket']))
  );
  const client = connect(`http://127.0.0.1:${port}`, {
    transports: ['websocket'],
    forceNew: true,
    reconnection: false
  });
  clients.push(client);
  const heard: unknown[] = [];
  client.on('told', (told: unknown) => heard.push(told));
  const [socket] = await Promise.all([connected, new Promise<void>((done) => client.once('connect', () => done()))]);
  for (const room of rooms) socket.join(room);
  let queued = 0;
  const conn = socket.client.conn as unknown as { on(event: string, then: () => void): void };
  conn.on('packetCreate', () => queued++);
  return { client, heard, socket, queued: () => queued };
}

/** The client's own connection: paused it takes nothing. */
function tcpOf({ io: { engine } }: Client): TcpSocket {
  return (engine.transport as unknown as { ws: { _socket: TcpSocket } }).ws._socket;
}

const BIG = 'x'.repeat(300_000);

test('a message of any length arrives as it was told', async () => {
  const { heard } = await open('all');
  // 42["told","…"] is 12 letters more: around the lengths at which a frame's head changes.
  const lengths = [0, 1, 112, 113, 114, 115, 65_522, 65_523, 65_524, 65_525, 200_000];
  const told = lengths.flatMap((length) => ['a'.repeat(length), `é${'ü'.repeat(length >> 1)}\u0000"\\\u2028😀`]);
  for (const text of told) io.to('all').emit('told', text);
  await soon(() => expect(heard).toHaveLength(told.length));
  expect(heard).toEqual(told);
});

test('what many are told goes past the queue of each, once to each, and to nobody else', async () => {
  const seats = [await open('a'), await open('a', 'b'), await open('b')];
  const other = await open('c');
  io.to('a').to('b').emit('told', 1);
  io.to('a').emit('told', 2);
  io.to('nobody').emit('told', 3);
  io.emit('told', 4);
  await soon(() => expect([...seats, other].map(({ heard }) => heard.at(-1))).toEqual([4, 4, 4, 4]));
  expect(seats.map(({ heard }) => heard)).toEqual([
    [1, 2, 4],
    [1, 2, 4],
    [1, 4]
  ]);
  expect(other.heard).toEqual([4]);
  expect([...seats, other].map(({ queued }) => queued())).toEqual([0, 0, 0, 0]);
});

test('people who are left out, and binary parts, go the way of Socket.IO', async () => {
  const [one, two] = [await open('all'), await open('all')];
  io.to('all').except(two.socket.id).emit('told', 'one alone');
  io.to('all').emit('told', Buffer.from('bytes'));
  await soon(() => expect(two.heard).toHaveLength(1));
  await soon(() => expect(one.heard).toHaveLength(2));
  expect(one.heard[0]).toBe('one alone');
  expect(Buffer.from(two.heard[0] as Buffer).toString()).toBe('bytes');
});

test('a client that takes nothing is seen to be slow by its queue, and hardly anything waits anywhere else', async () => {
  const slow = await open('all');
  const quick = await open('all');
  tcpOf(slow.client).pause();
  for (let n = 0; n < 200; n++) io.to('all').emit('told', `${n} ${BIG}`);
  const { conn } = slow.socket.client;
  await soon(() => expect(quick.heard).toHaveLength(200));
  expect(idleConnectionOf(slow.socket)).toBeNull();
  // What the kernel took is gone from here; of the rest all but two waits where laggards.ts looks.
  const tcp = conn.transport!.socket!._socket!;
  expect(tcp.writableLength).toBeLessThan(3 * BIG.length);
  expect(conn.writeBuffer!.length).toBeGreaterThan(100);
  tcpOf(slow.client).resume();
  await soon(() => expect(slow.heard).toHaveLength(200));
  expect(slow.heard.map((text) => parseInt(text as string))).toEqual(Array.from({ length: 200 }, (_, n) => n));
  expect(idleConnectionOf(slow.socket)).not.toBeNull();
});

test('nothing is written behind a closing frame, and a connection that is gone is no error', async () => {
  const seat = await open('all');
  (seat.socket.client.conn as unknown as { close(): void }).close();
  expect(idleConnectionOf(seat.socket)).toBeNull();
  io.to('all').emit('told', 1);
  await soon(() => expect(seat.client.connected).toBe(false));
  expect(seat.heard).toEqual([]);
});

test('nor behind that of a client, which is gone before the server has heard the end of it', async () => {
  const { client, socket } = await open('all');
  const { transport } = socket.client.conn as unknown as { transport: { socket: { readyState: number } } };
  const tcp = tcpOf(client);
  const heard: Buffer[] = [];
  tcp.on('data', (chunk: Buffer) => heard.push(chunk));
  // Closes, and does not hang up: the server waits for that.
  tcp.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
  await soon(() => expect(transport.socket.readyState).not.toBe(1));
  io.to('all').emit('told', 'late');
  await soon(() => expect(Buffer.concat(heard).includes(Buffer.from([0x88, 0x02, 0x03, 0xe8]))).toBe(true));
  await new Promise((next) => setTimeout(next, 20));
  expect(Buffer.concat(heard).includes('late')).toBe(false);
});

test('where a field is not where it was, everything goes the way of Socket.IO', () => {
  const fields = { readyState: 'open', writeBuffer: [], transport: { writable: true, socket: { readyState: 1 } } };
  const moved: FramedSocket['client']['conn'][] = [
    fields,
    { ...fields, writeBuffer: undefined },
    { ...fields, transport: undefined },
    { ...fields, transport: { writable: true } },
    { ...fields, transport: { writable: true, socket: { readyState: 1, _socket: null } } }
  ];
  for (const conn of moved) expect(idleConnectionOf({ client: { conn, writeToEngine() {} } })).toBeNull();
});

test('order holds whichever way a message goes: to all or to one, while the client takes it or not', async () => {
  const step = fc.constantFrom('all', 'all big', 'one', 'one big', 'pause', 'resume', 'turn');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const { client, heard, socket } = await open('all');
      let told = 0;
      for (const step of steps) {
        const [to, size] = step.split(' ');
        const message = { n: told, fill: size ? BIG : '' };
        if (to === 'pause') tcpOf(client).pause();
        else if (to === 'resume') tcpOf(client).resume();
        else if (to === 'turn') await new Promise((next) => setImmediate(next));
        else {
          if (to === 'all') io.to('all').emit('told', message);
          else socket.emit('told', message);
          told++;
        }
      }
      tcpOf(client).resume();
      await soon(() => expect(heard).toHaveLength(told));
      expect(heard.map((message) => (message as { n: number }).n)).toEqual(Array.from({ length: told }, (_, n) => n));
      client.disconnect();
    }),
    { numRuns: 20 }
  );
});
