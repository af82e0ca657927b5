import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, matches, orderOf, succeededFrom, TABS, type ListFilter } from '../src/lib/operations/filter.ts';
import {
  comparePlaces,
  OUTCOMES,
  placeOf,
  STATUSES,
  type OperationRow,
  type Outcome,
  type Status
} from '../src/lib/operations/operation.ts';
import { attentionKindOf, compareAttention, PROBLEM_CLASSES } from '../src/lib/operations/problem.ts';
import { groupByCause, GROUPS_SENT, mergeSummaries, type Summary } from '../src/lib/operations/summary.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { readWorkspace, type VisibleWorkspace } from '../src/lib/server/access/scope.ts';
import { judgedColumns, resolution, toOperationRow, type ListColumns } from '../src/lib/server/operations/columns.ts';
import { readListCounts } from '../src/lib/server/operations/counts.ts';
import { readPageOfRows } from '../src/lib/server/operations/first-page.ts';
import { normaliseSearch } from '../src/lib/server/operations/options.ts';
import { readSummaries, summaryPlaces } from '../src/lib/server/operations/summary.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { makeWorld, type TestPerson, type World } from './harness/world.ts';

/**
 * Every derived truth exists twice, in SQL for pages and numbers and in TypeScript for what is live: here both judge the
 * same generated history, at generated instants, with a third, naive definition of follow-ups beside them.
 */
const seed = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env['WATCHFLOOR_TRUTH_RUNS'] ?? 25);

let database: TestDatabase;
let world: World;
let people: pg.Pool;
let feed: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  people = openPool({ url: database.url, role: 'people', max: 2, applicationName: 'test truths' });
  feed = openPool({ url: database.url, role: 'feed', max: 2, applicationName: 'test truths feed' });
});
afterAll(async () => {
  await Promise.all([people?.end(), feed?.end()]);
  await world?.close();
  await database?.drop();
});
beforeEach(() => clear());

async function clear(): Promise<void> {
  await world.owner.query('delete from operation_runs; delete from watchfloor.successes');
}

// Three repeatable types, one artifact, one of manual review, one that nobody knows.
const TYPES = ['inventory.sync', 'policy.sync', 'baseline.capture', 'restore.execute', 'Ext.ÄPFEL_100%'] as const;
const INITIATORS = ['System', 'Maren Holt', 'ÅSA  Öst\\_%'] as const;

interface Made {
  place: 'a1' | 'a2' | 'itself';
  type: string;
  initiator: string;
  status: (typeof STATUSES)[number];
  outcome: (typeof OUTCOMES)[number];
  /** hours before now; the same for several, so that ids break ties */
  createdHoursAgo: number;
  tookHours: number;
  failure: string | null;
  /** how long ago the last report was, in minutes */
  silentMinutes: number;
  isReviewed: boolean;
}

const made: fc.Arbitrary<Made> = fc
  .record({
    place: fc.constantFrom('a1' as const, 'a2' as const, 'itself' as const),
    type: fc.constantFrom(...TYPES),
    initiator: fc.constantFrom(...INITIATORS),
    status: fc.constantFrom('queued' as const, 'running' as const, 'completed' as const, 'completed' as const),
    outcome: fc.constantFrom(...OUTCOMES.filter((outcome) => outcome !== 'pending')),
    createdHoursAgo: fc.constantFrom(0.1, 1, 2, 2, 5, 20, 23.99, 24.01, 30, 24 * 29.9, 24 * 30.1, 24 * 60),
    tookHours: fc.constantFrom(0, 0.05, 0.5, 3, 26),
    failure: fc.constantFrom(null, 'timeout', 'Zugriff VERWEIGERT', '100 % _weg_'),
    silentMinutes: fc.constantFrom(0, 5, 14, 15, 16, 29, 31, 400),
    isReviewed: fc.boolean()
  })
  .map((one) => ({ ...one, outcome: one.status === 'completed' ? one.outcome : ('pending' as const) }));

