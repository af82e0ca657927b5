/**
 * The law: after any interleaving of writes, aborts, drops and restarts, what a client shows equals what a fresh scoped
 * query returns, and on the way no screen lies. Real Postgres, hubs that are real processes, the browser's real state.
 * docs/TESTING.md says how to run more of it, for longer, and how a seed is replayed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { play } from './harness/oracle-play.ts';
import { LONG, SHORT, toScenario, type Scenario } from './harness/oracle-scenario.ts';
import { startPostgres, type TestPostgres } from './harness/postgres.ts';
import type { Step } from './harness/steps.ts';

const isFull = process.env['WATCHFLOOR_TEST_ORACLE'] === 'full';
const RUNS = Number(process.env['WATCHFLOOR_TEST_ORACLE_RUNS'] ?? (isFull ? 30 : 3));
const PATIENCE_MS = 60_000;
const first = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2_147_000_000);
const seeds = Array.from({ length: RUNS }, (_, at) => first + at);

/** Scenarios that once broke the law, as they were. */
const CASES = fileURLToPath(new URL('./oracle-cases', import.meta.url));
const cases = (existsSync(CASES) ? readdirSync(CASES) : []).filter((name) => name.endsWith('.json'));
/** Where a scenario is kept that breaks it now. */
const FOUND = fileURLToPath(new URL('../test-results/oracle', import.meta.url));

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres({ settings: { restart_after_crash: 'on' } });
}, 60_000);
afterAll(async () => {
  await postgres?.remove();
});

async function holds(scenario: Scenario, name: string): Promise<void> {
  try {
    const played = await play(scenario, { postgres, patienceMs: PATIENCE_MS });
    expect(played.barriers).toBeGreaterThan(0);
  } catch (error) {
    await mkdir(FOUND, { recursive: true });
    await writeFile(`${FOUND}/${name}.json`, JSON.stringify(scenario));
    throw error;
  }
}

for (const name of cases)
  test(`what was found once stays mended: ${name}`, async () => {
    await holds(JSON.parse(readFileSync(`${CASES}/${name}`, 'utf8')) as Scenario, `case-${name}`);
  }, 300_000);

for (const seed of seeds)
  test(`every client shows what a fresh scoped query returns, and never lied on the way (seed ${seed}${isFull ? ', full' : ''})`, async () => {
    await holds(toScenario(seed, isFull ? LONG : SHORT), `seed-${seed}${isFull ? '-full' : ''}`);
  }, 600_000);

test('the same oracle fails when the feed reads with a naive cursor', async () => {
  const overlapping: Step[] = Array.from({ length: 8 }, () => ({
    do: 'transaction',
    writes: [{ do: 'insert', place: { workspace: 0, environment: 0 }, count: 1 }],
    savepointAt: 9,
    keepsSavepoint: true,
    commits: true,
    waitMs: 120,
    isSilent: false,
    isReplica: false,
    isTwoPhase: false
  }));
  const single: Step[] = Array.from({ length: 60 }, () => ({
    do: 'write',
    write: { do: 'insert', place: { workspace: 0, environment: 1 }, count: 1 }
  }));
  const everything = {
    person: 0,
    workspace: 0,
    environment: null,
    pageSize: 100,
    filter: 0,
    overHttp: false
  } as const;
  const scenario: Scenario = {
    world: {
      workspaces: [2],
      people: [{ workspace: 0, narrowedTo: [], also: null }],
      viewers: [everything, { ...everything, environment: 0 }]
    },
    hubs: 1,
    acts: [{ lanes: [overlapping, single, overlapping], faults: [] }]
  };
  await play(scenario, { postgres, patienceMs: PATIENCE_MS });
  await expect(play(scenario, { postgres, patienceMs: 6_000, fault: 'naive cursor' })).rejects.toThrow(/viewer/);
}, 180_000);
