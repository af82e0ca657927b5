/**
 * Reconnect avalanche: a hub that was restarted remembers nothing, and everybody comes back at once. What it asks of the
 * database follows the distinct scopes, not the clients; and nobody gets rows, or keeps rows, that are not theirs now.
 */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Scope, SubscribeAnswer } from '../src/lib/live/protocol.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, type TestHub } from './harness/live.ts';
import { WireClient } from './harness/wire-client.ts';
import {
  entitle,
  insertOperation,
  makePerson,
  makeSession,
  makeWorld,
  type TestPerson,
  type World
} from './harness/world.ts';

const CLIENTS_OF_A_SESSION = 10;

let database: TestDatabase;
let world: World;
let reader: ReturnType<typeof openReader>;
let hub: TestHub | null = null;
const clients: WireClient[] = [];

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
afterEach(async () => {
  vi.restoreAllMocks();
  for (const client of clients.splice(0)) client.close();
  await hub?.close();
  hub = null;
});

const whole = (): Scope => ({ workspaceId: world.a, environmentId: null });
const ofA1 = (): Scope => ({ workspaceId: world.a, environmentId: world.a1 });

interface Seat {
  person: Pick<TestPerson, 'id' | 'cookie' | 'sessionId'>;
  scope: Scope;
  token: string;
}

async function makeMember(environments: number[] = []): Promise<TestPerson> {
  const person = await makePerson(world.owner, 'member');
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    person.id
  ]);
  if (environments.length > 0) await entitle(world.owner, world.a, person.id, environments);
  return person;
}

/** Clients of these people, each session with some tabs; a tab in two watches an environment. */
async function seatsFor(people: TestPerson[], clientCount: number): Promise<Seat[]> {
  const seats: Seat[] = [];
  for (let nth = 0; seats.length < clientCount; nth++) {
    const person = people[nth % people.length]!;
    const session = { ...person, ...(await makeSession(world.owner, person.id)) };
    const tokens = await Promise.all([whole(), ofA1()].map(async (scope) => (await reader.read(person, scope))!.token));
    for (let tab = 0; tab < CLIENTS_OF_A_SESSION; tab++)
      seats.push({ person: session, scope: tab % 2 ? ofA1() : whole(), token: tokens[tab % 2]! });
  }
  return seats;
}

interface Asked {
  statements: Record<string, number>;
  answers: SubscribeAnswer[];
}

/** All of them connect in one moment, are let in in one, and ask in one; with what the database was asked for it. */
async function comeBack(seats: Seat[]): Promise<Asked> {
  const port = hub!.port;
  const all = seats.map(({ person }) => new WireClient({ port, cookie: person.cookie, told() {} }));
  clients.push(...all);
  await Promise.all(all.map((client) => client.opened()));
  const counting = countStatements();
  await Promise.all(all.map((client) => client.connected()));
  const answers = await Promise.all(all.map((client, nth) => client.subscribe(seats[nth]!.scope, seats[nth]!.token)));
  return { statements: counting(), answers };
}

/** Statements of the hub, by pool; without the canary and what a new connection is set up with. */
function countStatements(): () => Record<string, number> {
  const found: Record<string, number> = {};
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  return () => {
    for (const [nth, [first]] of spy.mock.calls.entries()) {
      const { connectionParameters } = spy.mock.contexts[nth] as unknown as {
        connectionParameters: { application_name?: string };
      };
      const pool = connectionParameters.application_name ?? '';
      const asked = first as unknown as string | { text: string };
      const text = typeof asked === 'string' ? asked : asked.text;
      if (!pool.startsWith('watchfloor') || /^(set|listen|select pg_notify)/i.test(text)) continue;
      found[pool] = (found[pool] ?? 0) + 1;
    }
    spy.mockRestore();
    return found;
  };
}

const sum = (statements: Record<string, number>): number =>
  Object.values(statements).reduce((all, one) => all + one, 0);

