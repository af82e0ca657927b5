import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWorkspace, type VisibleWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool, type Queryable } from '../src/lib/server/database/pool.ts';
import { readOverview, withSilenceLimits } from '../src/lib/server/operations/overview.ts';
import { readSummaries } from '../src/lib/server/operations/summary.ts';
import type { Hour, OverviewPage } from '../src/lib/operations/pages.ts';
import { load } from '../src/routes/admin/workspaces/[workspace]/+page.server.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeWorld, openWriter, type TestPerson, type World } from './harness/world.ts';

const HISTORY = 30_000;

let database: TestDatabase;
let world: World;
let people: pg.Pool;
let access: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'test overview' });
  access = openPool({ url: database.url, role: 'access', max: 1, applicationName: 'test overview sign-in' });
  await world.owner.query('alter table operation_runs disable trigger user');
  // a1 and the workspace itself: a few, today and yesterday; a2: nothing; a3: much, a thirtieth of it today.
  for (const [environmentId, outcome, minutesAgo] of [
    [world.a1, 'succeeded', 5],
    [world.a1, 'failed', 30],
    [world.a1, 'cancelled', 95],
    [world.a1, 'blocked', 23 * 60 + 30],
    [world.a1, 'failed', 24 * 60 + 5],
    [null, 'partially_succeeded', 150]
  ] as const)
    await complete(world.a, environmentId, outcome, 1, `${minutesAgo} minutes`, '0 minutes');
  await complete(world.a, world.a3, 'succeeded', HISTORY, '12 minutes', '30 days');
  await complete(world.b, world.b1, 'failed', 10, '1 hour', '0 minutes');
  await world.owner.query('vacuum analyze operation_runs');
}, 120_000);
afterAll(async () => {
  await people?.end();
  await access?.end();
  await world?.close();
  await database?.drop();
});

/** The newest ended so long ago, the others spread over so long before it. */
async function complete(
  workspaceId: number,
  environmentId: number | null,
  outcome: string,
  count: number,
  newest: string,
  spread: string
): Promise<void> {
  const owner = await openWriter(database.url); // a connection without the pool's statement timeout
  await owner.query('reset role');
  await owner.query(
    `insert into operation_runs (workspace_id, managed_environment_id, place_id, type, status, outcome, created_at, started_at, completed_at, last_reported_at)
     select $1, $2::bigint, coalesce($2::bigint, 0), 'inventory.sync', 'completed', $3, t, t, t, t
     from generate_series(0, $4::integer - 1) n
     cross join lateral (select now() - $5::interval - $6::interval * n / $4 as t) at`,
    [workspaceId, environmentId, outcome, count, newest, spread]
  );
  await owner.end();
}

const read = async <T>(
  person: TestPerson,
  work: (db: Queryable, visible: VisibleWorkspace) => Promise<T>
): Promise<T> => (await readWorkspace(people, person.id, world.a, work))!;

/** "hour:completed/bad" of the hours that have anything; 23 is the last one. */
const shown = (hours: Hour[]): string[] =>
  hours.flatMap(({ completed, bad }, hour) => (completed > 0 ? [`${hour}:${completed}/${bad}`] : []));

