/**
 * Storms: two hundred clients, of whom some take nothing, and very many changes. What waits for the stalled is bounded,
 * the others have everything and cost the same as without them, and the stalled recover or are cut off with their memory.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Scope } from '../src/lib/live/protocol.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, type TestHub } from './harness/live.ts';
import { WireClient } from './harness/wire-client.ts';
import { makePerson, makeWorld, type TestPerson, type World } from './harness/world.ts';

const CLIENTS = 200;
const STALLED = 5;
const CLIENTS_OF_A_PERSON = 25;
/** Rows of one message: just below what is told as a burst. */
const ROWS = 190;

let database: TestDatabase;
let world: World;
let reader: ReturnType<typeof openReader>;
let people: TestPerson[];
let hub: TestHub;
let members: Member[];

/** What one client was told last of each row, and nothing else. */
interface Member {
  client: WireClient;
  revisions: Map<number, number>;
  messages: number;
  isClosed: boolean;
}

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  reader = openReader(database.url);
  people = await Promise.all(
    Array.from({ length: CLIENTS / CLIENTS_OF_A_PERSON }, async (_, nth) => {
      const person = await makePerson(world.owner, `person ${nth}`);
      await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
        world.a,
        person.id
      ]);
      return person;
    })
  );
}, 180_000);
afterAll(async () => {
  await reader?.close();
  await world?.close();
  await database?.drop();
});
beforeEach(() => void (members = []));
afterEach(async () => {
  for (const { client } of members) client.close();
  await hub?.close();
});

const all = (): Scope => ({ workspaceId: world.a, environmentId: null });

async function openCrowd(): Promise<void> {
  const tokens = await Promise.all(people.map(async (person) => (await reader.read(person, all()))!.token));
  // A message is read once and told to all whom it reached: what is under test is the hub.
  let [lastText, lastRows]: [Buffer, { id: number; revision: number }[]] = [Buffer.alloc(0), []];
  const read = (text: Buffer): typeof lastRows => {
    if (!text.equals(lastText)) {
      lastText = Buffer.from(text);
      lastRows = (JSON.parse(text.subarray(2).toString()) as [string, { rows: typeof lastRows }])[1].rows;
    }
    return lastRows;
  };
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, nth) => {
      const member: Member = {
        revisions: new Map(),
        messages: 0,
        isClosed: false,
        client: new WireClient({
          port: hub.port,
          cookie: people[nth % people.length]!.cookie,
          told(text) {
            if (text.toString('latin1', 4, 8) !== 'rows') return;
            member.messages++;
            for (const { id, revision } of read(text))
              member.revisions.set(id, Math.max(revision, member.revisions.get(id) ?? 0));
          },
          closed: () => void (member.isClosed = true)
        })
      };
      members.push(member);
      await member.client.opened();
      await member.client.connected();
      // A hub that is behind for a moment says so, and is asked again, as every client does.
      await vi.waitFor(
        async () => {
          const answer = await member.client.subscribe(all(), tokens[nth % people.length]!);
          expect(answer.result).toBe('caught_up');
        },
        { timeout: 60_000, interval: 500 }
      );
    })
  );
}

async function insertRows(): Promise<number[]> {
  const { rows } = await world.writer.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status)
     select $1, $2, 'policy.sync', 'running' from generate_series(1, $3) returning id`,
    [world.a, world.a1, ROWS]
  );
  return rows.map(({ id }) => id);
}

/** Changes all of them in one transaction. */
async function change(ids: number[], phase: string): Promise<void> {
  await world.writer.query('update operation_runs set progress_phase = $2 where id = any ($1::bigint[])', [ids, phase]);
}

async function revisionsOf(ids: number[]): Promise<[number, number][]> {
  const { rows } = await world.owner.query<{ id: number; revision: number }>(
    'select id, revision from operation_runs where id = any ($1::bigint[])',
    [ids]
  );
  return rows.map(({ id, revision }) => [id, revision]);
}

const packetsOf = (): number[] =>
  [...hub.hub.sockets()].map(({ conn }) => (conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length);

const has = ({ revisions }: Member, wanted: [number, number][]): boolean =>
  wanted.every(([id, revision]) => (revisions.get(id) ?? 0) >= revision);

test('in a storm the stalled wait with few packets and come back or are cut off with their connection, and all others have everything', async () => {
  hub = await startHub(database.url, { drainMs: 4_000 });
  const ids = await insertRows();
  await openCrowd();
  const stalled = members.slice(0, STALLED);
  const healthy = members.slice(STALLED);
  for (const { client } of stalled) client.stall();
  let highest = 0;
  const long = 'x'.repeat(280);
  const { laggards } = hub.hub.figures();
  for (let n = 0; n < 1_000 && hub.hub.figures().laggards.left < laggards.left + STALLED; n++) {
    await change(ids, `${n} ${long}`);
    highest = Math.max(highest, ...packetsOf());
  }
  expect(hub.hub.figures().laggards.left).toBe(STALLED);
  // One reads again before it is cut off, the others never do.
  const [again, ...never] = stalled;
  again!.client.resume();
  await vi.waitFor(() => expect(hub.hub.figures().laggards.recovered).toBe(1), { timeout: 20_000 });
  for (let n = 0; n < 20; n++) {
    await change(ids, `later ${n}`);
    highest = Math.max(highest, ...packetsOf());
  }
  const gone = ids.pop()!;
  await world.owner.query('delete from operation_runs where id = $1', [gone]);
  const wanted = await revisionsOf(ids);
  await vi.waitFor(() => expect([again!, ...healthy].filter((member) => !has(member, wanted))).toHaveLength(0), {
    timeout: 20_000,
    interval: 100
  });
  // 256 packets are too many for any patience; one turn of telling may add a few.
  expect(highest).toBeLessThan(300);
  await vi.waitFor(() => expect(hub.hub.figures().laggards).toEqual({ left: 5, recovered: 1, cut: 4 }), {
    timeout: 20_000
  });
  expect(hub.hub.figures().sockets).toBe(CLIENTS - never.length);
  // Also what waited for them is gone, and not only their place in the rooms.
  await vi.waitFor(async () => expect(await hub.connections()).toBe(CLIENTS - never.length), { timeout: 10_000 });
  expect(healthy.filter(({ isClosed }) => isClosed)).toHaveLength(0);
}, 300_000);

test('what a storm costs the hub follows the changes and not who stalls', async () => {
  hub = await startHub(database.url);
  const ids = await insertRows();
  await openCrowd();
  const storm = async (): Promise<number> => {
    const before = hub.hub.figures().messages;
    for (let n = 0; n < 10; n++) {
      await change(ids, `${n}`);
      const wanted = await revisionsOf(ids);
      await vi.waitFor(
        () => expect(members.filter((member) => !member.client.tcp.isPaused() && !has(member, wanted))).toHaveLength(0),
        { timeout: 20_000 }
      );
    }
    return hub.hub.figures().messages - before;
  };
  expect(await storm()).toBe(10);
  for (const { client } of members.slice(0, STALLED)) client.stall();
  expect(await storm()).toBe(10);
}, 180_000);
