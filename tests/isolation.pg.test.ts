import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { io } from 'socket.io-client';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import {
  entitle,
  insertOperation,
  makePerson,
  makeSession,
  makeWorld,
  type TestPerson,
  type World
} from './harness/world.ts';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  type Scope,
  type Subscribe,
  type SubscribeAnswer
} from '../src/lib/live/protocol.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let reader: ReturnType<typeof openReader>;
const clients: TestClient[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url, { isOwnOrigin: (origin) => origin === undefined || origin === 'http://own.test' });
  reader = openReader(database.url);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await world?.close();
  await database?.drop();
});

async function connect(cookie: string): Promise<TestClient> {
  const client = new TestClient(hub.port, cookie);
  clients.push(client);
  await client.connected();
  return client;
}

async function open(person: TestPerson, scope: Scope): Promise<TestClient> {
  const client = await connect(person.cookie);
  expect(await client.follow(scope, (await reader.read(person, scope))!)).toMatchObject({ result: 'caught_up' });
  return client;
}

/** A member of A, so that each test may take the membership away. */
async function makeMember(narrowedTo: number[] = []): Promise<TestPerson> {
  const person = await makePerson(world.owner, 'member');
  // Their coming is a change of access, too: told before the test begins, so that it is not taken for the test's own.
  let told = 0;
  const count = ({ access }: { access: { userId: number }[] }): void =>
    void (told += access.filter(({ userId }) => userId === person.id).length);
  hub.hub.feed.events.on('passed', count);
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    person.id
  ]);
  await vi.waitFor(() => expect(told).toBe(1), { timeout: 5_000 });
  if (narrowedTo.length > 0) {
    await entitle(world.owner, world.a, person.id, narrowedTo);
    await vi.waitFor(() => expect(told).toBe(2), { timeout: 5_000 });
  }
  hub.hub.feed.events.off('passed', count);
  return person;
}

const all = (): Scope => ({ workspaceId: world.a, environmentId: null });

test('everything that a person may not see is absent with the same answer, whatever the token', async () => {
  const window = (await reader.read(world.narrowed, all()))!;
  const client = await connect(world.narrowed.cookie);
  const answers: SubscribeAnswer[] = [];
  for (const scope of [
    { workspaceId: world.b, environmentId: null }, // foreign
    { workspaceId: 987_654, environmentId: null }, // does not exist
    { workspaceId: world.a, environmentId: world.a2 }, // narrowed away
    { workspaceId: world.a, environmentId: world.b1 }, // of another workspace
    { workspaceId: world.a, environmentId: 987_654 }, // does not exist
    { workspaceId: -1, environmentId: null }, // malformed
    { workspaceId: 'x', environmentId: null } as unknown as Scope
  ])
    for (const token of [window.token, 'forged', '']) answers.push(await client.resume(scope, token));
  expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(new Set(['{"result":"absent"}']));
  expect(client.events).toEqual([]);
});

test('a token of somebody else, or of another workspace, is read as no place at all', async () => {
  const token = (await reader.read(world.everyone, all()))!.token;
  const client = await connect(world.narrowed.cookie);
  expect(await client.resume(all(), token)).toEqual({ result: 'resync', reason: 'token' });
});

test('nobody without a session, with a made-up one or from a foreign origin opens a socket', async () => {
  for (const cookie of ['', 'watchfloor=' + 'A'.repeat(43), `watchfloor=${world.everyone.sessionId}`]) {
    const client = new TestClient(hub.port, cookie);
    clients.push(client);
    await expect(client.connected()).rejects.toThrow('signed out');
  }
  const foreign = io(`http://127.0.0.1:${hub.port}`, {
    path: LIVE_PATH,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    extraHeaders: { cookie: world.everyone.cookie, origin: 'http://evil.test' }
  });
  await new Promise<void>((resolve, reject) =>
    foreign.once('connect_error', () => resolve()).once('connect', () => reject(new Error('connected')))
  );
  foreign.disconnect();
});

