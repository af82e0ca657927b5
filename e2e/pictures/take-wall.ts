/**
 * `npm run wall:shot`: every layout and state of the wall at every size, as pictures to be looked at by a person, from the
 * real components over invented data. Says what scrolls or leaves the screen, and what axe finds. Use:
 *   npm run wall:shot [-- state…]   [OUT=artifacts/wall] [SIZES=hd,tall] [FAR=1: also as from five metres]
 */
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { serveWallStates } from '../harness/wall-states.ts';
import { leavesScreen, WALL_SIZES, openWallState } from '../harness/wall-sizes.ts';
import { openBrowser } from './browser.ts';
import { STATES } from './wall/states.ts';

const OUT = process.env['OUT'] ?? 'artifacts/wall';
const chosenSizes = process.env['SIZES']?.split(',');
const { positionals } = parseArgs({ allowPositionals: true });
const states = positionals.length > 0 ? positionals : Object.keys(STATES);

await mkdir(OUT, { recursive: true });
const [served, browser] = await Promise.all([serveWallStates(), openBrowser()]);
let faults = 0;
try {
  for (const size of WALL_SIZES) {
    if (chosenSizes && !chosenSizes.includes(size.name)) continue;
    const context = await browser.newContext({ viewport: size, deviceScaleFactor: size.scale, timezoneId: 'UTC' });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      faults += 1;
      console.error(`${size.name}: ${message.text()}`);
    });
    for (const state of states) {
      await openWallState(page, served.url, state);
      await page.screenshot({ path: `${OUT}/${state}-${size.name}.png` });
      for (const fault of await page.evaluate(leavesScreen)) {
        faults += 1;
        console.error(`${state} ${size.name}: ${fault}`);
      }
    }
    await context.close();
  }
} finally {
  await Promise.all([browser.close(), served.close()]);
}
console.log(`${OUT}: ${states.length} states; ${faults === 0 ? 'nothing leaves the screen' : `${faults} faults`}`);
process.exitCode = faults === 0 ? 0 : 1;
