#!/usr/bin/env node
/**
 * `watchfloor-smoke`: command line in, reports and exit code out. It owns what is written where: progress to the error
 * output, the result and annotations to the output. Invariant: 0 clean, 1 findings, 2 could not run, and never another.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBaseline, toBaseline } from './baseline.ts';
import { SHORTEST_CANARY, toBuildDirectory, toCanary, type Needle } from './needles.ts';
import { HELP, parseOptions, type Options } from './options.ts';
import { countBySeverity, type Report } from './report.ts';
import { toAnnotations } from './reports/github.ts';
import { toVerification } from './reports/verification.ts';
import { writeReports } from './reports/write.ts';
import { runSmoke } from './run.ts';
import { signatureOf } from './signatures/all.ts';

const BASELINE_DAYS = 30;
const { env } = process;

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(HELP);
  else process.exitCode = await smoke(options);
} catch (error) {
  process.stderr.write(`watchfloor-smoke: ${(error as Error).message}\n`);
  process.exitCode = 2;
}

async function smoke(options: Options): Promise<number> {
  if (options.insecure) env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  const startedAt = new Date();
  const report = await runSmoke(options, {
    needles: readNeedles(options),
    baseline: options.baseline ? parseBaseline(await readFile(options.baseline, 'utf8')) : [],
    startedAt,
    environment: env,
    tell: (line) => void (options.quiet || process.stderr.write(`${line}\n`))
  });
  await writeReports(report, options.out);
  if (options['write-baseline']) {
    const until = new Date(startedAt.getTime() + BASELINE_DAYS * 86_400_000).toISOString().slice(0, 10);
    await writeFile(
      options['write-baseline'],
      toBaseline(report.findings, until, 'accepted when the baseline was written')
    );
  }
  if (options.github || env['GITHUB_ACTIONS'] === 'true') process.stdout.write(toAnnotations(report));
  if (env['GITHUB_STEP_SUMMARY']) await appendFile(env['GITHUB_STEP_SUMMARY'], toVerification(report));
  process.stdout.write(toSummary(report, options.out));
  return report.code;
}

function readNeedles(options: Options): Needle[] {
  const canaries = options['canary-env'].map((name) => {
    const value = env[name];
    if (!value || value.length < SHORTEST_CANARY)
      throw new Error(`--canary-env ${name}: the variable must have at least ${SHORTEST_CANARY} characters.`);
    return toCanary(name, value);
  });
  const given =
    options['build-dir'].length > 0 ? options['build-dir'] : [env['GITHUB_WORKSPACE'], env['CI_PROJECT_DIR']];
  // A directory such as / or /app is in every text.
  const directories = given.filter((path): path is string => !!path && path.split(/[\\/]/).filter(Boolean).length >= 2);
  return [...canaries, ...directories.map(toBuildDirectory)];
}

function toSummary(report: Report, out: string): string {
  const { high, medium, low } = countBySeverity(report.findings);
  const lines = report.findings.slice(0, 40).map(({ signature, at, where, evidence }) => {
    const { severity } = signatureOf(signature);
    return `  ${severity.padEnd(6)} ${signature}  ${at}  ${where}: ${evidence.slice(0, 100)}`;
  });
  const word = ['clean', 'findings', 'not finished'][report.code]!;
  const numbers = `${report.pages.length} pages, ${report.asked} requests, ${high} high, ${medium} medium, ${low} low, ${report.accepted.length} accepted`;
  const notes = report.notes.map((note) => `  ${note}\n`).join('');
  return `${lines.map((line) => `${line}\n`).join('')}${notes}${word}: ${numbers}. ${join(out, 'verification.md')}\n`;
}
