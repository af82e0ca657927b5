/**
 * Writes the titles of tests that failed and passed when they were run again (WATCHFLOOR_TEST_RETRIES) beside the JSON
 * report, which does not tell them apart from those that passed at once. scripts/test.mjs prints them.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase } from 'vitest/node';

export default class FlakyReporter implements Reporter {
  readonly #lines: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (!test.diagnostic()?.flaky) return;
    const [error] = test.result().errors ?? [];
    const message = error?.message ?? '';
    const [line = ''] = message.split('\n');
    this.#lines.push(
      `${test.module.relativeModuleId}: ${test.fullName}: ${line.slice(0, 300)}${why(message, error?.cause)}`
    );
  }

  onTestRunEnd(): void {
    const report = process.argv.find((argument) => argument.startsWith('--outputFile.json='))?.split('=')[1];
    if (report) writeFileSync(report.replace(/json$/, 'flaky.txt'), this.#lines.join('\n'));
  }
}

/** A property's first line says only that it failed; what failed in it comes last, or is its cause. On one line. */
function why(message: string, cause: unknown): string {
  const text = (cause as { message?: string } | undefined)?.message ?? /\nGot ([^]*)/.exec(message)?.[1];
  return text ? `: ${text.replace(/\s+/g, ' ').slice(0, 1_000)}` : '';
}
