/**
 * A day of a busy display's updates, as fast as they are drawn: 86,400 seconds with a change of data every four of them,
 * floods and losses among them, one by one through the real components. A tenth of a day to warm up comes before.
 */
import type { Browser } from '@playwright/test';
import { openWallState } from '../harness/wall-sizes.ts';
import { serveWallStates } from '../harness/wall-states.ts';
import { openSampler, printSample, takeSample, type Soaked } from './samples.ts';

const DAY_SECONDS = 86_400;
const PARTS = 10;
/** Drawn in one go, so that the browser breathes between them. */
const CHUNK = 240;

export async function soakFaces(browser: Browser, minutes: number): Promise<Soaked> {
  const served = await serveWallStates();
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  try {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await openWallState(page, served.url, 'abnormal');
    const cdp = await openSampler(page);
    const play = async (seconds: number): Promise<void> => {
      for (let left = seconds; left > 0; left -= CHUNK) {
        await page.evaluate((count) => window.wall.feed.seconds(count, window.wall.flush), Math.min(CHUNK, left));
      }
      // Back to the state in which the first sample is taken.
      await page.evaluate(() => {
        window.wall.feed.show('abnormal');
        window.wall.flush();
      });
    };
    await play(DAY_SECONDS / PARTS);
    const started = performance.now();
    const samples = [await takeSample(cdp)];
    printSample('0.0 h', samples[0]!);
    let hours = 0;
    for (let part = 1; part <= PARTS && performance.now() - started < minutes * 60_000; part += 1) {
      await play(DAY_SECONDS / PARTS);
      hours = (part * DAY_SECONDS) / PARTS / 3_600;
      samples.push(await takeSample(cdp));
      printSample(`${hours.toFixed(1)} h`, samples.at(-1)!);
    }
    const taken = ((performance.now() - started) / 60_000).toFixed(1);
    return { name: 'components', played: `${hours.toFixed(1)} hours of updates in ${taken} min`, samples, errors };
  } finally {
    await page.close();
    await served.close();
  }
}
