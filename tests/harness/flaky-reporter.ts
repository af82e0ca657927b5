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
    const [line = ''] = (error?.message ?? '').split('\n');
    this.#lines.push(`${test.module.relativeModuleId}: ${test.fullName}: ${line.slice(0, 300)}`);
  }

  onTestRunEnd(): void {
    const report = process.argv.find((argument) => argument.startsWith('--outputFile.json='))?.split('=')[1];
    if (report) writeFileSync(report.replace(/json$/, 'flaky.txt'), this.#lines.join('\n'));
  }
}