test('what a restarted hub asks of the database follows the scopes that are watched, not the clients who come back', async () => {
  const people = await Promise.all([makeMember(), makeMember(), makeMember([world.a1]), makeMember([world.a1])]);
  const counts: number[] = [];
  for (const clientCount of [40, 240]) {
    hub = await startHub(database.url);
    // Places of different moments: each session's page was read after another change.
    const seats: Seat[] = [];
    while (seats.length < clientCount) {
      seats.push(...(await seatsFor([people[(seats.length / CLIENTS_OF_A_SESSION) % people.length]!], 10)));
      await insertOperation(world.writer, world.a, world.a1);
    }
    await hub.close();
    for (let n = 0; n < 20; n++) await insertOperation(world.writer, world.a, n % 2 ? world.a1 : world.a2);
    hub = await startHub(database.url);
    const { answers, statements } = await comeBack(seats);
    expect(answers.map(({ result }) => result)).toEqual(seats.map(() => 'caught_up'));
    // At most the few of a first round read the log for themselves; all others are told from memory.
    expect(hub.hub.figures().catchUps.database).toBeLessThanOrEqual(5);
    // Who they are and what they may see: by rounds, and never by the head.
    expect(statements['watchfloor hub sign-in']).toBeLessThan(12);
    expect(sum(statements)).toBeLessThan(90);
    counts.push(sum(statements));
    await hub.close();
    hub = null;
  }
  // Six times the clients: rounds depend on the machine's moods, heads do not count.
  expect(counts[1]! / counts[0]!).toBeLessThan(3);
}, 60_000);

test('whoever comes back has exactly what a fresh read of their scope has, whatever changed while the hub was away', async () => {
  hub = await startHub(database.url);
  const kept = await insertOperation(world.writer, world.a, world.a1);
  const gone = await insertOperation(world.writer, world.a, world.a1);
  const moved = await insertOperation(world.writer, world.a, world.a1);
  const foreign = await insertOperation(world.writer, world.b, world.b1);
  const people = {
    whole: await makeMember(),
    narrowed: await makeMember([world.a1]),
    revoked: await makeMember(),
    widened: await makeMember([world.a2]),
    again: await makeMember(),
    signedOut: await makeMember()
  };
  const held = new Map<TestPerson, Map<number, number>>();
  const seats: Seat[] = [];
  for (const person of Object.values(people)) {
    const { rows, token } = (await reader.read(person, whole()))!;
    held.set(person, new Map(rows.map(({ id, revision }) => [id, revision])));
    for (let tab = 0; tab < CLIENTS_OF_A_SESSION; tab++) seats.push({ person, scope: whole(), token });
  }
  await hub.close();
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [kept]);
  await world.owner.query('delete from operation_runs where id = $1', [gone]);
  await world.writer.query('update operation_runs set managed_environment_id = $2 where id = $1', [moved, world.a2]);
  await world.writer.query(`update operation_runs set status = 'running' where id = $1`, [foreign]);
  await world.owner.query('delete from memberships where user_id = $1', [people.revoked.id]);
  await world.owner.query('delete from environment_memberships where user_id = $1', [people.widened.id]);
  await world.owner.query('delete from memberships where user_id = $1', [people.again.id]);
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    people.again.id
  ]);
  await world.owner.query('delete from sessions where user_id = $1', [people.signedOut.id]);
  hub = await startHub(database.url);
  const port = hub.port;
  const ask = async ({ person, scope, token }: Seat): Promise<SubscribeAnswer | 'refused'> => {
    const client = new WireClient({ port, cookie: person.cookie, told() {} });
    clients.push(client);
    await client.opened();
    try {
      await client.connected();
    } catch {
      return 'refused';
    }
    return client.subscribe(scope, token);
  };
  const answers = await Promise.all(seats.map(ask));
  const of = (person: TestPerson) => answers.filter((_, nth) => seats[nth]!.person === person);
  for (const person of [people.whole, people.narrowed]) {
    const fresh = (await reader.read(person, whole()))!;
    const wanted = fresh.rows.map(({ id, revision }) => `${id} ${revision}`).sort();
    for (const answer of of(person)) {
      if (answer === 'refused' || answer.result !== 'caught_up') throw new Error(JSON.stringify(answer));
      const rows = new Map(held.get(person)!);
      for (const { id, revision } of answer.rows) rows.set(id, revision);
      for (const [id, revision] of answer.removed) if ((rows.get(id) ?? 0) < revision) rows.delete(id);
      expect([...rows].map(([id, revision]) => `${id} ${revision}`).sort()).toEqual(wanted);
      expect(JSON.stringify(answer)).not.toContain(`"workspaceId":${world.b}`);
    }
  }
  for (const answer of of(people.revoked)) expect(answer).toEqual({ result: 'absent' });
  // Rows that did not change came into sight, or were out of it for a while: only a new window can tell.
  for (const person of [people.widened, people.again])
    for (const answer of of(person)) expect(answer).toEqual({ result: 'resync', reason: 'access' });
  for (const answer of of(people.signedOut)) expect(answer).toBe('refused');
}, 60_000);

