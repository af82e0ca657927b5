/**
 * What a node proves of itself: the recount agrees with what pages are told after everything that writers and time do, sees
 * what does not agree, and gives up what is too large; what pages ask for crosses to them, and nothing of others with it.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { COUNT_KEYS } from '../src/lib/operations/summary.ts';
import type { SelfProof } from '../src/lib/operations/delivery.ts';
import { openPool } from '../src/lib/server/database/pool.ts';
import { nodeAsked, selfProofAsked } from '../src/lib/server/metrics/channels.ts';
import { readNodeName, readSelfProof } from '../src/lib/server/metrics/own-node.ts';
import { openRecounts, readRecount } from '../src/lib/server/metrics/recount.ts';
import { openSelfProof } from '../src/lib/server/metrics/self-proof.ts';
import { readSummaries } from '../src/lib/server/operations/summary.ts';
import { createDatabase, type TestDatabase } from './harness/database.ts';
import { startHub, type TestHub } from './harness/live.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

let database: TestDatabase;
let world: World;
let hub: TestHub;
let pool: pg.Pool;
const log = { info: () => {}, warn: (line: string) => void warned.push(line) };
const warned: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  world = await makeWorld(database.url);
  hub = await startHub(database.url);
  pool = openPool({ url: database.url, role: 'feed', max: 1, applicationName: 'test recount' });
});
afterAll(async () => {
  await hub.close();
  await pool.end();
  await world.close();
  await database.drop();
});

/** the triggers that would mend the mark at once */
const KEEPERS = ['operation_runs_050_keep_follow_up', 'operation_runs_100_touch'];
const NONE = Object.fromEntries(COUNT_KEYS.map((key) => [key, 0]));

async function end(environment: number | null, type: string, outcome: string, ago = '1 minute'): Promise<number> {
  const { rows } = await world.owner.query<{ id: number }>(
    `insert into operation_runs (workspace_id, managed_environment_id, type, status, outcome, completed_at)
     values ($1, $2, $3, 'completed', $4, now() - $5::interval) returning id`,
    [world.a, environment, type, outcome, ago]
  );
  return rows[0]!.id;
}

test('the recount agrees after successes, failures, resolutions, reviews, moves, deletes and a day', async () => {
  await insertOperation(world.writer, world.a, world.a1);
  for (const [environment, type, outcome, ago] of [
    [world.a1, 'inventory.sync', 'failed', '3 hours'],
    [world.a1, 'inventory.sync', 'succeeded', '2 hours'],
    [world.a1, 'inventory.sync', 'blocked', '1 hour'],
    [world.a2, 'inventory.sync', 'partially_succeeded', '1 hour'],
    [null, 'alerts.evaluate', 'failed', '2 hours'],
    [null, 'alerts.evaluate', 'succeeded', '30 hours'],
    [world.a2, 'unknown.kind', 'failed', '4 hours'],
    [world.a2, 'unknown.kind', 'succeeded', '1 hour'],
    [world.a3, 'policy.sync', 'cancelled', '1 hour'],
    [world.a3, 'policy.sync', 'succeeded', '25 hours']
  ] as const)
    await end(environment, type, outcome, ago);
  // Also before and after the sweep wrote down what the successes resolved.
  for (const sweep of [false, true]) {
    if (sweep) await pool.query('select watchfloor.sweep_follow_ups()');
    const { drift, at, tookMs } = await readRecount(pool, world.a);
    expect(drift).toEqual(NONE);
    expect(tookMs).toBeGreaterThan(0);
    const [told] = await readSummaries(pool, world.a, ['workspace'], at);
    expect(told!.counts.active).toBeGreaterThan(0);
    expect(told!.counts.blocked + told!.counts.failed + told!.counts.partial).toBeGreaterThanOrEqual(4);
    expect(told!.counts.succeeded).toBeGreaterThanOrEqual(2);
  }
  const moved = await end(world.a1, 'policy.sync', 'failed');
  await world.owner.query('update operation_runs set managed_environment_id = $2 where id = $1', [moved, world.a2]);
  await world.owner.query('delete from operation_runs where id = $1', [await end(world.a1, 'policy.sync', 'failed')]);
  expect((await readRecount(pool, world.a)).drift).toEqual(NONE);
  expect((await readRecount(pool, world.b)).drift).toEqual(NONE);
  expect((await readRecount(pool, 987_654)).drift).toEqual(NONE);
});

