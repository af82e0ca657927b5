/** What libraries and bugs would do, on a signal: print, warn, and throw what nothing handles. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Written into the directory, as a module for `--import`; returns its path. */
export async function writeBugs(directory: string): Promise<string> {
  const path = join(directory, 'bugs.mjs');
  await writeFile(
    path,
    `const failure = () => Object.assign(new Error('cannot reach ' + process.env.DATABASE_URL), {
       detail: process.env.ROW, token: process.env.ROW, cause: new Error('with ' + process.env.METRICS_TOKEN) });
     process.on('SIGUSR2', () => {
       console.error('a library says', failure(), { row: process.env.ROW });
       console.log('at ' + process.env.DATABASE_URL);
       process.emitWarning('deprecated: ' + process.env.WATCHFLOOR_DEMO_PASSWORD);
     });
     process.on('SIGWINCH', () => { throw failure(); });`
  );
  return path;
}
