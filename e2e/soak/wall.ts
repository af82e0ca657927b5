/**
 * `npm run soak:wall -- --minutes N`: does a wall last? Half of the time the components draw a day of updates one by one
 * (faces.ts); the other half the product's own page is paired to a server and follows what is reported there (server.ts;
 * after a build). Fails when the heap grew by 10 % or more, or when a node or a listener is left.
 */
import { parseArgs } from 'node:util';
import { openBrowser } from '../pictures/browser.ts';
import { soakFaces } from './faces.ts';
import { judge } from './samples.ts';
import { soakServer } from './server.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '20' }, only: { type: 'string' } }
});
const minutes = Number(values.minutes);
const parts = { components: soakFaces, server: soakServer };
if (!(minutes > 0) || (values.only !== undefined && !Object.hasOwn(parts, values.only))) {
  console.error(`Usage: npm run soak:wall -- --minutes N [--only ${Object.keys(parts).join('|')}]`);
  process.exit(2);
}

const browser = await openBrowser();
try {
  const chosen = Object.entries(parts).filter(([name]) => values.only === undefined || values.only === name);
  for (const [, soak] of chosen) {
    if (!judge(await soak(browser, minutes / chosen.length))) process.exitCode = 1;
  }
} finally {
  await browser.close();
}
