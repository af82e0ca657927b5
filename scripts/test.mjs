/**
 * `npm test` and `npm run verify`: everything that CI runs, in order, each step to its end whatever the others said. The
 * last line is `N passed, N failed` over all suites: tests are counted from the JSON reports of vitest and Playwright; a
 * check (format, lint, types, dead code, build) counts as one. Exit code 1 when anything failed or a suite ran nothing.
 * Right before it stand the titles of what failed, and of what failed first and passed when it was run again (only where
 * WATCHFLOOR_TEST_RETRIES asks for that, as .ci/run does): each of those is a defect to be found, too.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { requireNode } from './node-version.mjs';

requireNode();
const { project } = await import('./sources.mjs');
const { installOnce } = await import('./install.mjs');
process.chdir(project);
await installOnce();

const reports = join(project, 'test-results', 'reports');
await rm(reports, { recursive: true, force: true });
await mkdir(reports, { recursive: true });

const FOREIGN = ['DATABASE_URL', 'HOST', 'PORT', 'ORIGIN', 'NODE_ENV'].concat(
  Object.keys(process.env).filter((name) => /^WATCHFLOOR_(?!TEST_|CHROMIUM$|SEED$)/.test(name))
);

/** @type {{ name: string, command: string[], report?: string, format?: 'vitest' | 'playwright', needs?: string }[]} */
const steps = [
  { name: 'sync', command: ['svelte-kit', 'sync'] },
  { name: 'format', command: ['prettier', '--check', '--log-level=warn', '.'] },
  { name: 'lint', command: ['eslint', '--max-warnings=0', '.'] },
  { name: 'types', command: ['svelte-check', '--fail-on-warnings', '--output', 'human'] },
  { name: 'dead code', command: ['knip'] },
  vitest('unit'),
  vitest('pg'),
  { name: 'build', command: [process.execPath, 'scripts/build.mjs', '--quiet'] },
  { ...vitest('setup'), needs: 'build' },
  {
    name: 'e2e',
    command: ['playwright', 'test', '--reporter=list,json'],
    report: join(reports, 'e2e.json'),
    format: 'playwright',
    needs: 'build'
  }
];

function vitest(project) {
  const report = join(reports, `${project}.json`);
  return {
    name: project,
    command: [
      'vitest',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      '--reporter=./tests/harness/flaky-reporter.ts',
      `--outputFile.json=${report}`
    ],
    report,
    format: 'vitest'
  };
}

// `npm test -- unit e2e` runs only these; `npm test` is what counts.
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no step "${unknown.join(', ')}". Steps: ${steps.map(({ name }) => name).join(', ')}.\n`
  );
  process.exit(2);
}

const results = [];
for (const step of steps) {
  if (chosen.length > 0 && !chosen.includes(step.name)) continue;
  const broken = results.find(({ name, failed }) => name === step.needs && failed > 0);
  if (broken) {
    results.push({
      name: step.name,
      passed: 0,
      failed: 1,
      skipped: 0,
      seconds: 0,
      note: `not run: ${step.needs} failed`
    });
    continue;
  }
  process.stdout.write(`\n── ${step.name} ──\n`);
  const started = performance.now();
  const code = await run(step.command);
  const counts = step.report
    ? await count(step, code)
    : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  results.push({ name: step.name, ...counts, seconds: (performance.now() - started) / 1000 });
}

process.stdout.write('\n');
for (const { name, failures = [], flaky = [] } of results) {
  for (const title of failures) process.stdout.write(`failed: ${name}: ${title}\n`);
  for (const title of flaky) process.stdout.write(`failed once: ${name}: ${title}\n`);
}
for (const { name, passed, failed, skipped, seconds, note } of results) {
  const parts = [`${String(passed).padStart(5)} passed`, `${String(failed).padStart(3)} failed`];
  if (skipped > 0) parts.push(`${skipped} skipped`);
  process.stdout.write(`${name.padEnd(10)} ${parts.join(', ')}  ${seconds.toFixed(1)} s${note ? `  (${note})` : ''}\n`);
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed\n`);
process.exitCode = sum('failed') > 0 ? 1 : 0;

/** Runs a program of node_modules/.bin (or an absolute one) and returns its exit code. */
function run([program, ...args]) {
  const path = [join(project, 'node_modules', '.bin'), process.env.PATH].join(process.platform === 'win32' ? ';' : ':');
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: project,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        PATH: path,
        TZ: 'UTC',
        PLAYWRIGHT_JSON_OUTPUT_NAME: join(reports, 'e2e.json'),
        // What is configured in the shell of who runs the tests is not what is tested.
        ...Object.fromEntries(FOREIGN.map((name) => [name, undefined]))
      }
    });
    child.once('error', (error) => {
      process.stderr.write(`${program} could not be run: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (exitCode) => resolve(exitCode ?? 1));
  });
}

/** Counts tests; a suite that failed without a failed test (a crash, nothing found) counts as one failure. */
async function count(step, code) {
  const text = await readFile(step.report, 'utf8').catch(() => null);
  const counts = text === null ? { passed: 0, failed: 0, skipped: 0 } : await read(step, JSON.parse(text));
  if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) counts.failed = 1;
  return counts;
}

async function read(step, report) {
  if (step.format === 'vitest') {
    const failures = report.testResults.flatMap(({ name, message, assertionResults }) => {
      const failed = assertionResults.filter(({ status }) => status === 'failed');
      const titles = failed.map(({ fullName, failureMessages }) => `${fullName}\n  ${brief(failureMessages[0])}`);
      const file = relative(project, name);
      return (titles.length === 0 && message ? [brief(message)] : titles).map((title) => `${file}: ${title}`);
    });
    const again = await readFile(step.report.replace(/json$/, 'flaky.txt'), 'utf8').catch(() => '');
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
      failures,
      flaky: again.split('\n').filter(Boolean)
    };
  }
  const specs = function* (suite) {
    yield* suite.specs ?? [];
    for (const inner of suite.suites ?? []) yield* specs(inner);
  };
  const all = report.suites.flatMap((suite) => [...specs(suite)]);
  const titles = (status) =>
    all
      .filter(({ tests }) => tests.some((test) => test.status === status))
      .map(({ file, title, tests }) => {
        const error = tests.flatMap(({ results }) => results).find((result) => result.error)?.error;
        return `${file}: ${title}\n  ${brief(error?.message)}`;
      });
  return {
    passed: report.stats.expected + report.stats.flaky,
    failed: report.stats.unexpected,
    skipped: report.stats.skipped,
    failures: titles('unexpected'),
    flaky: titles('flaky')
  };
}

/** The first lines of a failure, for the end of the output. */
function brief(message = '') {
  // eslint-disable-next-line no-control-regex
  const plain = message.replace(/\u001b\[[0-9;]*m/g, '');
  return plain.split('\n').slice(0, 6).join('\n  ').slice(0, 1_000);
}
