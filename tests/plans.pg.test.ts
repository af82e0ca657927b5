import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLEAN_FILTER } from '../src/lib/operations/filter.ts';
import { openPool, type Queryable } from '../src/lib/server/database/pool.ts';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { readFeedDifference, readWholeDifference } from '../src/lib/server/live/differences.ts';
import { readOperation } from '../src/lib/server/operations/detail.ts';
import { readPageOfRows, type ListRequest } from '../src/lib/server/operations/first-page.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { ENABLE_JUDGES } from './harness/triggers.ts';
import { insertOperation, makeWorld, openWriter, type TestPerson, type World } from './harness/world.ts';

/** PRODUCT's and STYLE's bound for 25 rows and their look-ahead, whatever the history. */
const MOST_BUFFERS = 60;
const HISTORY = 200_000;

let database: TestDatabase;
let world: World;
let people: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'test plans' });
  // a3 is busy, a1 is quiet (40 operations, long ago), a2 has none; B is busy, too.
  await world.owner.query('alter table operation_runs disable trigger user');
  await world.owner.query(`set statement_timeout = 0`);
  await fill(world.a, world.a1, 40, '28 days');
  await fill(world.a, world.a3, HISTORY / 2, '29 days');
  await fill(world.a, null, 200, '25 days');
  await fill(world.b, world.b1, HISTORY / 2, '29 days');
  await world.owner.query(ENABLE_JUDGES);
  await world.owner.query('vacuum analyze operation_runs');
}, 120_000);
afterAll(async () => {
  await people?.end();
  await world?.close();
  await database?.drop();
});