test('who lack more than memory takes share one read of the log for each scope, access and place, each with their own access checked', async () => {
  const people = await Promise.all([makeMember(), makeMember(), makeMember(), makeMember()]);
  hub = await startHub(database.url);
  const seats: Seat[] = [];
  const token = new Map<number, string>();
  for (const person of people) {
    const session = { ...person, ...(await makeSession(world.owner, person.id)) };
    token.set(person.id, (await reader.read(person, whole()))!.token);
    for (let tab = 0; tab < CLIENTS_OF_A_SESSION; tab++)
      seats.push({ person: session, scope: whole(), token: token.get(person.id)! });
  }
  await hub.close();
  // More entries than one pass tells one by one, of few operations.
  const id = await insertOperation(world.writer, world.a, world.a1);
  await world.writer.query(
    `do $$ begin for n in 1 .. 10100 loop
       update public.operation_runs set progress_processed = n, status = 'running' where id = ${id};
     end loop; end $$`
  );
  // Of one of them it cannot be told from memory, nor from what somebody else read.
  const [regranted] = people;
  await world.owner.query('delete from memberships where user_id = $1', [regranted!.id]);
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    regranted!.id
  ]);
  hub = await startHub(database.url);
  const { answers, statements } = await comeBack(seats);
  for (const [nth, answer] of answers.entries())
    if (seats[nth]!.person.id === regranted!.id) expect(answer).toEqual({ result: 'resync', reason: 'access' });
    else {
      expect(answer).toMatchObject({ result: 'caught_up' });
      expect(answer.result === 'caught_up' && answer.rows.find((row) => row.id === id)?.progress.processed).toBe(
        10_100
      );
    }
  expect(hub.hub.figures().catchUps.database).toBe(seats.length);
  // Four places, since each page was read in a snapshot of its own or shared one; never one for each of the forty.
  expect(sum(statements)).toBeLessThan(60);
}, 60_000);

test('a crowd from before another stream is told so without a read for each', async () => {
  hub = await startHub(database.url);
  const people = await Promise.all([makeMember(), makeMember()]);
  const seats = await seatsFor(people, 80);
  await hub.close();
  // As after a crash: who finds the nonce gone writes a new one.
  await world.owner.query('truncate watchfloor.epoch_nonce');
  hub = await startHub(database.url);
  const { answers } = await comeBack(seats);
  expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
    new Set([JSON.stringify({ result: 'resync', reason: 'epoch' })])
  );
  expect(hub.hub.figures().catchUps.database).toBe(0);
}, 60_000);

test('names that changed meanwhile are told with what is told from memory, to those who may see them', async () => {
  hub = await startHub(database.url);
  const [wholeOne, narrowed] = await Promise.all([makeMember(), makeMember([world.a2])]);
  const places = await Promise.all(
    [wholeOne, narrowed].map(async (person) => (await reader.read(person, whole()))!.token)
  );
  await world.owner.query('update managed_environments set name = $2 where id = $1', [world.a1, 'a1 renamed']);
  const { ringRows } = hub.hub.figures();
  await insertOperation(world.writer, world.a, world.a1);
  // Memory cannot tell of what this node has not heard of yet.
  await vi.waitFor(() => expect(hub!.hub.figures().ringRows).toBeGreaterThan(ringRows), { timeout: 10_000 });
  const told = async (person: TestPerson, token: string): Promise<boolean> => {
    let isTold = false;
    const client = new WireClient({
      port: hub!.port,
      cookie: person.cookie,
      told: (text) => void (isTold ||= text.toString('latin1', 4, 21) === 'reference:changed')
    });
    clients.push(client);
    await client.opened();
    await client.connected();
    expect(await client.subscribe(whole(), token)).toMatchObject({ result: 'caught_up' });
    return isTold;
  };
  expect(await told(wholeOne!, places[0]!)).toBe(true);
  expect(await told(narrowed!, places[1]!)).toBe(false);
  expect(hub.hub.figures().catchUps).toMatchObject({ ring: 2, database: 0 });
}, 60_000);
