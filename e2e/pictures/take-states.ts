/**
 * Takes pictures of the states of e2e/pictures/states, and runs axe over each: what a healthy server cannot be asked for.
 *   npx vite --config e2e/pictures/states/vite.config.ts &   then   [OUT=artifacts/states] npx tsx e2e/pictures/take-states.ts
 */
import { mkdir } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import { openBrowser } from './browser.ts';

const BASE_URL = process.env['BASE_URL'] ?? 'http://127.0.0.1:4318';
const OUT = process.env['OUT'] ?? 'artifacts/states';
const STATES =
  'live connecting calm silent paused-calm stale-calm connecting-calm tab-empty tab-failed strip-failed one large environment long paused flood stale stale-database reconnecting reading short short-empty empty filtered over detail-failed detail-resolved detail-reviewed detail-readonly detail-busy detail-diagnostics detail-manual detail-partial detail-stale detail-running detail-cancelled detail-reconciled detail-lost detail-long overview overview-name overview-sixty overview-one overview-own overview-nothing overview-never overview-unknown overview-long overview-stale overview-withheld';

await mkdir(OUT, { recursive: true });
const browser = await openBrowser();
try {
  for (const [size, width, height, colorScheme] of [
    ['light', 1440, 900, 'light'],
    ['dark', 1440, 900, 'dark'],
    ['wide', 1920, 1080, 'light'],
    ['phone', 390, 844, 'light']
  ] as const) {
    const page = await (await browser.newContext({ viewport: { width, height }, colorScheme })).newPage();
    for (const state of (process.env['ONLY'] ?? STATES).split(' ')) {
      await page.goto(`${BASE_URL}/?${state}`);
      await page.locator('main h1').waitFor();
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: `${OUT}/${state}-${size}.png`, fullPage: state.startsWith('detail') });
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const { id, nodes } of violations)
        console.log(
          state,
          size,
          id,
          nodes.map((n) => n.html.slice(0, 160))
        );
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth
      );
      if (wide > 0) console.log(state, size, `is ${wide} px wider than the window`);
    }
  }
} finally {
  await browser.close();
}
