/**
 * What a stranger may send to the sockets: foreign origins, malformed and binary frames, floods, unknown events, keys of
 * prototypes, subscriptions without end. Whatever comes, it is refused or ignored, costs what was promised, and the page
 * beside it is told its rows. Raw WebSockets: nothing of our client is between.
 */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { LIVE_PATH, PROTOCOL_VERSION } from '../src/lib/live/protocol.ts';
import type { HubOptions } from '../src/lib/server/live/hub.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let reader: ReturnType<typeof openReader>;
let hub: TestHub;
/** what was logged about refusals */
let denied: Record<string, unknown>[];
let neighbour: TestClient;
const strangers: WebSocket[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  reader = openReader(database.url);
}, 60_000);
afterAll(async () => {
  await reader?.close();
  await world?.close();
  await database?.drop();
});

const scope = () => ({ workspaceId: world.a, environmentId: null });
async function start(options: Partial<HubOptions> = {}): Promise<void> {
  denied = [];
  const log = {
    info: (fields: unknown) => void (typeof fields === 'object' && denied.push(fields as Record<string, unknown>)),
    warn() {},
    error() {}
  };
  hub = await startHub(database.url, { log, ...options });
}
beforeEach(async () => {
  await start();
  neighbour = new TestClient(hub.port, world.everyone.cookie);
  await neighbour.connected();
  expect(await neighbour.follow(scope(), (await reader.read(world.everyone, scope()))!)).toMatchObject({
    result: 'caught_up'
  });
});
afterEach(async () => {
  neighbour.close();
  for (const stranger of strangers.splice(0)) stranger.terminate();
  await hub?.close();
});

/** The page beside is served as if nothing had happened. */
async function neighbourIsTold(): Promise<void> {
  const id = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(neighbour.rows.has(id)).toBe(true), { timeout: 10_000, interval: 10 });
}

