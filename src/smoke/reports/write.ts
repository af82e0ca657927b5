/** Writes the reports of a run into a directory. Invariant: all of them or an error; screenshots are there already. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../report.ts';
import { toJunit } from './junit.ts';
import { toSarif } from './sarif.ts';
import { toVerification } from './verification.ts';

export async function writeReports(report: Report, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await Promise.all([
    writeFile(join(directory, 'verification.md'), toVerification(report)),
    writeFile(join(directory, 'smoke.json'), `${JSON.stringify(report, null, 2)}\n`),
    writeFile(join(directory, 'junit.xml'), toJunit(report)),
    writeFile(join(directory, 'smoke.sarif'), toSarif(report))
  ]);
}
