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

/** `npm test` plays three short ones; `npm run verify:full` more, long ones, and ones that must fail. */
const RUNS = Number(process.env['WATCHFLOOR_TEST_ORACLE_RUNS'] ?? 3);
const LONG_RUNS = Number(process.env['WATCHFLOOR_TEST_ORACLE_LONG'] ?? 0);
const PATIENCE_MS = 60_000;
const first = Number(process.env['WATCHFLOOR_SEED'] ?? Date.now() % 2_147_000_000);
const plays = [
  ...Array.from({ length: RUNS }, (_, at) => ({ seed: first + at, size: SHORT, name: `seed ${first + at}` })),
  ...Array.from({ length: LONG_RUNS }, (_, at) => ({ seed: first + at, size: LONG, name: `long, seed ${first + at}` }))
];

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

for (const { seed, size, name } of plays)
  test(`every client shows what a fresh scoped query returns, and never lied on the way (${name})`, async () => {
    await holds(toScenario(seed, size), name.replaceAll(/\W+/g, '-'));
  }, 900_000);

// Oracles that find nothing are easy to make: this one must find hubs that are wrong.

const everything = { person: 0, workspace: 0, environment: null, pageSize: 100, filter: 0, overHttp: false } as const;
const inserts = (environment: number, count: number): Step[] =>
  Array.from({ length: count }, () => ({
    do: 'write',
    write: { do: 'insert', place: { workspace: 0, environment }, count: 1 }
  }));
const open = (environment: number, waitMs: number): Step => ({
  do: 'transaction',
  writes: [{ do: 'insert', place: { workspace: 0, environment }, count: 1 }],
  ...{
    savepointAt: 9,
    keepsSavepoint: true,
    commits: true,
    waitMs,
    isSilent: false,
    isReplica: false,
    isTwoPhase: false
  }
});
const simple = (lanes: Step[][]): Scenario => ({
  world: {
    workspaces: [2],
    people: [
      { workspace: 0, narrowedTo: [], also: null },
      { workspace: 0, narrowedTo: [0], also: null }
    ],
    viewers: [everything, { ...everything, environment: 0 }, { ...everything, person: 1 }]
  },
  hubs: 1,
  acts: [{ lanes, faults: [] }]
});

/** Each takes as long as a lie needs to be one; not even skipped in `npm test`. */
const slowTest = (title: string, run: () => Promise<void>, ms: number): void => {
  if (LONG_RUNS > 0) test(title, run, ms);
};

test('the same oracle fails when the feed reads with a naive cursor', async () => {
  const overlapping = Array.from({ length: 8 }, () => open(0, 120));
  const scenario = simple([overlapping, inserts(1, 60), overlapping]);
  await play(scenario, { postgres, patienceMs: PATIENCE_MS });
  await expect(play(scenario, { postgres, patienceMs: 6_000, fault: 'naive cursor' })).rejects.toThrow(/viewer/);
}, 180_000);

slowTest(
  'it sees who says Live without being so',
  async () => {
    // It loses every other change, and vouches for having told all.
    const lane = Array.from({ length: 6 }, () => open(0, 500));
    await expect(
      play(simple([lane, inserts(1, 5)]), { postgres, patienceMs: 15_000, fault: 'loses changes' })
    ).rejects.toThrow(/says Live and lacks/);
  },
  180_000
);

slowTest(
  'it sees who is told what they may not see any more',
  async () => {
    const revoked: Step = {
      do: 'access',
      person: 1,
      change: { to: 'narrow', environments: [1] },
      write: { do: 'nothing' }
    };
    const lane = [open(0, 1_000), revoked, ...Array.from({ length: 8 }, () => open(0, 400))];
    await expect(play(simple([lane]), { postgres, patienceMs: 8_000, fault: 'knows no access' })).rejects.toThrow(
      /may not see it/
    );
  },
  180_000
);