function dial(headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${hub.port}${LIVE_PATH}/?EIO=4&transport=websocket`, { headers });
  socket.on('error', () => {});
  strangers.push(socket);
  return socket;
}

/** Connected as the person of the neighbour, with whatever it is told from then on. */
async function enter(): Promise<{ socket: WebSocket; told: string[] }> {
  const socket = dial({ cookie: world.everyone.cookie });
  const told: string[] = [];
  socket.on('message', (data: Buffer) => void told.push(data.toString()));
  await once(socket, 'open');
  socket.send('40');
  await vi.waitFor(() => expect(told.some((text) => text.startsWith('40'))).toBe(true));
  told.length = 0;
  return { socket, told };
}

const closed = (socket: WebSocket): Promise<unknown> =>
  socket.readyState === WebSocket.CLOSED ? Promise.resolve() : once(socket, 'close');
const question = (more: object = {}) => ({
  protocol: PROTOCOL_VERSION,
  scope: scope(),
  window: { kind: 'list', query: '' },
  summaries: 'scope',
  token: neighbour.token,
  ...more
});

test('a page of another site opens no socket, with the cookie of whoever looks at it', async () => {
  await hub.close();
  const asked: (string | undefined)[] = [];
  await start({ isOwnOrigin: (origin) => (asked.push(origin), origin === 'http://ours.test') });
  for (const origin of ['http://evil.test', 'null', '', undefined]) {
    const socket = dial({ cookie: world.everyone.cookie, ...(origin !== undefined && { origin }) });
    const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(answer.statusCode).toBe(400);
  }
  expect(asked).toEqual(['http://evil.test', 'null', '', undefined]);
  expect(denied.filter(({ why }) => why === 'foreign origin')).toHaveLength(4);
  const ours = dial({ cookie: world.everyone.cookie, origin: 'http://ours.test' });
  await once(ours, 'open');
});

test.each([
  ['no packet at all', 'x'],
  ['an unknown kind of packet', '9'],
  ['a namespace that is not there', '40/admin,'],
  ['JSON that ends early', '42["subscribe",{'],
  ['an event that is no list', '42{"a":1}'],
  ['an event without a name', '42[]'],
  ['a name that is an object', '42[{"__proto__":null}]'],
  ['an event that only the library may send', '42["disconnect"]'],
  ['an answer to nothing', '43999999["x"]'],
  ['another that only the library may send', '42["newListener"]'],
  ['attachments that never come', '451-["subscribe",{"_placeholder":true,"num":0}]'],
  ['a million attachments', '451000000-["subscribe",{"_placeholder":true,"num":0}]'],
  ['deep nesting', `420["subscribe",${'['.repeat(5_000)}${']'.repeat(5_000)}]`]
])('%s is refused or ignored, and the page beside it goes on', async (_, packet) => {
  const { socket, told } = await enter();
  socket.send(packet);
  await neighbourIsTold();
  expect(told.filter((text) => !/^(2$|40\/|44\/|42\["feed|430\[\{"result":"absent"\}\]$)/.test(text))).toEqual([]);
});

test('binary frames are not read: whoever sends one is cut', async () => {
  for (const bytes of [Buffer.from('42["clock"]'), Buffer.alloc(0), Buffer.from([4, 0, 255])]) {
    const { socket } = await enter();
    socket.send(bytes);
    await closed(socket);
  }
  expect(denied.filter(({ why }) => why === 'binary message')).toHaveLength(3);
  await neighbourIsTold();
});

test('a message larger than any of ours is not read, and ends the connection', async () => {
  const { socket, told } = await enter();
  socket.send(`420["subscribe",{"a":"${'x'.repeat(20_000)}"}]`);
  await closed(socket);
  expect(told.filter((text) => text.startsWith('43'))).toEqual([]);
  await neighbourIsTold();
});

test('a flood of messages is cut, whoever it is from, before and after it has said who it is', async () => {
  const known = await enter();
  const unknown = dial();
  await once(unknown, 'open');
  for (let sent = 0; sent < 1_000; sent++) {
    known.socket.send('42["no such event",1]');
    unknown.send('3');
  }
  await Promise.all([closed(known.socket), closed(unknown)]);
  expect(denied.filter(({ why }) => why === 'too many messages')).toHaveLength(2);
  await neighbourIsTold();
});

test('an event that nobody listens to is no event, whatever it is called', async () => {
  const { socket, told } = await enter();
  const names = ['admin', '__proto__', 'constructor', 'toString', 'error', 'rows:changed', 'subscribed'];
  for (const name of names) socket.send(`420${JSON.stringify([name, { a: 1 }])}`);
  await neighbourIsTold();
  expect(told.filter((text) => text.startsWith('43') || text.startsWith('44'))).toEqual([]);
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

test('keys of prototypes in a question change nothing for anybody, and open nothing', async () => {
  const { socket, told } = await enter();
  const spoilt = [
    `{"__proto__":${JSON.stringify(question())}}`,
    `{"constructor":{"prototype":{"isAdmin":true}},"protocol":${PROTOCOL_VERSION}}`,
    JSON.stringify(question()).replace('"scope":{', '"scope":{"__proto__":{"workspaceId":1,"isAdmin":true},'),
    JSON.stringify(question({ scope: 0 })).replace('"scope":0', '"scope":{"__proto__":{"workspaceId":1}}')
  ];
  for (const [at, text] of spoilt.entries()) socket.send(`42${at}["subscribe",${text}]`);
  await vi.waitFor(() => expect(told.filter((text) => /^43\d\[/.test(text))).toHaveLength(4));
  const answers = told.filter((text) => /^43\d\[/.test(text)).sort();
  for (const at of [0, 1, 3]) expect(answers[at]).toBe(`43${at}[{"result":"absent"}]`);
  // The third is a good question with a key too many: it is answered as if that key were not there.
  expect(answers[2]).toContain('"result":"caught_up"');
  expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  await neighbourIsTold();
});

test('subscriptions without end leave one place in the rooms, are read at most as often as one may ask, and end in a cut', async () => {
  const before = hub.hub.figures().catchUps;
  const { socket, told } = await enter();
  const text = JSON.stringify(['subscribe', question()]);
  for (let sent = 0; sent < 5_000; sent++) socket.send(`42${sent}${text}`);
  await closed(socket);
  const after = hub.hub.figures();
  expect(after.catchUps.ring + after.catchUps.database - before.ring - before.database).toBeLessThanOrEqual(61);
  expect(told.length).toBeLessThanOrEqual(400);
  await vi.waitFor(() => expect(hub.hub.figures().sockets).toBe(1));
  await neighbourIsTold();
});

test('of one session fifty sockets are open at once, and the next is told so', async () => {
  const sockets = await Promise.all(Array.from({ length: 49 }, () => enter()));
  expect(sockets).toHaveLength(49);
  const more = dial({ cookie: world.everyone.cookie });
  const told: string[] = [];
  more.on('message', (data: Buffer) => void told.push(data.toString()));
  await once(more, 'open');
  more.send('40');
  await vi.waitFor(() => expect(told).toContain('44{"message":"too many sockets"}'));
  sockets[0]!.socket.close();
  await vi.waitFor(() => expect(hub.hub.figures().sockets).toBe(49));
  await enter();
});