test('a mark that is wrong is seen, by which number and by how much, and said once in the log', async () => {
  const id = await end(world.a3, 'manual.kind', 'failed');
  const client = await world.owner.connect();
  try {
    // As a defect would: past the triggers that keep it.
    for (const name of KEEPERS) await client.query(`alter table operation_runs disable trigger ${name}`);
    await client.query('update operation_runs set has_open_follow_up = false where id = $1', [id]);
    expect((await readRecount(pool, world.a)).drift).toEqual({ ...NONE, failed: -1 });
    const recounts = openRecounts({ url: database.url, log, firstAfterMs: 0, everyMs: 20 });
    await vi.waitFor(() => expect(recounts.of(world.a)?.drift).toEqual({ ...NONE, failed: -1 }), 20_000);
    await vi.waitFor(() => expect(recounts.of(world.b)?.drift).toEqual(NONE), 20_000);
    await recounts.close();
    expect(warned.filter((line) => line.includes(`workspace ${world.a} `))).toHaveLength(1);
    expect(warned.join()).toContain('failed -1');
  } finally {
    await client.query('update operation_runs set has_open_follow_up = true where id = $1', [id]);
    for (const name of KEEPERS) await client.query(`alter table operation_runs enable always trigger ${name}`);
    client.release();
  }
});

test('one that takes too long is broken off, is no zero, and is not tried again at once', async () => {
  const slow = openPool({
    url: database.url,
    role: 'feed',
    max: 1,
    applicationName: 'test slow',
    statementTimeoutMs: 1
  });
  const client = await world.owner.connect();
  await client.query('begin');
  await client.query('lock table operation_runs in access exclusive mode');
  const recount = await readRecount(slow, world.a).finally(() => client.query('rollback'));
  client.release();
  await slow.end();
  expect(recount.drift).toBeNull();
});

test('pages learn the node’s name and figures of it, and the recount of their own workspace alone', async () => {
  expect([readNodeName(), readSelfProof(world.a)]).toEqual([null, null]);
  const keeper = openSelfProof({ node: 'kbtzqm', figures: () => hub.hub.figures(), url: database.url, log });
  try {
    expect(readNodeName()).toBe('kbtzqm');
    await vi.waitFor(() => expect(readSelfProof(world.a)?.samples.at.length).toBeGreaterThan(0), 30_000);
    const proof = readSelfProof(world.a)!;
    expect(proof).toMatchObject({ node: 'kbtzqm', lostNow: null, samples: { lost: [0] } });
    expect(proof.samples.canaryMs[0]).toBeGreaterThan(0);
    expect(proof.samples.lagMs[0]).toBeLessThan(5_000);
    // Nothing of it names a workspace, a person or a row.
    const keys = (value: unknown): string[] =>
      value !== null && typeof value === 'object'
        ? Object.entries(value).flatMap(([key, inner]) => [key, ...(Array.isArray(value) ? [] : keys(inner))])
        : [];
    for (const key of keys({ ...proof, recount: null }))
      expect(key).not.toMatch(/workspace|environment|person|user|id$/i);
    // What was handed out is a copy.
    proof.samples.at.push(1);
    expect(readSelfProof(world.a)!.samples.at).not.toContain(1);
  } finally {
    await keeper.close();
  }
  expect([readNodeName(), readSelfProof(world.a)]).toEqual([null, null]);
});

test('several nodes in one process do not answer for each other after they closed', async () => {
  const answers: string[] = [];
  const stop = nodeAsked.hear((tell) => tell('other1'));
  nodeAsked.tell((name) => answers.push(name));
  stop();
  nodeAsked.tell((name) => answers.push(name));
  expect(answers).toEqual(['other1']);
  const proofs: SelfProof[] = [];
  selfProofAsked.tell({ workspaceId: 1, take: (proof) => proofs.push(proof) });
  expect(proofs).toEqual([]);
});
