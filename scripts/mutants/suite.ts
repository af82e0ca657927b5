/**
 * Runs chosen tests of a tree with vitest and says what became of them. A test that failed because something was asserted
 * is told apart from a run that broke: a file that does not load, a hook that fails, a time that ran out.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Killer } from './mutant.ts';

/** The one that CI uses; so a mutant is met by the same cases in every run. */
const SEED = '20261124';

export interface Outcome {
  passed: string[];
  /** by assertions, as `file › title` */
  failed: { file: string; title: string; why: string }[];
  /** why it proves nothing, or null */
  broken: string | null;
}

export interface SuiteOptions {
  root: string;
  killers: readonly Killer[];
  /** words put before the command, such as `nice -n 19` */
  through: readonly string[];
  /** at most; then it counts as broken */
  limitMs: number;
  /** go on after the first failure */
  isWhole?: boolean;
}

/** Runs these tests; the unit ones first, which are quick, and the others only if those all pass. */
export async function runSuite(options: SuiteOptions): Promise<Outcome> {
  const all: Outcome = { passed: [], failed: [], broken: null };
  for (const project of ['unit', 'pg']) {
    const killers = options.killers.filter(({ file }) => file.endsWith('.pg.test.ts') === (project === 'pg'));
    if (killers.length === 0) continue;
    const { passed, failed, broken } = await runProject(project, { ...options, killers });
    all.passed.push(...passed);
    all.failed.push(...failed);
    all.broken = broken;
    if (broken !== null || (failed.length > 0 && !options.isWhole)) break;
  }
  return all;
}

async function runProject(project: string, options: SuiteOptions): Promise<Outcome> {
  const { root, killers, through, limitMs, isWhole } = options;
  const report = join(root, 'report.json');
  rmSync(report, { force: true });
  const titles = [...new Set(killers.map(({ title }) => title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))];
  const [program, ...before] = [...through, process.execPath];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', project, ...new Set(killers.map(({ file }) => file)), '-t', titles.join('|')];
  const code = await run(
    program!,
    [...before, vitest, ...args, '--reporter=json', `--outputFile=${report}`, ...(isWhole ? [] : ['--bail=1'])],
    { cwd: root, limitMs }
  );
  if (code.isLate) return { passed: [], failed: [], broken: `not done after ${limitMs / 1_000} s` };
  try {
    return read(root, JSON.parse(readFileSync(report, 'utf8')) as Report, killers);
  } catch {
    return { passed: [], failed: [], broken: `vitest ended with ${code.code}: ${code.said.trim().slice(-600)}` };
  }
}

interface Report {
  testResults: {
    name: string;
    message?: string;
    assertionResults: { status: string; fullName: string; title: string; failureMessages?: string[] }[];
  }[];
}

function read(root: string, report: Report, killers: readonly Killer[]): Outcome {
  const outcome: Outcome = { passed: [], failed: [], broken: null };
  for (const { name, message, assertionResults } of report.testResults) {
    const file = relative(root, name);
    if (message && assertionResults.length === 0) outcome.broken ??= `${file}: ${firstLine(message)}`;
    for (const { status, title, failureMessages = [] } of assertionResults) {
      if (!killers.some((killer) => killer.file === file && title.includes(killer.title))) continue;
      const why = failureMessages[0] ?? '';
      if (status === 'passed') outcome.passed.push(`${file} › ${title}`);
      else if (status === 'failed' && isAsserted(why)) outcome.failed.push({ file, title, why: firstLine(why) });
      else if (status === 'failed') outcome.broken ??= `${file} › ${title}: ${firstLine(why)}`;
    }
  }
  // Something else failed as well: what was asserted stands all the same.
  if (outcome.failed.length > 0) outcome.broken = null;
  return outcome;
}

/** Of an assertion, or of a property that found a case in which one fails. */
function isAsserted(message: string): boolean {
  return /AssertionError|Property failed after/.test(message);
}

function firstLine(message: string): string {
  // eslint-disable-next-line no-control-regex
  return (message.replace(/\u001b\[[0-9;]*m/g, '').split('\n')[0] ?? '').slice(0, 300);
}

interface Ended {
  code: number | null;
  isLate: boolean;
  said: string;
}

function run(
  program: string,
  args: readonly string[],
  { cwd, limitMs }: { cwd: string; limitMs: number }
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { WATCHFLOOR_TEST_RETRIES: _, ...environment } = process.env;
    const child = spawn(program, args, {
      cwd,
      env: { ...environment, TZ: 'UTC', WATCHFLOOR_SEED: SEED },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that nothing of it is left when its time is over.
      detached: true
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-20_000)));
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, limitMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, isLate, said });
    });
  });
}
