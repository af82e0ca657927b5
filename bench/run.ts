/**
 * `npm run bench [-- first-page delivery writers memory browser] [--full | --quick]`: measures on an embedded Postgres of
 * its own with fsync as in production, prints Markdown with ratios against a baseline of the same run, keeps the figures
 * in bench/results, and fills docs/PERFORMANCE.md. --quick is a smoke that keeps nothing.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { startPostgres, type TestPostgres } from '../tests/harness/postgres.ts';
import { browser } from './browser.ts';
import { delivery } from './delivery.ts';
import { toMarkdown } from './figures.ts';
import { firstPage } from './first-page.ts';
import { describeMachine, toSentence, warnOfLoad } from './machine.ts';
import { memory } from './memory.ts';
import { updatePage, type Result } from './page.ts';
import { tell, type Part, type Size } from './part.ts';
import { writers } from './writers.ts';

const parts: Record<string, Part> = { 'first-page': firstPage, delivery, writers, memory, browser };
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
if (size !== 'quick') warnOfLoad();

const chosen = Object.entries(parts).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const results: Result[] = [];
// A smoke shares one; otherwise each has its own, so that none pays for what another left.
const shared =
  size === 'quick' ? await openPostgres(Object.assign({}, ...chosen.map(([, { settings }]) => settings))) : null;
for (const [name, part] of chosen) {
  const from = performance.now();
  const postgres = shared ?? (await openPostgres(part.settings));
  try {
    results.push(await measure(name, part, postgres));
  } finally {
    if (!shared) await postgres.remove();
  }
  tell(`${name}: ${((performance.now() - from) / 1_000).toFixed(0)} s`);
}
await shared?.remove();
await updatePage(results, size !== 'quick');

function openPostgres(settings: Record<string, string> = {}): Promise<TestPostgres> {
  return startPostgres({ settings: { fsync: size === 'quick' ? 'off' : 'on', ...settings } });
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
