/**
 * The smallest cases that a faulty feed, catch-up or trigger cannot pass, on a real Postgres: each is here because some
 * mutant (scripts/mutants) would else be noticed late or by luck.
 */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Scope } from '../src/lib/live/protocol.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readFeedDifference } from '../src/lib/server/live/differences.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, TestClient, type TestHub } from './harness/live.ts';
import { insertOperation, makePerson, makeWorld, openWriter, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let reader: ReturnType<typeof openReader>;
const clients: TestClient[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url);
  reader = openReader(database.url);
}, 60_000);
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await world?.close();
  await database?.drop();
});

const all = (): Scope => ({ workspaceId: world.a, environmentId: null });

async function connect(person: TestPerson, to = hub): Promise<TestClient> {
  const client = new TestClient(to.port, person.cookie);
  clients.push(client);
  await client.connected();
  return client;
}

async function open(person: TestPerson): Promise<TestClient> {
  const client = await connect(person);
  const window = (await reader.read(person, all()))!;
  expect(await client.follow(all(), window)).toMatchObject({ result: 'caught_up' });
  return client;
}

const shows = (client: TestClient, id: number): Promise<void> =>
  vi.waitFor(() => expect([...client.rows.keys()]).toContain(id), { timeout: 8_000, interval: 10 });

test('who begins first and ends last is told', async () => {
  const client = await open(world.everyone);
  const one = await openWriter(database.url);
  // The other's transaction is the younger, and is told while this one is in progress.
  await one.query('begin');
  const first = await insertOperation(one, world.a, world.a1);
  await shows(client, await insertOperation(world.writer, world.a, world.a1));
  await one.query('commit');
  await shows(client, first);
  await one.end();
}, 30_000);

test('who writes first and ends last is told, also where its transaction is the younger', async () => {
  const client = await open(world.everyone);
  const [one, two] = [await openWriter(database.url), await openWriter(database.url)];
  await one.query('begin; select pg_current_xact_id()');
  await two.query('begin');
  const written = await insertOperation(two, world.a, world.a1);
  const later = await insertOperation(one, world.a, world.a1);
  await one.query('commit');
  await shows(client, later);
  await two.query('commit');
  await shows(client, written);
  await Promise.all([one.end(), two.end()]);
}, 30_000);

test('a report is a higher revision whatever it says itself, and a deleted row leaves', async () => {
  const client = await open(world.everyone);
  const id = await insertOperation(world.writer, world.a, world.a1);
  await shows(client, id);
  await world.writer.query(`update operation_runs set status = 'running', revision = 1 where id = $1`, [id]);
  await vi.waitFor(() => expect(client.rows.get(id)).toMatchObject({ status: 'running', revision: 2 }), {
    timeout: 8_000
  });
  await world.owner.query('delete from operation_runs where id = $1', [id]);
  await vi.waitFor(() => expect([...client.rows.keys()]).not.toContain(id), { timeout: 8_000 });
});

test('who comes back is told what it missed, from memory here and from the log on another node, and nothing of elsewhere', async () => {
  const gone = await insertOperation(world.writer, world.a, world.a1);
  const window = (await reader.read(world.narrowed, all()))!;
  await shows(await open(world.narrowed), gone);
  const missed = await insertOperation(world.writer, world.a, world.a1);
  const hidden = await insertOperation(world.writer, world.a, world.a2);
  const foreign = await insertOperation(world.writer, world.b, world.b1);
  await world.owner.query('delete from operation_runs where id = $1', [gone]);
  const another = await startHub(database.url);
  try {
    for (const [node, way] of [
      [hub, 'ring'],
      [another, 'database']
    ] as const) {
      const before = node.hub.figures().catchUps[way];
      const client = await connect(world.narrowed, node);
      const answer = await client.follow(all(), window);
      expect(answer.result === 'caught_up' && answer.rows.map(({ id }) => id)).toEqual([missed]);
      expect(answer.result === 'caught_up' && answer.removed.map(([id]) => id)).toEqual([gone]);
      expect(JSON.stringify(answer)).not.toMatch(new RegExp(`\\b(${hidden}|${foreign})\\b`));
      expect(node.hub.figures().catchUps[way] - before).toBe(1);
    }
  } finally {
    await another.close();
  }
});

test('who lost access and was given it again while away is not served from memory, since unchanged rows came into sight', async () => {
  const person = await makePerson(world.owner, 'returning');
  const join = (): Promise<unknown> =>
    world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
      world.a,
      person.id
    ]);
  await join();
  // Who opens a page before the node has heard of it is told of it.
  await hub.hub.feed.passSoon();
  const client = await open(person);
  const { token } = client;
  await world.owner.query('delete from memberships where user_id = $1', [person.id]);
  const changes = (): number => client.events.filter(({ name }) => name === 'access:changed').length;
  await vi.waitFor(() => expect(changes()).toBe(1), { timeout: 8_000 });
  await join();
  // Heard of before the question: what is heard of while it is answered is another case.
  await vi.waitFor(() => expect(changes()).toBe(2), { timeout: 8_000 });
  expect(await client.resume(all(), token)).toEqual({ result: 'resync', reason: 'access' });
});

test('a page holds what its person may see and nothing else', async () => {
  const seen = await insertOperation(world.writer, world.a, world.a1);
  const hidden = await insertOperation(world.writer, world.a, world.a2);
  const idsOf = async (person: TestPerson): Promise<number[] | undefined> =>
    (await reader.read(person, all()))?.rows.map(({ id }) => id);
  expect(await idsOf(world.everyone)).toEqual(expect.arrayContaining([seen, hidden]));
  const narrowed = await idsOf(world.narrowed);
  expect(narrowed).toContain(seen);
  expect(narrowed).not.toContain(hidden);
  expect(await idsOf(world.stranger)).toBeUndefined();
});

test('what a pass vouches for is not younger than what it could see', async () => {
  const feed = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test late feed' });
  const { place } = await readFeedDifference(feed, null, 100);
  // Holds the statement up between its snapshot and its end: it asks for the epoch.
  const holder = await world.owner.connect();
  await holder.query('begin; lock table watchfloor.epoch_nonce in access exclusive mode');
  const reading = readFeedDifference(feed, place, 100);
  await vi.waitFor(
    async () => {
      const { rows } = await holder.query(
        `select 1 from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'test late feed'`
      );
      expect(rows).toHaveLength(1);
    },
    { timeout: 8_000, interval: 5 }
  );
  const id = await insertOperation(world.writer, world.a, world.a1);
  const { rows } = await world.writer.query<{ at: Date }>('select clock_timestamp() as at, pg_sleep(0.02)');
  await holder.query('commit');
  holder.release();
  const found = await reading;
  await feed.end();
  expect(found.operations.map((change) => change.id)).not.toContain(id);
  expect(found.proofAt).toBeLessThanOrEqual(rows[0]!.at.getTime());
});
