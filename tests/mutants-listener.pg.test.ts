/**
 * The listener behind a gate of the test's own: a LISTEN that has not come through, a connection that is half open, a
 * server that refuses for a while. Everything else of a hub goes through unharmed, as when one connection alone is lost.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import type { Scope } from '../src/lib/live/protocol.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { openWakeUp, type WakeUp } from '../src/lib/server/live/wake-up.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient } from './harness/live.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

/** What happens to the connection that says it is the listener. */
type Mode = 'open' | 'held at LISTEN' | 'deaf' | 'refused';

class Gate {
  mode: Mode = 'open';
  refusals = 0;
  /** LISTEN was said, and is held */
  isAsked = false;
  #held: (() => void)[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      let isListener = false;
      for (const [one, other] of [
        [client, server],
        [server, client]
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {}).on('close', () => other.destroy());
      }
      client.on('data', (bytes) => {
        // Its first message names it, in plain letters.
        if (bytes.includes('watchfloor listener')) {
          isListener = true;
          this.#listeners.add(client);
        }
        if (isListener && this.mode === 'refused') {
          this.refusals++;
          client.destroy();
        } else if (isListener && this.mode === 'held at LISTEN' && bytes.includes('LISTEN')) {
          this.isAsked = true;
          this.#held.push(() => server.write(bytes));
        } else if (!(isListener && this.mode === 'deaf')) server.write(bytes);
      });
      server.on('data', (bytes) => {
        if (!(isListener && this.mode === 'deaf')) client.write(bytes);
      });
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return (this.#server.address() as AddressInfo).port;
  }
  letThrough(): void {
    this.mode = 'open';
    for (const go of this.#held.splice(0)) go();
  }
  cutListener(): void {
    for (const socket of this.#listeners) socket.destroy();
    this.#listeners.clear();
  }
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

let database: TestDatabase;
let world: World;
let gate: Gate;
let url: string;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
}, 60_000);
beforeEach(async () => {
  gate = new Gate(Number(new URL(inject('postgres').url).port));
  const address = new URL(database.url);
  address.port = String(await gate.open());
  url = address.href;
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await gate.close();
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

function listen(): WakeUp {
  const pool = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test canary' });
  const wakeUp = openWakeUp({ url, pool });
  open.push({ close: () => pool.end() }, wakeUp);
  return wakeUp;
}
const isSound = (wakeUp: WakeUp): Promise<void> =>
  vi.waitFor(() => expect(wakeUp.isSound).toBe(true), { timeout: 15_000, interval: 10 });

test('the listener is not called sound before LISTEN stands', async () => {
  gate.mode = 'held at LISTEN';
  const wakeUp = listen();
  let regained = 0;
  wakeUp.events.on('regained', () => regained++);
  await vi.waitFor(() => expect(gate.isAsked).toBe(true), { timeout: 10_000, interval: 5 });
  expect([wakeUp.isSound, regained]).toEqual([false, 0]);
  gate.letThrough();
  await isSound(wakeUp);
  expect(regained).toBe(1);
});

test('a listener whose connection is half open is noticed, although nobody says so', async () => {
  const wakeUp = listen();
  await isSound(wakeUp);
  gate.mode = 'deaf';
  await vi.waitFor(() => expect(wakeUp.isSound).toBe(false), { timeout: 15_000, interval: 20 });
  gate.letThrough();
  await isSound(wakeUp);
}, 45_000);

test('a listener that is refused again and again is tried again and again', async () => {
  const wakeUp = listen();
  await isSound(wakeUp);
  gate.mode = 'refused';
  gate.cutListener();
  await vi.waitFor(() => expect(gate.refusals).toBeGreaterThanOrEqual(4), { timeout: 15_000, interval: 10 });
  gate.mode = 'open';
  await isSound(wakeUp);
}, 45_000);

test('while the listener alone is lost no client is sent a tick, and what came meanwhile arrives', async () => {
  const hub = await startHub(url);
  const reader = openReader(database.url);
  const all: Scope = { workspaceId: world.a, environmentId: null };
  const client = new TestClient(hub.port, world.everyone.cookie);
  open.push(hub, reader, client);
  await client.connected();
  expect(await client.follow(all, (await reader.read(world.everyone, all))!)).toMatchObject({ result: 'caught_up' });
  gate.mode = 'refused';
  gate.cutListener();
  const halts = (): number => client.events.filter(({ name }) => name === 'feed:halted').length;
  await vi.waitFor(() => expect(halts()).toBeGreaterThanOrEqual(1), { timeout: 10_000 });
  const from = client.events.length;
  const id = await insertOperation(world.writer, world.a, world.a1);
  // The next ones come in place of ticks.
  await vi.waitFor(() => expect(halts()).toBeGreaterThanOrEqual(3), { timeout: 10_000 });
  const names = client.events.slice(from).map(({ name }) => name);
  expect(names).not.toContain('feed:ticked');
  expect(client.events.findLast(({ name }) => name === 'feed:halted')?.message).toEqual({ link: 'listener' });
  gate.mode = 'open';
  await vi.waitFor(() => expect(client.rows.has(id)).toBe(true), { timeout: 10_000 });
  await vi.waitFor(() => expect(client.events.at(-1)?.name).toBe('feed:ticked'), { timeout: 15_000 });
}, 60_000);