describe('the hours of a day', () => {
  test('count what completed by the hour that ends now, and what of it failed or was blocked', async () => {
    const { environments, ownHours } = await read(world.everyone, readOverview);
    expect(environments.map(({ name, hours }) => [name, shown(hours)])).toEqual([
      ['a1', ['0:1/1', '22:1/0', '23:2/1']],
      ['a2', []],
      ['a3', Array.from({ length: 24 }, (_, hour) => expect.stringMatching(new RegExp(`^${hour}:\\d+/0$`)))]
    ]);
    expect(shown(ownHours)).toEqual(['21:1/0']);
    for (const { hours, addedAt } of environments) {
      expect(hours).toHaveLength(24);
      expect(Math.abs(Date.now() - addedAt)).toBeLessThan(600_000);
    }
  });

  test('are of the environments that the person may see, and of nothing else', async () => {
    const { environments, ownHours } = await read(world.narrowed, readOverview);
    expect(environments.map(({ name }) => name)).toEqual(['a1']);
    expect(shown(environments[0]!.hours)).toEqual(['0:1/1', '22:1/0', '23:2/1']);
    expect(shown(ownHours)).toEqual(['21:1/0']);
  });

  test('are read from the day of each place by its own index, whatever the history and the neighbours', async () => {
    for (const [person, most] of [
      [world.everyone, 100],
      // One more than a list may, since the policy's functions ask after displays, too.
      [world.narrowed, 64]
    ] as const) {
      const plans: Record<string, unknown>[] = [];
      let buffers = 0;
      await read(person, async (client, visible) => {
        const spy: Queryable = {
          query: (async (sql: string, values: unknown[]) => {
            const { rows } = await client.query(`explain (analyze, buffers, format json) ${sql}`, values);
            const plan = rows[0]['QUERY PLAN'][0]['Plan'];
            buffers += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
            collect(plan, plans);
            return client.query(sql, values);
          }) as Queryable['query']
        };
        await readOverview(spy, visible);
      });
      const ofOperations = plans.filter((node) => node['Relation Name'] === 'operation_runs');
      expect(ofOperations.map((node) => [node['Node Type'], node['Index Name']])).toEqual([
        ['Index Only Scan', 'operation_runs_by_place_and_outcome']
      ]);
      expect(ofOperations.map((node) => Number(node['Rows Removed by Filter'] ?? 0))).toEqual([0]);
      expect(buffers).toBeLessThanOrEqual(most);
    }
  });
});

function collect(plan: Record<string, unknown>, into: Record<string, unknown>[]): void {
  into.push(plan);
  for (const child of (plan['Plans'] as Record<string, unknown>[] | undefined) ?? []) collect(child, into);
}

test('a source that is silent is known to be so before the page is live, and one that reports is not asked', async () => {
  const summaries = await read(world.everyone, async (client, { readAt }) =>
    withSilenceLimits(
      client,
      world.a,
      await readSummaries(client, world.a, ['itself', world.a1, world.a2, world.a3], readAt)
    )
  );
  const limits = new Map(summaries.map(({ place, silentAfterMs }) => [place, silentAfterMs]));
  expect(limits.get(world.a3)).toBeGreaterThanOrEqual(600_000);
  expect(limits.get(world.a1)).toBeNull();
  expect(limits.get(world.a2)).toBeNull();
});

describe('the load of the page', () => {
  let denials = 0;
  /** What the door answers: the page's data, or the error that it throws. */
  async function ask(person: TestPerson, workspace: string, query = ''): Promise<{ overview: OverviewPage } | unknown> {
    const event = {
      locals: { person: { id: person.id }, database: { people, access }, denied: () => denials++ },
      params: { workspace },
      url: new URL(`http://own.test/admin/workspaces/${workspace}${query}`),
      depends() {}
    } as unknown as Parameters<typeof load>[0];
    return (load(event) as Promise<unknown>).catch((error: unknown) => error);
  }

  test('gives each environment its summary, and the workspace itself one', async () => {
    const { overview } = (await ask(world.narrowed, String(world.a))) as { overview: OverviewPage };
    expect(overview.environments.map(({ id }) => id)).toEqual([world.a1]);
    expect(overview.summaries.map(({ place }) => place)).toEqual(['itself', world.a1]);
    expect(overview.token).not.toBe('');
    expect(overview.typeLabels['inventory.sync']).toBe('Inventory sync');
  });

  test('is one 404 for what is absent, foreign or malformed, whatever the order asked for', async () => {
    const answers = [];
    for (const workspace of ['987654', String(world.b), 'abc', '-1', '1e9', `0${world.a}`, '99999999999999999999'])
      for (const query of ['', '?order=name', '?order=x']) answers.push(await ask(world.everyone, workspace, query));
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ status: 404, body: { message: 'Not found' } })])
    );
    // The log alone learns of each.
    expect(denials).toBe(answers.length);
  });

  test('names a malformed order and shows nothing, to those who may see the workspace', async () => {
    const path = `/admin/workspaces/${world.a}`;
    expect(await ask(world.everyone, String(world.a), '?order=newest')).toMatchObject({
      status: 400,
      body: { name: 'order', value: 'newest', cleanUrl: path }
    });
    expect(await ask(world.everyone, String(world.a), '?order=name')).toMatchObject({ order: 'name' });
    expect(await ask(world.everyone, String(world.a))).toMatchObject({ order: 'worst' });
  });
});
