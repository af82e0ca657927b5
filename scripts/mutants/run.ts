/**
 * `npm run test:mutants [-- name…] [--through "command"]`: puts one deliberate fault after the other into a copy of the
 * engine and demands that a test notices each. What was found goes into the table of docs/TESTING.md.
 * What counts: the tests named are green without any fault; every mutant is well typed; a named test fails in an
 * assertion. Exit code 1 when one survives or nothing can be said.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { MUTANTS } from './list.ts';
import { whatIsWrong } from './mutant.ts';
import { runSuite, type Outcome } from './suite.ts';
import { fillPage, type Verdict } from './table.ts';
import { copyTree, PROJECT } from './tree.ts';
import { findTypeErrors } from './types.ts';

const PAGE = join(PROJECT, 'docs', 'TESTING.md');

const words = process.argv.slice(2);
const at = words.indexOf('--through');
const through = at < 0 ? [] : (words.splice(at, 2)[1]?.split(' ') ?? []);
/** A suite of a few tests takes seconds; one that hangs must not hold up the others. What stands before it may wait. */
const LIMIT_MS = through.length > 0 ? 1_800_000 : 180_000;
const CONTROL_LIMIT_MS = Math.max(LIMIT_MS, 600_000);
const unknown = words.filter((word) => !MUTANTS.some(({ name }) => name === word));
if (unknown.length > 0)
  stop(`There is no mutant ${unknown.join(', ')}. There are: ${MUTANTS.map(({ name }) => name).join(', ')}.`);
const chosen = MUTANTS.filter(({ name }) => words.length === 0 || words.includes(name));

const from = performance.now();
const tree = copyTree();
process.once('exit', () => tree.remove());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const wrong = chosen.flatMap((mutant) => whatIsWrong(tree.root, mutant).map((why) => `${mutant.name}: ${why}`));
if (wrong.length > 0) stop(wrong.join('\n'));
const untyped = [...findTypeErrors(tree.root, chosen)].flatMap(([name, errors]) =>
  errors.map((error) => `${name} is no good TypeScript: ${error}`)
);
if (untyped.length > 0) stop(untyped.join('\n'));

const killers = [
  ...new Map(chosen.flatMap(({ killers }) => killers).map((one) => [one.file + one.title, one])).values()
];
tell(
  `${chosen.length} mutants fit and are well typed (${secondsSince(from).toFixed(0)} s); ${killers.length} tests without any fault …`
);
const control = await runSuite({ root: tree.root, killers, through, limitMs: CONTROL_LIMIT_MS, isWhole: true });
const missing = killers.filter(
  ({ file, title }) => !control.passed.some((one) => one.startsWith(`${file} › `) && one.includes(title))
);
if (control.broken !== null) stop(`Without any fault: ${control.broken}`);
if (control.failed.length > 0)
  stop(`Without any fault:\n${control.failed.map(({ file, title, why }) => `${file} › ${title}: ${why}`).join('\n')}`);
if (missing.length > 0)
  stop(`These did not run:\n${missing.map(({ file, title }) => `${file} › ${title}`).join('\n')}`);
tell(`all green after ${secondsSince(from).toFixed(0)} s`);

const verdicts: Verdict[] = [];
for (const mutant of chosen) {
  const started = performance.now();
  const outcome = await tree.with(mutant, () =>
    runSuite({ root: tree.root, killers: mutant.killers, through, limitMs: LIMIT_MS })
  );
  const verdict = judge(outcome);
  verdicts.push({ mutant, ...verdict });
  const { killer, broken } = verdict;
  const word = killer ? 'killed  ' : broken ? 'NO WORD ' : 'SURVIVED';
  tell(
    `${word} ${mutant.name} (${secondsSince(started).toFixed(0)} s)${killer ? `: ${killer.title}\n           ${killer.why}` : broken ? `: ${broken}` : ''}`
  );
}

const killed = verdicts.filter(({ killer }) => killer !== null).length;
tell(`\n${killed} of ${verdicts.length} killed in ${(secondsSince(from) / 60).toFixed(1)} min`);
const filled = fillPage(readFileSync(PAGE, 'utf8'), MUTANTS, verdicts);
writeFileSync(PAGE, await format(filled, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
tell('docs/TESTING.md has it.');
process.exit(killed === verdicts.length ? 0 : 1);

function judge({ failed, broken }: Outcome): Pick<Verdict, 'killer' | 'broken'> {
  const [killer] = failed;
  return killer ? { killer, broken: null } : { killer: null, broken };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1_000;
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