const several = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values], { maxLength: 3 });
const none = <T>(): fc.Arbitrary<T[]> => fc.constant([] as T[]);
const edge = fc.option(fc.constantFrom({ agoMs: HOUR }, { agoMs: DAY }, { agoMs: 7 * DAY }, { agoMs: 90 * DAY }), {
  freq: 2,
  nil: null
});
const filters: fc.Arbitrary<ListFilter> = fc.record({
  tab: fc.constantFrom(...TABS),
  problemClass: fc.option(fc.constantFrom(...PROBLEM_CLASSES), { freq: 3, nil: null }),
  types: fc.oneof(none<string>(), several<string>(TYPES)),
  statuses: fc.oneof({ weight: 2, arbitrary: none<Status>() }, { weight: 1, arbitrary: several(STATUSES) }),
  outcomes: fc.oneof({ weight: 2, arbitrary: none<Outcome>() }, { weight: 1, arbitrary: several(OUTCOMES) }),
  initiators: fc.oneof({ weight: 2, arbitrary: none<string>() }, { weight: 1, arbitrary: several<string>(INITIATORS) }),
  from: edge,
  to: fc.option(fc.constantFrom({ agoMs: HOUR / 2 }, { agoMs: 3 * HOUR }), { freq: 4, nil: null }),
  text: fc.option(fc.constantFrom('SYNC', 'äpfel', 'verweig', '%', '_w', '\\', 'holt', 'nothing has this', '1'), {
    freq: 3,
    nil: null
  }),
  textNormal: fc.constant(null)
});

