/**
 * `npm run verify:full`: the oracle at full length, on every Postgres that is here (the embedded one, and Debian's 15 where
 * it is installed), then the mutants that it must kill. `npm test` is what decides about a change and runs a short oracle;
 * this is for the live path, a release, and the night. `-- --runs 20 --long 8 --seed 1` choose how many and which.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { requireNode } from './node-version.mjs';

requireNode();
const { project } = await import('./sources.mjs');
const { installOnce } = await import('./install.mjs');
process.chdir(project);
await installOnce();

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    long: { type: 'string', default: '8' },
    seed: { type: 'string' }
  }
});
const seed = values.seed ?? String(Date.now() % 2_147_000_000);
const DEBIAN = '/usr/lib/postgresql/15/bin';

/** @type {{ name: string, script: string[], env?: Record<string, string> }[]} */
const steps = [{ name: 'oracle, embedded Postgres', script: oracle() }];
if (existsSync(DEBIAN))
  steps.push({ name: 'oracle, Postgres 15', script: oracle(), env: { WATCHFLOOR_TEST_POSTGRES_BIN: DEBIAN } });
else process.stderr.write(`Postgres 15 is not here (${DEBIAN}): the oracle runs on the embedded one only.\n`);
const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
if (scripts['test:mutants']) steps.push({ name: 'mutants', script: ['npm', 'run', 'test:mutants'] });

function oracle() {
  return ['npx', 'vitest', 'run', '--project', 'pg', 'tests/oracle'];
}

let failed = 0;
for (const { name, script, env } of steps) {
  process.stdout.write(`\n── ${name} (seed ${seed}) ──\n`);
  const code = await run(script, {
    WATCHFLOOR_TEST_ORACLE_RUNS: values.runs,
    WATCHFLOOR_TEST_ORACLE_LONG: values.long,
    WATCHFLOOR_SEED: seed,
    ...env
  });
  process.stdout.write(`${name}: ${code === 0 ? 'passed' : 'FAILED'}\n`);
  if (code !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;

function run([program, ...args], env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
