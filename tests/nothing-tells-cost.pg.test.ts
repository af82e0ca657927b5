/** What is hidden costs the database what does not exist: the same steps of the same plan, not only the same statement. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool, type Queryable } from '../src/lib/server/database/pool.ts';
import { isThere } from '../src/lib/server/operations/door.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { insertOperation, makeWorld, type TestPerson, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let people: pg.Pool;
const ABSENT = 987_654_321;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 1, applicationName: 'test pages' });
});
afterAll(async () => {
  await people?.end();
  await world?.close();
  await database?.drop();
});

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Loops': number;
  Plans?: Node[];
}
const stepsOf = (node: Node): string[] => [
  `${node['Node Type']} ${node['Relation Name'] ?? ''} × ${node['Actual Loops']}`,
  ...(node.Plans ?? []).flatMap(stepsOf)
];

/** Each step that Postgres took to answer, with how often it took it. */
async function stepsFor(person: TestPerson, workspaceId: number, operationId: number) {
  return readWorkspace(people, person.id, workspaceId, async (client, visible) => {
    let steps: string[] = [];
    const explaining = {
      async query(sql: string, values: unknown[]) {
        const { rows } = await client.query<{ 'QUERY PLAN': { Plan: Node }[] }>(
          `explain (analyze, timing off, format json) ${sql}`,
          values
        );
        steps = stepsOf(rows[0]!['QUERY PLAN'][0]!.Plan);
        return client.query(sql, values);
      }
    } as unknown as Queryable;
    return { isThere: await isThere(explaining, visible, operationId), steps };
  });
}

test('an operation that is narrowed away takes the steps of one that does not exist', async () => {
  const { a, b, a1, a2, b1, narrowed } = world;
  const [seen, hidden, foreign] = [
    await insertOperation(world.writer, a, a1),
    await insertOperation(world.writer, a, a2),
    await insertOperation(world.writer, b, b1)
  ];
  for (const indexed of [false, true]) {
    if (indexed) {
      // As the table is in use: found by its index.
      await world.writer.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type)
         select $1, $2, 'filler' from generate_series(1, 3000)`,
        [a, world.a3]
      );
      await world.owner.query('analyze operation_runs');
    }
    const absent = await stepsFor(narrowed, a, ABSENT);
    expect(absent).toMatchObject({ isThere: false });
    expect(absent!.steps.length).toBeGreaterThan(2);
    for (const id of [hidden, foreign]) expect(await stepsFor(narrowed, a, id)).toEqual(absent);
    // The statement can tell: what is there is asked for by row-level security, too.
    const there = await stepsFor(narrowed, a, seen);
    expect(there).toMatchObject({ isThere: true });
    expect(there!.steps).not.toEqual(absent!.steps);
  }
});

test('what is the workspace’s own is there for everybody in it, and nothing is for who is not', async () => {
  const own = await insertOperation(world.writer, world.a, null);
  expect(await stepsFor(world.narrowed, world.a, own)).toMatchObject({ isThere: true });
  expect(await stepsFor(world.everyone, world.a, own)).toMatchObject({ isThere: true });
  expect(await stepsFor(world.stranger, world.a, own)).toBeNull();
});
