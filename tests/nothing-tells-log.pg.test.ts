/** Why somebody was refused, as the log says it: found out with the rights of the role that the nodes have. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openDenials, type Denial } from '../src/lib/server/access/denials.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let feed: ReturnType<typeof openPool>;
const ABSENT = 987_654_321;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  feed = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test denials' });
});
afterAll(async () => {
  await feed?.end();
  await world?.close();
  await database?.drop();
});

async function whyOf(denial: Omit<Denial, 'door'>): Promise<unknown> {
  const lines: { why?: unknown }[] = [];
  const log = { info: (line: object) => void lines.push(line), warn: () => undefined };
  openDenials({ log: log as never, db: feed }).denied({ door: 'operation', ...denial });
  await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 10_000 });
  return lines[0]!.why;
}

test('the log tells apart what is one answer to whoever asks', async () => {
  const { a, b, a1, a2, b1, narrowed, everyone, stranger } = world;
  const [seen, hidden, foreign] = [
    await insertOperation(world.writer, a, a1),
    await insertOperation(world.writer, a, a2),
    await insertOperation(world.writer, b, b1)
  ];
  const cases: [Omit<Denial, 'door'>, string][] = [
    [{ personId: narrowed.id, workspaceId: ABSENT }, 'no such workspace'],
    [{ personId: narrowed.id, workspaceId: Number.MAX_SAFE_INTEGER, operationId: seen }, 'no such workspace'],
    [{ personId: narrowed.id, workspaceId: b }, 'not a member'],
    [{ personId: stranger.id, workspaceId: a, operationId: ABSENT }, 'not a member'],
    [{ personId: narrowed.id, workspaceId: a, environmentId: ABSENT }, 'no such environment'],
    [{ personId: narrowed.id, workspaceId: a, environmentId: b1 }, 'no such environment'],
    [{ personId: narrowed.id, workspaceId: a, environmentId: a2 }, 'narrowed away'],
    [{ personId: narrowed.id, workspaceId: a, operationId: ABSENT }, 'no such operation'],
    [{ personId: narrowed.id, workspaceId: a, operationId: foreign }, 'no such operation'],
    [{ personId: narrowed.id, workspaceId: a, operationId: hidden }, 'narrowed away'],
    [{ personId: narrowed.id, workspaceId: a, operationId: seen }, 'changed since'],
    [{ personId: everyone.id, workspaceId: a, environmentId: a2 }, 'changed since'],
    [{ personId: narrowed.id, workspaceId: a, environmentId: 'x' }, 'malformed'],
    [{ personId: null, workspaceId: a }, 'absent']
  ];
  expect(await Promise.all(cases.map(([denial]) => whyOf(denial)))).toEqual(cases.map(([, why]) => why));
  await world.owner.query('delete from operation_runs where id = $1', [seen]);
  expect(await whyOf({ personId: narrowed.id, workspaceId: a, operationId: seen })).toBe('no such operation');
});
