/**
 * `npm run bench [-- PART…] [--full | --quick]` (parts: see below): measures on an embedded
 * Postgres of its own with fsync as in production, prints Markdown with ratios against a baseline of the same run, keeps
 * the figures in bench/results, and fills docs/PERFORMANCE.md. --quick is a smoke that keeps nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { startPostgres, type TestPostgres } from '../tests/harness/postgres.ts';
import { avalanche } from './avalanche.ts';
import { browser } from './browser.ts';
import { catchUp } from './catch-up.ts';
import { delivery } from './delivery.ts';
import { drops } from './drops.ts';
import { fanOut } from './fan-out.ts';
import { toMarkdown } from './figures.ts';
import { firstPage } from './first-page.ts';
import { describeMachine, LOAD_AT_START, loadAtStart, toSentence, warnOfLoad } from './machine.ts';
import { memory } from './memory.ts';
import { updatePage, type Result } from './page.ts';
import { peers } from './peers.ts';
import { tell, type Part, type Size } from './part.ts';
import { storm } from './storm.ts';
import { writers } from './writers.ts';

const parts: Record<string, Part> = {
  'first-page': firstPage,
  delivery,
  drops,
  writers,
  'fan-out': fanOut,
  'catch-up': catchUp,
  avalanche,
  storm,
  memory,
  browser,
  peers
};
/** What downloads something is not done unasked. */
const ONLY_WHEN_NAMED = ['peers'];
const RESULTS = new URL('./results/', import.meta.url);

const asked = process.argv.slice(2);
const size: Size = asked.includes('--full') ? 'full' : asked.includes('--quick') ? 'quick' : 'normal';
const wanted = asked.filter((word) => word !== '--full' && word !== '--quick');
const unknown = wanted.filter((name) => !(name in parts));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}.\n`);
  process.exit(2);
}
if (!process.env['WATCHFLOOR_E2E_BUILD']) {
  const { buildOnce } = (await import('../scripts/build-once.mjs' as string)) as { buildOnce(): Promise<void> };
  await buildOnce();
}
const chosen = Object.keys(parts).filter((name) =>
  wanted.length === 0 ? !ONLY_WHEN_NAMED.includes(name) : wanted.includes(name)
);
if (size !== 'quick' && !process.env[LOAD_AT_START]) warnOfLoad();
process.env[LOAD_AT_START] = loadAtStart();
// Each in a process of its own: none pays for what another left behind, and one that fails costs only itself.
if (size !== 'quick' && chosen.length > 1) {
  const failed = chosen.filter((name) => !isDone(name));
  for (const name of failed) process.stderr.write(`${name} failed; what it said stands above.\n`);
  process.exit(failed.length > 0 ? 1 : 0);
}

const settings: Record<string, string> = { fsync: size === 'quick' ? 'off' : 'on' };
for (const name of chosen) Object.assign(settings, parts[name]!.settings);
const postgres = await startPostgres({ settings });
const results: Result[] = [];
try {
  for (const name of chosen) {
    const from = performance.now();
    results.push(await measure(name, parts[name]!, postgres));
    tell(`${name}: ${((performance.now() - from) / 1_000).toFixed(0)} s`);
  }
} catch (error) {
  // Said before the database is gone: whoever is still connected to it ends this process.
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.on('uncaughtException', () => undefined);
  await postgres.remove();
  process.exit(1);
}
await postgres.remove();
await updatePage(results, size !== 'quick');

function isDone(name: string): boolean {
  const words = ['--import', 'tsx', process.argv[1]!, name, ...(size === 'full' ? ['--full'] : [])];
  return spawnSync(process.execPath, words, { stdio: 'inherit' }).status === 0;
}

async function measure(name: string, part: Part, postgres: TestPostgres): Promise<Result> {
  const machine = await describeMachine(postgres.major, size !== 'quick');
  const { tables, raw } = await part.run(postgres, size);
  const result = { part: name, size, day: new Date().toISOString().slice(0, 10), machine, tables, raw };
  process.stdout.write(`\n## ${name}\n\n${toSentence(machine)}\n\n${tables.map(toMarkdown).join('\n')}`);
  if (size !== 'quick') {
    await mkdir(RESULTS, { recursive: true });
    await writeFile(new URL(`${name}.json`, RESULTS), `${JSON.stringify(result, null, 1)}\n`);
    // Each part by itself: what was measured for an hour must not be lost with the part after it.
    await updatePage([result], true);
  }
  return result;
}