test('what is committed with or after the end of a membership never arrives, not even by catching up', async () => {
  const person = await makeMember();
  const client = await open(person, all());
  const token = client.token;
  const before = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(client.rows.has(before)).toBe(true), { timeout: 5_000 });
  const connection = await world.owner.connect();
  await connection.query('begin');
  const { rows } = await connection.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type) values ($1, $2, 'secret.after') returning id`,
    [world.a, world.a1]
  );
  await connection.query('delete from memberships where workspace_id = $1 and user_id = $2', [world.a, person.id]);
  await connection.query('commit');
  connection.release();
  await vi.waitFor(() => expect(client.events.some(({ name }) => name === 'access:changed')).toBe(true), {
    timeout: 1_000
  });
  const after = await insertOperation(world.writer, world.a, world.a1, 'secret.after');
  expect(await client.resume(all(), token)).toEqual({ result: 'absent' });
  expect(await reader.read(person, all())).toBeNull();
  const told = JSON.stringify(client.events);
  for (const id of [rows[0]!.id, after]) expect(told).not.toContain(`"id":${id},`);
  expect(client.rows.size).toBe(0);
});

test('a narrowing takes rows away at once, and its end shows them again, also the unchanged ones', async () => {
  const person = await makeMember();
  const hidden = await insertOperation(world.writer, world.a, world.a2);
  const client = await open(person, all());
  expect(client.rows.has(hidden)).toBe(true);
  await entitle(world.owner, world.a, person.id, [world.a1]);
  await vi.waitFor(() => expect(client.events.some(({ name }) => name === 'access:changed')).toBe(true), {
    timeout: 1_000
  });
  expect(client.rows.size).toBe(0);
  expect(await client.follow(all(), (await reader.read(person, all()))!)).toMatchObject({ result: 'caught_up' });
  expect(client.rows.has(hidden)).toBe(false);
  await world.owner.query('delete from environment_memberships where user_id = $1', [person.id]);
  await vi.waitFor(() => expect(client.events.filter(({ name }) => name === 'access:changed')).toHaveLength(2), {
    timeout: 1_000
  });
  await client.follow(all(), (await reader.read(person, all()))!);
  expect(client.rows.has(hidden)).toBe(true);
});

test('a change of access while nobody was connected makes the window be read anew, since unchanged rows came into sight', async () => {
  const person = await makeMember([world.a1]);
  await insertOperation(world.writer, world.a, world.a2);
  const window = (await reader.read(person, all()))!;
  await world.owner.query('update environment_memberships set managed_environment_id = $2 where user_id = $1', [
    person.id,
    world.a2
  ]);
  const client = await connect(person.cookie);
  // Found by the oracle (seed 166699161): the catch-up alone would never bring the unchanged rows of a2.
  expect(await client.follow(all(), window)).toEqual({ result: 'resync', reason: 'access' });
});

test('a session that is deleted, or whose person is disabled, ends its sockets at once and leaves others in place', async () => {
  const person = await makeMember();
  const second = { ...person, ...(await makeSession(world.owner, person.id)) };
  const [first, other] = [await open(person, all()), await open(second, all())];
  await world.owner.query('delete from sessions where id = $1', [person.sessionId]);
  await vi.waitFor(() => expect(first.socket.connected).toBe(false), { timeout: 1_000 });
  expect(first.events.some(({ name }) => name === 'session:ended')).toBe(true);
  expect(other.socket.connected).toBe(true);
  expect(other.events.map(({ name }) => name)).not.toContain('resync:required');
  await world.owner.query('update users set disabled_at = now() where id = $1', [person.id]);
  await vi.waitFor(() => expect(other.socket.connected).toBe(false), { timeout: 1_000 });
});

test('a row that moves out of sight leaves with its id and revision only, and comes back when it moves back', async () => {
  const client = await open(world.narrowed, all());
  const id = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(client.rows.has(id)).toBe(true), { timeout: 5_000 });
  const from = client.events.length;
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [id, world.a2]);
  await vi.waitFor(() => expect(client.rows.has(id)).toBe(false), { timeout: 5_000 });
  const told = client.events.slice(from).filter(({ name }) => name === 'rows:changed');
  expect(told.map(({ message }) => message)).toEqual([{ rows: [], removed: [[id, 2]] }]);
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [id, world.a1]);
  await vi.waitFor(() => expect(client.rows.get(id)?.revision).toBe(3), { timeout: 5_000 });
});

test('a change of access while a subscription is under way never lets it through', async () => {
  for (let round = 0; round < 12; round++) {
    const person = await makeMember();
    const window = (await reader.read(person, all()))!;
    const client = await connect(person.cookie);
    const [answer] = await Promise.all([
      client.follow(all(), window),
      world.owner.query('delete from memberships where workspace_id = $1 and user_id = $2', [world.a, person.id])
    ]);
    // Whatever the answer was, nothing committed from now on arrives.
    const id = await insertOperation(world.writer, world.a, world.a1, 'secret.race');
    await vi.waitFor(async () => expect(await client.resume(all(), window.token)).toEqual({ result: 'absent' }), {
      timeout: 2_000
    });
    expect(JSON.stringify(client.events)).not.toContain(`"id":${id},`);
    expect(['caught_up', 'absent', 'resync']).toContain(answer.result);
    client.close();
  }
});

test('a client of another protocol version is told to reload', async () => {
  const client = await connect(world.everyone.cookie);
  // Also where it asks in words of its own: those of version 1 knew no summaries.
  for (const more of [{}, { summaries: 'scope' }]) {
    const message = { protocol: PROTOCOL_VERSION + 1, scope: all(), token: '', ...more } as Subscribe;
    const answer = await client.socket.timeout(5_000).emitWithAck('subscribe', message);
    expect(answer).toEqual({ result: 'reload', protocol: PROTOCOL_VERSION });
  }
});

test('a session whose end is moved nearer ends its sockets at once; one that is used longer does not', async () => {
  const person = await makeMember();
  const client = await open(person, all());
  await world.owner.query(`update sessions set expires_at = now() + interval '6 days' where id = $1`, [
    person.sessionId
  ]);
  const id = await insertOperation(world.writer, world.a, world.a1);
  await vi.waitFor(() => expect(client.rows.has(id)).toBe(true), { timeout: 5_000 });
  expect(client.socket.connected).toBe(true);
  await world.owner.query('update sessions set expires_at = now() where id = $1', [person.sessionId]);
  await vi.waitFor(() => expect(client.socket.connected).toBe(false), { timeout: 1_000 });
});

test('a client that subscribes in a loop is put off, and nobody else loses Live', async () => {
  const window = (await reader.read(world.stranger, { workspaceId: world.b, environmentId: null }))!;
  const flood = await connect(world.stranger.cookie);
  const victim = await open(world.everyone, all());
  const answers = await Promise.all(
    // More than that at once end the connection (tests/socket-doors).
    Array.from({ length: 180 }, () =>
      flood.resume({ workspaceId: world.b, environmentId: null }, window.token).catch(() => null)
    )
  );
  expect(answers.filter((answer) => answer?.result === 'unavailable').length).toBeGreaterThan(100);
  expect(victim.events.map(({ name }) => name)).not.toContain('feed:halted');
});

test('names that changed since the place are told after catching up', async () => {
  const window = (await reader.read(world.everyone, all()))!;
  await world.owner.query(`update managed_environments set name = name || '!' where id = $1`, [world.a1]);
  const client = await connect(world.everyone.cookie);
  expect(await client.follow(all(), window)).toMatchObject({ result: 'caught_up' });
  await vi.waitFor(() => expect(client.events.map(({ name }) => name)).toContain('reference:changed'));
});

test('how much happens where a person may not look does not make them read anew', async () => {
  const window = (await reader.read(world.narrowed, all()))!;
  await world.writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type) select $1, $2, 'elsewhere' from generate_series(1, 2500)`,
    [world.a, world.a3]
  );
  const client = await connect(world.narrowed.cookie);
  expect(await client.follow(all(), window)).toMatchObject({ result: 'caught_up', rows: [] });
});

test('an environment never changes its workspace, so its watchers never see another workspace', async () => {
  const { rows } = await world.owner.query<{ id: number }>(
    `insert into managed_environments (workspace_id, name) values ($1, 'empty') returning id`,
    [world.a]
  );
  await expect(
    world.owner.query('update managed_environments set workspace_id = $2 where id = $1', [rows[0]!.id, world.b])
  ).rejects.toThrow('never changes its workspace');
});

test('after TRUNCATE nobody catches up past it', async () => {
  const window = (await reader.read(world.everyone, all()))!;
  const client = await open(world.everyone, all());
  await world.owner.query('truncate operation_runs');
  await vi.waitFor(() =>
    expect(client.events).toContainEqual({ name: 'resync:required', message: { reason: 'access' } })
  );
  expect(await client.follow(all(), window)).toEqual({ result: 'resync', reason: 'access' });
});
