/**
 * What a wall's first snapshot costs, as the role that reads it: each list at most 60 buffers whatever the history and
 * however narrow the display, and the day by what is open and what completed in it. The checks that every request of a
 * display makes are lookups by a key.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorkspace } from '../src/lib/server/access/scope.ts';
import { openPool, type Queryable } from '../src/lib/server/database/pool.ts';
import { readDisplays } from '../src/lib/server/displays/management.ts';
import { readWallPage } from '../src/lib/server/displays/wall-page.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeDisplay, type TestDisplay } from './harness/displays.ts';
import { ENABLE_JUDGES } from './harness/triggers.ts';
import { makeWorld, openWriter, type World } from './harness/world.ts';

/** STYLE's bound for 25 rows and their look-ahead. */
const MOST_BUFFERS = 60;
const HISTORY = 60_000;

let database: TestDatabase;
let world: World;
let people: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'test displays plans' });
  await world.owner.query('alter table operation_runs disable trigger user');
  await fill(world.a3, HISTORY, '29 days', 'succeeded');
  await fill(world.a1, 40, '28 days', 'succeeded');
  await fill(world.a3, 300, '20 days', 'failed');
  await fill(world.a3, 3_000, '29 days', 'failed', true);
  await world.owner.query(ENABLE_JUDGES);
  await world.owner.query('vacuum analyze operation_runs');
}, 120_000);
afterAll(async () => {
  await people?.end();
  await world?.close();
  await database?.drop();
});

async function fill(
  environmentId: number,
  count: number,
  from: string,
  outcome: string,
  isReviewed = false
): Promise<void> {
  const writer = await openWriter(database.url);
  await writer.query('reset role');
  await writer.query(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, created_at, started_at,
       completed_at, place_id, reviewed_at, reviewed_by, has_open_follow_up)
     select $1, $2::bigint, 'inventory.sync', 'completed', $3, t, t, t + interval '1 minute', $2,
       case when $6 then t end, case when $6 then 1 end, $3 = 'failed' and not $6
     from generate_series(1, $4) n cross join lateral (select now() - $5::interval * (1 - n / ($4 + 1.0)) as t) at`,
    [world.a, environmentId, outcome, count, from, isReviewed]
  );
  await writer.end();
}

interface Cost {
  sql: string;
  buffers: number;
  isList: boolean;
  scans: string[];
}

/** Each statement of the snapshot, as this display. */
async function costsOf(display: TestDisplay): Promise<Cost[]> {
  const costs: Cost[] = [];
  await readWorkspace(people, display.userId, world.a, async (client, visible) => {
    const spy = {
      query: async (question: string | { text: string; values: unknown[] }, given: unknown[] = []) => {
        const [sql, values] = typeof question === 'string' ? [question, given] : [question.text, question.values];
        const explained = await client.query(`explain (analyze, buffers, format json) ${sql}`, values);
        const plan = explained.rows[0]['QUERY PLAN'][0]['Plan'];
        const scans: string[] = [];
        collect(plan, scans);
        const buffers = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
        costs.push({ sql, buffers, isList: / limit \$\d/.test(sql), scans });
        return client.query(sql, values);
      }
    } as unknown as Queryable;
    expect(await readWallPage(spy, visible, display.id)).not.toBeNull();
  });
  return costs;
}

function collect(plan: Record<string, unknown>, into: string[]): void {
  if (plan['Node Type'] === 'Seq Scan') into.push(String(plan['Relation Name']));
  for (const child of (plan['Plans'] as Record<string, unknown>[] | undefined) ?? []) collect(child, into);
}

test.each(['the whole workspace', 'one quiet environment', 'one busy environment'])(
  'a wall of %s reads each of its lists within 60 buffers, and never a table whole',
  async (scope) => {
    const environments = { 'one quiet environment': [world.a1], 'one busy environment': [world.a3] }[scope] ?? [];
    const costs = await costsOf(await makeDisplay(world.owner, world.a, environments));
    const lists = costs.filter(({ isList }) => isList);
    expect(lists.length).toBeGreaterThanOrEqual(5);
    for (const { sql, buffers } of lists) expect(buffers, sql).toBeLessThanOrEqual(MOST_BUFFERS);
    for (const { sql, scans } of costs) expect(scans, sql).not.toContain('operation_runs');
  }
);

test('the day costs what is open and what completed in it, not the history', async () => {
  const costs = await costsOf(await makeDisplay(world.owner, world.a));
  // A day of 60,000 in a month is some 2,000 entries of an index; 63,000 rows would be thousands of pages.
  const all = costs.reduce((sum, { buffers }) => sum + buffers, 0);
  expect(all).toBeLessThan(3_000);
});

test('the list of displays and their presences is read by workspace', async () => {
  await world.owner.query(
    `insert into displays (workspace_id, name, paired_by) select $1, 'other ' || n, 'x' from generate_series(1, 5000) n`,
    [world.b]
  );
  await world.owner.query('analyze displays');
  const { id } = await makeDisplay(world.owner, world.a);
  await readWorkspace(people, world.everyone.id, world.a, async (client, visible) => {
    const { rows } = await client.query(
      `explain (analyze, buffers, format json) select id from public.displays where workspace_id = $1 and revoked_at is null order by lower(name), id limit 200`,
      [world.a]
    );
    const plan = rows[0]['QUERY PLAN'][0]['Plan'];
    expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThanOrEqual(MOST_BUFFERS);
    expect((await readDisplays(client, visible)).map((one) => one.id)).toContain(id);
  });
});
