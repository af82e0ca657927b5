/**
 * The demo's writer, a process of its own: `DATABASE_URL=… node writer.js`. It ends when its parent does (the channel of
 * `fork` closes, even after kill -9), and on SIGTERM or SIGINT. Everything it does is in write-loop.ts.
 */
import { randomInt } from 'node:crypto';
import { openLog } from '../log.ts';
import { takeOverOutput } from '../process-output.ts';
import { openRandom } from './random.ts';
import { openDemoWriter } from './write-loop.ts';

const url = process.env['DATABASE_URL'];
if (!url) {
  process.stderr.write('The demo writer needs DATABASE_URL.\n');
  process.exit(1);
}

const log = openLog('demo');
takeOverOutput(log);
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'The demo writer failed');
  process.exit(1);
});
const writer = openDemoWriter({ url, random: openRandom(randomInt(2 ** 32)), log });

/** A hung connection must not keep the process alive without its parent. */
const PATIENCE_MS = 3_000;
let isEnding = false;
function end(): void {
  if (isEnding) return;
  isEnding = true;
  setTimeout(() => process.exit(0), PATIENCE_MS).unref();
  void writer.close().then(() => process.exit(0));
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.on('disconnect', end);
// The parent may be gone before this line was reached; then the event is over. (undefined: there never was one.)
if (process.connected === false) end();
