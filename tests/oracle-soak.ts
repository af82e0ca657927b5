/**
 * `npm run test:soak -- --minutes N [--seed S]`: the oracle's long scenarios one after the other for N minutes, each from a
 * seed of its own, with a log that is summed up at the end. Whatever breaks the law is kept as a scenario, and the exit
 * code is 1; the rest of the time goes on.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openTotals, summarise } from './harness/oracle-totals.ts';
import { play } from './harness/oracle-play.ts';
import { SOAK, toScenario } from './harness/oracle-scenario.ts';
import { startPostgres } from './harness/postgres.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string' } }
});
let until = performance.now() + Number(values.minutes) * 60_000;
const first = Number(values.seed ?? Date.now() % 2_147_000_000);
const directory = fileURLToPath(new URL('../test-results/oracle', import.meta.url));
await mkdir(directory, { recursive: true });
const file = createWriteStream(join(directory, `soak-${first}.log`));
const say = (line: string): void => {
  file.write(`${new Date().toISOString()} ${line}\n`);
  process.stdout.write(`${line}\n`);
};

const postgres = await startPostgres({ settings: { restart_after_crash: 'on' } });
const totals = openTotals();
// Whatever a scenario leaves behind in this process must not end the soak without a word.
process.on('unhandledRejection', (error) => {
  totals.failures.push(`unhandled: ${String(error)}`);
  say(`unhandled: ${String(error)}`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    until = 0;
    say(`${signal}: ends with this scenario; once more ends at once`);
  });
say(`Soak of ${values.minutes} minutes from seed ${first}, Postgres ${postgres.major}.`);
for (let seed = first; performance.now() < until; seed++) {
  const scenario = toScenario(seed, SOAK);
  say(`seed ${seed}: ${scenario.acts.length} acts, ${scenario.hubs} hubs`);
  try {
    totals.add(await play(scenario, { postgres, patienceMs: 90_000, log: (line) => say(`  ${line}`) }));
  } catch (error) {
    totals.failures.push(`seed ${seed}: ${(error as Error).message}`);
    say(`  BROKEN: ${(error as Error).stack ?? String(error)}`);
    await writeFile(join(directory, `seed-${seed}-soak.json`), JSON.stringify(scenario));
  }
}
say('');
for (const line of summarise(totals)) say(line);
await postgres.remove();
await new Promise((done) => file.end(done));
process.exit(totals.failures.length > 0 ? 1 : 0);