async function fill(workspaceId: number, environmentId: number | null, count: number, from: string): Promise<void> {
  const writer = await openWriter(database.url);
  await writer.query('reset role');
  await writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, started_at, completed_at, context, place_id)
     select $1, $2::bigint, 'inventory.sync', 'completed', 'succeeded', t, t, t + interval '1 minute', jsonb_build_object('padding', repeat('x', 400)), coalesce($2, 0)
     from generate_series(1, $3) n cross join lateral (select now() - $4::interval * (1 - n / ($3 + 1.0)) as t) at`,
    [workspaceId, environmentId, count, from]
  );
  await writer.end();
}

/** Runs what `work` runs as the person, and explains each of its statements. */
async function explain(
  person: TestPerson,
  work: (db: Queryable, visible: Parameters<Parameters<typeof readWorkspace>[3]>[1]) => Promise<unknown>
): Promise<{ statements: string[]; buffers: number; nodes: Record<string, unknown>[] }> {
  const statements: string[] = [];
  const nodes: Record<string, unknown>[] = [];
  let buffers = 0;
  await readWorkspace(people, person.id, world.a, async (client, visible) => {
    const spy: Queryable = {
      query: (async (sql: string, values: unknown[]) => {
        statements.push(sql);
        const { rows } = await client.query(`explain (analyze, buffers, format json) ${sql}`, values);
        const plan = rows[0]['QUERY PLAN'][0]['Plan'];
        buffers += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
        collect(plan, nodes);
        return client.query(sql, values);
      }) as Queryable['query']
    };
    await work(spy, visible);
  });
  return { statements, buffers, nodes };
}

function collect(plan: Record<string, unknown>, into: Record<string, unknown>[]): void {
  into.push(plan);
  for (const child of (plan['Plans'] as Record<string, unknown>[] | undefined) ?? []) collect(child, into);
}

const first = (more: Partial<ListRequest> = {}): ListRequest => ({
  environmentId: null,
  filter: CLEAN_FILTER,
  pageSize: 25,
  after: null,
  before: null,
  ...more
});

describe('a page of rows reads at most 60 buffers through a named index, whatever the history', () => {
  const deep = (): ListRequest['after'] => ({ at: Date.now() - 15 * 86_400_000, id: 1_000_000_000 });
  const cases: [string, () => TestPerson, () => ListRequest, string][] = [
    ['a whole workspace', () => world.everyone, () => first(), 'operation_runs_by_workspace_newest'],
    [
      'far down the history',
      () => world.everyone,
      () => first({ after: deep() }),
      'operation_runs_by_workspace_newest'
    ],
    [
      'back up from far down',
      () => world.everyone,
      () => first({ before: deep() }),
      'operation_runs_by_workspace_newest'
    ],
    [
      'one busy environment',
      () => world.everyone,
      () => first({ environmentId: world.a3 }),
      'operation_runs_by_place_newest'
    ],
    [
      'one quiet environment',
      () => world.everyone,
      () => first({ environmentId: world.a1 }),
      'operation_runs_by_place_newest'
    ],
    [
      'an environment without a row',
      () => world.everyone,
      () => first({ environmentId: world.a2 }),
      'operation_runs_by_place_newest'
    ],
    ['a person narrowed to a quiet environment', () => world.narrowed, () => first(), 'operation_runs_by_place_newest'],
    [
      'the same person filtering by it',
      () => world.narrowed,
      () => first({ environmentId: world.a1 }),
      'operation_runs_by_place_newest'
    ],
    [
      'the same person further down',
      () => world.narrowed,
      () => first({ after: deep() }),
      'operation_runs_by_place_newest'
    ]
  ];
  test.each(cases)('%s', async (_title, person, request, index) => {
    const { buffers, nodes, statements } = await explain(person(), (db, visible) =>
      readPageOfRows(db, visible, request())
    );
    expect(buffers).toBeLessThanOrEqual(MOST_BUFFERS * statements.length);
    expect(statements.length).toBeLessThanOrEqual(2);
    expect(nodes.map((node) => node['Index Name'])).toContain(index);
    const scans = nodes.filter(
      (node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'operation_runs'
    );
    expect(scans).toEqual([]);
  });
});

test('no list reads a JSON column', async () => {
  for (const request of [first(), first({ environmentId: world.a1 })]) {
    const { statements } = await explain(world.narrowed, (db, visible) => readPageOfRows(db, visible, request));
    for (const sql of statements)
      expect(sql).not.toMatch(/context|summary_counts|failure_summary|\*\s+from public\.operation_runs/);
  }
});

test('the first page takes the same number of statements with and without history', async () => {
  const count = async (person: TestPerson, workspaceId: number): Promise<number> => {
    let statements = 0;
    const pool = {
      connect: async () => {
        const client = await people.connect();
        return {
          query: (...args: [string, unknown[]]) => (statements++, client.query(...args)),
          release: () => client.release()
        };
      }
    } as unknown as pg.Pool;
    await readWorkspace(pool, person.id, workspaceId, (client, visible) => readPageOfRows(client, visible, first()));
    return statements;
  };
  const { rows } = await world.owner.query<{ id: number }>(
    `insert into workspaces (name) values ('small') returning id`
  );
  const small = rows[0]!.id;
  await world.owner.query(`insert into memberships (workspace_id, user_id, role) values ($1, $2, 'owner')`, [
    small,
    world.everyone.id
  ]);
  await world.owner.query('alter table operation_runs enable always trigger operation_runs_900_notify_inserted');
  await insertOperation(world.writer, small, null);
  expect(await count(world.everyone, world.a)).toBe(await count(world.everyone, small));
  expect(await count(world.everyone, world.a)).toBeLessThanOrEqual(5);
});

test('the detail page reads one operation by its key', async () => {
  const { rows } = await world.owner.query<{ id: number }>(
    'select id from operation_runs where managed_environment_id = $1 limit 1',
    [world.a3]
  );
  const { buffers, nodes, statements } = await explain(world.everyone, (db) => readOperation(db, world.a, rows[0]!.id));
  expect(buffers).toBeLessThanOrEqual(MOST_BUFFERS * statements.length);
  expect(nodes.map((node) => node['Index Name'])).toContain('operation_runs_pkey');
});

test('the feed reads in proportion to what changed, also behind a transaction that stays open', async () => {
  // The history was filled without it.
  await world.owner.query('alter table operation_runs enable always trigger operation_runs_900_notify_inserted');
  const feed = openPool({
    url: database.url,
    role: 'feed',
    max: 1,
    applicationName: 'test feed',
    prefersIndexes: true
  });
  const idle = await openWriter(database.url);
  await idle.query('begin');
  await insertOperation(idle, world.a, world.a1);
  // Plenty of log behind the open transaction.
  const since = (await readFeedDifference(feed, null, 10)).place;
  for (let i = 0; i < 3_000; i++) await insertOperation(world.writer, world.b, world.b1);
  const place = (await readFeedDifference(feed, since, 5_000)).place;
  await insertOperation(world.writer, world.a, world.a1);
  let asked: pg.QueryConfig | null = null;
  const spy: Queryable = {
    query: ((config: pg.QueryConfig) => {
      asked = config;
      return feed.query(config);
    }) as Queryable['query']
  };
  for (const read of [readFeedDifference, readWholeDifference]) {
    const found = await read(spy, place, 5_000);
    expect(found.operations).toHaveLength(1);
    // It is prepared, so Postgres may plan it once for all places: either way must follow what changed.
    const { name, values } = asked! as pg.QueryConfig;
    const given = (values as unknown[]).map((value) => pg.escapeLiteral(String(value))).join(', ');
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await feed.query(`set plan_cache_mode = ${mode}`);
      const { rows } = await feed.query(
        `explain (analyze, buffers, format json) execute ${pg.escapeIdentifier(name!)} (${given})`
      );
      const plan = rows[0]['QUERY PLAN'][0]['Plan'];
      const nodes: Record<string, unknown>[] = [];
      collect(plan, nodes);
      const removed = nodes
        .filter((node) => node['Relation Name'] === 'changes')
        .reduce((sum, node) => sum + Number(node['Rows Removed by Filter'] ?? 0), 0);
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], `${name!} ${mode}`).toBeLessThanOrEqual(80);
      expect(removed, `${name!} ${mode}`).toBe(0);
    }
  }
  await idle.query('rollback');
  await idle.end();
  await feed.end();
});
