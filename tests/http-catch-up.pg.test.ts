/** Catch-up over HTTP: the socket's question, its authorisation and its answers, where WebSockets are forbidden. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  CATCH_UP_PATH,
  PROTOCOL_VERSION,
  subscribeAnswerSchema,
  type Scope,
  type SubscribeAnswer
} from '../src/lib/live/protocol.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { openReader, startHub, type TestHub } from './harness/live.ts';
import { entitle, insertOperation, makePerson, makeWorld, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let reader: ReturnType<typeof openReader>;
let hub: TestHub;
let url: string;
const own = 'http://own.example';

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  reader = openReader(database.url);
  hub = await startHub(database.url, { isOwnOrigin: (origin) => origin === own });
  url = `http://127.0.0.1:${hub.port}${CATCH_UP_PATH}`;
}, 60_000);
afterAll(async () => {
  await hub?.close();
  await reader?.close();
  await world?.close();
  await database?.drop();
});

const all = (): Scope => ({ workspaceId: world.a, environmentId: null });

async function ask(person: TestPerson, scope: Scope, token: string): Promise<SubscribeAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { cookie: person.cookie, origin: own, 'content-type': 'application/json' },
    body: JSON.stringify({
      protocol: PROTOCOL_VERSION,
      scope,
      window: { kind: 'list', query: '' },
      summaries: 'scope',
      token
    })
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  return subscribeAnswerSchema.parse(await response.json());
}
type CaughtUp = Extract<SubscribeAnswer, { result: 'caught_up' }>;
const caughtUp = (answer: SubscribeAnswer): CaughtUp => {
  expect(answer.result).toBe('caught_up');
  return answer as CaughtUp;
};

test('asked again and again it tells every change once there, with numbers, and nothing of elsewhere', async () => {
  let { token } = (await reader.read(world.narrowed, all()))!;
  const seen = new Map<number, number>();
  const gone = new Set<number>();
  const here: number[] = [];
  for (let i = 0; i < 10; i++) {
    here.push(await insertOperation(world.writer, world.a, i % 2 ? world.a1 : null));
    await insertOperation(world.writer, world.a, world.a2);
    await insertOperation(world.writer, world.b, world.b1);
    if (i === 5) await world.owner.query('delete from operation_runs where id = $1', [here[0]]);
    const answer = caughtUp(await ask(world.narrowed, all(), token));
    for (const row of answer.rows) {
      expect([world.a1, null]).toContain(row.environmentId);
      seen.set(row.id, row.revision);
    }
    for (const [id] of answer.removed) gone.add(id);
    expect(answer.summaries.map(({ place }) => place)).toEqual(['itself', world.a1]);
    ({ token } = answer);
  }
  expect([...seen.keys()].sort((a, b) => a - b)).toEqual(here);
  expect(gone).toEqual(new Set([here[0]]));
  expect(hub.hub.figures().catchUps.http).toBeGreaterThanOrEqual(10);
});

test('its proof is as honest as a tick: everything committed before it is in the answers up to then', async () => {
  let { token } = (await reader.read(world.everyone, all()))!;
  const commits: { id: number; at: number }[] = [];
  const seen = new Set<number>();
  for (let i = 0; i < 60; i++) {
    const id = await insertOperation(world.writer, world.a, world.a1);
    const { rows } = await world.writer.query<{ at: Date }>('select clock_timestamp() as at');
    commits.push({ id, at: rows[0]!.at.getTime() });
    if (i % 3) continue;
    const answer = caughtUp(await ask(world.everyone, all(), token));
    for (const row of answer.rows) seen.add(row.id);
    expect(commits.filter((commit) => commit.at < answer.proofAt && !seen.has(commit.id))).toEqual([]);
    ({ token } = answer);
  }
});

test('numbers move for who only asks over HTTP', async () => {
  let { token } = (await reader.read(world.stranger, { workspaceId: world.b, environmentId: null }))!;
  const scope = { workspaceId: world.b, environmentId: null };
  const active = async (): Promise<number> => {
    const answer = caughtUp(await ask(world.stranger, scope, token));
    ({ token } = answer);
    return answer.summaries[0]!.counts.active;
  };
  const before = await active();
  await insertOperation(world.writer, world.b, world.b1);
  await vi.waitFor(async () => expect(await active()).toBe(before + 1), { timeout: 10_000, interval: 300 });
});

test('a revocation holds at once: nothing committed later is told, and old places are of no use', async () => {
  const person = await makePerson(world.owner, 'leaver');
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    person.id
  ]);
  const { token } = (await reader.read(person, all()))!;
  caughtUp(await ask(person, all(), token));
  await entitle(world.owner, world.a, person.id, [world.a2]);
  await insertOperation(world.writer, world.a, world.a1);
  expect(await ask(person, all(), token)).toEqual({ result: 'resync', reason: 'access' });
  expect(await ask(person, { workspaceId: world.a, environmentId: world.a1 }, token)).toEqual({ result: 'absent' });
  await world.owner.query('delete from memberships where user_id = $1', [person.id]);
  await insertOperation(world.writer, world.a, world.a2);
  expect(await ask(person, all(), token)).toEqual({ result: 'absent' });
  // And with access again, what did not change is missing from no window.
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'operator')`, [
    world.a,
    person.id
  ]);
  expect(await ask(person, all(), token)).toEqual({ result: 'resync', reason: 'access' });
});

test('a place of another person or workspace is answered alike, and tells nothing', async () => {
  const { token } = (await reader.read(world.everyone, all()))!;
  expect(await ask(world.narrowed, all(), token)).toEqual({ result: 'resync', reason: 'token' });
  expect(await ask(world.stranger, all(), token)).toEqual({ result: 'absent' });
  expect(await ask(world.stranger, { workspaceId: 999_999, environmentId: null }, token)).toEqual({ result: 'absent' });
});

test('who may not ask is told so: method, origin, session, size, and another version', async () => {
  const post = (headers: Record<string, string>, body: string) => fetch(url, { method: 'POST', headers, body });
  const cookie = world.everyone.cookie;
  expect((await fetch(url)).status).toBe(405);
  expect((await post({ cookie }, '{}')).status).toBe(403);
  expect((await post({ cookie, origin: 'http://evil.example' }, '{}')).status).toBe(403);
  const signedOut = await post({ origin: own, cookie: 'watchfloor=none' }, '{}');
  expect([signedOut.status, await signedOut.text()]).toEqual([401, '{}']);
  expect((await post({ cookie, origin: own }, 'x'.repeat(20_000))).status).toBe(413);
  expect(await (await post({ cookie, origin: own }, 'no json')).json()).toEqual({ result: 'absent' });
  expect(await (await post({ cookie, origin: own }, '{"protocol": 1}')).json()).toEqual({
    result: 'reload',
    protocol: PROTOCOL_VERSION
  });
});

test('who asks in a loop is told to wait, and nothing is read for it', async () => {
  const { token } = (await reader.read(world.everyone, all()))!;
  const answers = await Promise.all(Array.from({ length: 250 }, () => ask(world.everyone, all(), token)));
  expect(answers).toContainEqual({ result: 'unavailable', link: 'lag' });
});