async function insert(rows: readonly Made[], now: number): Promise<void> {
  const client = await world.owner.connect();
  try {
    await client.query('begin; set local watchfloor.import = on');
    for (const one of rows) {
      const createdAt = now - one.createdHoursAgo * HOUR;
      const completedAt = one.status === 'completed' ? Math.min(now, createdAt + one.tookHours * HOUR) : null;
      const reportedAt = Math.max(createdAt, now - one.silentMinutes * 60_000);
      const isFollowUp = ['blocked', 'failed', 'partially_succeeded'].includes(one.outcome);
      const reviewedAt = one.isReviewed && isFollowUp ? now : null;
      await client.query(
        `insert into operation_runs (workspace_id, managed_environment_id, type, initiator_name, status, outcome, created_at,
           started_at, completed_at, last_reported_at, failure_summary, reviewed_at, reviewed_by, reviewer_name)
         values ($1, $2, $3, $4, $5, $6, to_timestamp($7 / 1000.0), case when $5 <> 'queued' then to_timestamp($7 / 1000.0) end,
           to_timestamp($8 / 1000.0), to_timestamp($9 / 1000.0), $10::jsonb, to_timestamp($11 / 1000.0), $12, $13)`,
        [
          world.a,
          one.place === 'itself' ? null : world[one.place],
          one.type,
          one.initiator,
          one.status,
          one.outcome,
          createdAt,
          completedAt,
          completedAt ?? reportedAt,
          JSON.stringify(one.failure === null ? [] : [{ message: one.failure }]),
          reviewedAt,
          reviewedAt && 1,
          reviewedAt && 'Somebody'
        ]
      );
    }
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** Everything there is, with its follow-up judged the slow way: by looking at all successes. */
async function readAll(): Promise<OperationRow[]> {
  const { rows } = await world.owner.query<ListColumns>(
    `select ${judgedColumns('r')} from operation_runs r ${resolution('r')} where r.workspace_id = $1`,
    [world.a]
  );
  const all = rows.map(toOperationRow);
  const repeatable = new Set(['inventory.sync', 'policy.sync', 'baseline.capture']);
  for (const row of all) {
    const isLater = (other: OperationRow): boolean =>
      other.completedAt! > row.completedAt! || (other.completedAt === row.completedAt && other.id > row.id);
    const resolver = all
      .filter(
        (other) =>
          other.outcome === 'succeeded' &&
          other.type === row.type &&
          other.environmentId === row.environmentId &&
          isLater(other)
      )
      .sort((a, b) => a.completedAt! - b.completedAt! || a.id - b.id)[0];
    const isFollowUp = ['blocked', 'failed', 'partially_succeeded'].includes(row.outcome);
    const expected =
      isFollowUp && row.reviewed === null && repeatable.has(row.type) && resolver
        ? { at: resolver.completedAt, by: resolver.id }
        : null;
    // A reviewed one is closed already; who else would have resolved it, nobody asks.
    if (row.reviewed === null) expect(row.resolved).toEqual(expected);
  }
  return all;
}

function seen(person: TestPerson, rows: readonly OperationRow[], environmentId: number | null): OperationRow[] {
  return rows.filter(
    (row) =>
      (environmentId === null || row.environmentId === environmentId) &&
      (person === world.everyone || row.environmentId === null || row.environmentId === world.a1)
  );
}

async function asPerson<T>(
  person: TestPerson,
  at: number,
  work: (client: pg.PoolClient, visible: VisibleWorkspace) => Promise<T>
): Promise<T> {
  const result = await readWorkspace(people, person.id, world.a, (client, visible) =>
    work(client, { ...visible, readAt: at }).then((value) => ({ value }))
  );
  return result!.value;
}

const instants = fc.constantFrom(-HOUR, 0, 1, 60_000, 10 * 60_000, 3 * HOUR, DAY);

test(`a list in SQL is the list in TypeScript, for every filter, place and instant (seed ${seed})`, async () => {
  await fc.assert(
    fc
      .asyncProperty(
        fc.array(made, { minLength: 5, maxLength: 40 }),
        fc.array(fc.tuple(filters, instants, fc.constantFrom('everyone' as const, 'narrowed' as const), fc.boolean()), {
          minLength: 12,
          maxLength: 12
        }),
        fc.boolean(),
        async (history, questions, isSwept) => {
          const now = Date.now() - 1_000;
          await insert(history, now);
          if (isSwept) await feed.query('select watchfloor.sweep_follow_ups()');
          const all = await readAll();
          for (const [asked, after, who, isOnePlace] of questions) {
            const person = world[who];
            const at = now + after;
            const environmentId = isOnePlace ? world.a1 : null;
            const { rows, counts, filter } = await asPerson(person, at, async (client, visible) => {
              const filter = {
                ...asked,
                textNormal: asked.text === null ? null : await normaliseSearch(client, asked.text)
              };
              const request = { environmentId, filter, pageSize: 100, after: null, before: null } as const;
              const page = await readPageOfRows(client, visible, request);
              return { rows: page.rows, counts: await readListCounts(client, visible, environmentId, filter), filter };
            });
            const expected = seen(person, all, environmentId)
              .filter((row) => matches(filter, row, at))
              .sort((a, b) => comparePlaces(placeOf(orderOf(filter), a), placeOf(orderOf(filter), b)));
            // Whole rows: their revision, and what resolved them, written down or not.
            expect(rows, JSON.stringify(filter)).toEqual(expected);
            expect(counts.list, JSON.stringify(filter)).toEqual({ count: expected.length, isMore: false });
          }
        }
      )
      .afterEach(clear),
    { seed, numRuns: RUNS }
  );
}, 300_000);

test(`the numbers equal the rows behind them, whole, per place and merged (seed ${seed})`, async () => {
  await fc.assert(
    fc
      .asyncProperty(
        fc.array(made, { minLength: 5, maxLength: 40 }),
        instants,
        fc.boolean(),
        async (history, after, isSwept) => {
          const now = Date.now() - 1_000;
          await insert(history, now);
          if (isSwept) await feed.query('select watchfloor.sweep_follow_ups()');
          const at = now + after;
          const all = await readAll();
          for (const person of [world.everyone, world.narrowed]) {
            for (const environmentId of [null, world.a1]) {
              const parts = await asPerson(person, at, (client, visible) =>
                readSummaries(client, world.a, summaryPlaces(visible, environmentId), at)
              );
              expectSummary(mergeSummaries(parts)!, seen(person, all, environmentId), at);
            }
          }
          // The hub reads the same as another role, and the parts of the workspace add up to the whole.
          const [whole, ...parts] = await readSummaries(
            feed,
            world.a,
            ['workspace', 'itself', world.a1, world.a2, world.a3],
            at
          );
          expectSummary(whole!, all, at);
          expect(mergeSummaries(parts)!.counts).toEqual(whole!.counts);
        }
      )
      .afterEach(clear),
    { seed, numRuns: RUNS }
  );
}, 300_000);

function expectSummary(summary: Summary, rows: OperationRow[], at: number): void {
  const of = (kind: string): number => rows.filter((row) => attentionKindOf(row, at) === kind).length;
  expect(summary.counts).toEqual({
    active: rows.filter(({ status }) => status !== 'completed').length,
    stale: of('stale'),
    blocked: of('blocked'),
    failed: of('failed'),
    partial: of('partial'),
    succeeded: rows.filter(({ outcome, completedAt }) => outcome === 'succeeded' && completedAt! >= succeededFrom(at))
      .length
  });
  const ordered = rows.filter((row) => attentionKindOf(row, at) !== null).sort((a, b) => compareAttention(a, b, at));
  expect(summary.groups[0]?.row.id).toBe(ordered[0]?.id);
  const groups = groupByCause(
    rows.map((row) => ({ row, count: 1 })),
    at
  );
  expect(summary.groups.map(({ row, count }) => [row.id, count])).toEqual(
    groups.slice(0, GROUPS_SENT).map(({ row, count }) => [row.id, count])
  );
}

test('a row never carries a revision twice for two truths: resolved by a success, written down, reported again', async () => {
  const one = async (sql: string, values: unknown[]): Promise<number> =>
    (await world.writer.query<{ id: number }>(sql, values)).rows[0]!.id;
  const report = `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome)
    values ($1, $2, 'inventory.sync', 'completed', $3) returning id`;
  const failed = await one(report, [world.a, world.a1, 'failed']);
  const read = async (): Promise<OperationRow> => (await readAll()).find(({ id }) => id === failed)!;
  const open = await read();
  const success = await one(report, [world.a, world.a1, 'succeeded']);
  const resolved = await read();
  expect(resolved.resolved?.by).toBe(success);
  expect(resolved.revision).toBeGreaterThan(open.revision);
  await feed.query('select watchfloor.sweep_follow_ups()');
  expect(await read()).toEqual(resolved);
  await world.writer.query(`update operation_runs set completed_at = clock_timestamp() where id = $1`, [failed]);
  const again = await read();
  expect(again.resolved).toBeNull();
  expect(again.revision).toBeGreaterThan(resolved.revision);
  const { rows } = await world.owner.query(
    `select count(*) as n from watchfloor.successes where type = 'inventory.sync'`
  );
  expect(rows[0].n).toBe(1);
});

test('what the policy of a type resolved stays resolved when the policy changes; a manual one is closed by review alone', async () => {
  const report = `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome)
    values ($1, $2, $3, 'completed', $4)`;
  for (const type of ['policy.sync', 'restore.execute'])
    for (const outcome of ['failed', 'succeeded']) await world.writer.query(report, [world.a, world.a1, type, outcome]);
  const failures = async (): Promise<Record<string, boolean>> =>
    Object.fromEntries(
      (await readAllPlain()).filter((row) => row.outcome === 'failed').map((row) => [row.type, row.resolved !== null])
    );
  expect(await failures()).toEqual({ 'policy.sync': true, 'restore.execute': false });
  await world.owner.query(`update operation_types set follow_up_policy = 'manual_review' where code = 'policy.sync'`);
  expect(await failures()).toEqual({ 'policy.sync': true, 'restore.execute': false });
  await world.owner.query(`update operation_types set follow_up_policy = 'repeatable' where code = 'policy.sync'`);
});

async function readAllPlain(): Promise<OperationRow[]> {
  const { rows } = await world.owner.query<ListColumns>(
    `select ${judgedColumns('r')} from operation_runs r ${resolution('r')} where r.workspace_id = $1`,
    [world.a]
  );
  return rows.map(toOperationRow);
}
