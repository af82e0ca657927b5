/**
 * `npm run soak:wall -- --minutes N`: does a wall last? A day of a busy display's updates, as fast as they go: 86,400
 * seconds with a change of data every four of them, floods and losses among them, drawn one by one by the real components.
 * After a tenth of a day to warm up, memory, nodes and listeners are read eleven times, each after a collection and in the
 * same state. Fails when the heap grew by 10 % or more, or when a node or a listener is left. Takes as long as it takes,
 * at most the minutes given; what of the day was played is said.
 */
import { parseArgs } from 'node:util';
import type { CDPSession } from '@playwright/test';
import { openBrowser } from './pictures/browser.ts';
import { openWallState } from './harness/wall-sizes.ts';
import { serveWallStates } from './harness/wall-states.ts';

const DAY_SECONDS = 86_400;
const SAMPLES = 10;
/** Drawn in one go, so that the browser breathes between them. */
const CHUNK = 240;
const MOST_GROWTH = 0.1;

interface Sample {
  second: number;
  heap: number;
  nodes: number;
  listeners: number;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error('Usage: npm run soak:wall -- --minutes N, N being a number above 0.');
  process.exit(2);
}

async function sample(cdp: CDPSession, second: number): Promise<Sample> {
  // One collection may leave what only the next one finds free (weak references, detached nodes).
  for (let n = 0; n < 3; n += 1) await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const value = (name: string): number => metrics.find((one) => one.name === name)!.value;
  return { second, heap: value('JSHeapUsedSize'), nodes: value('Nodes'), listeners: value('JSEventListeners') };
}

const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(2);
function print({ second, heap, nodes, listeners }: Sample): void {
  const hours = (second / 3_600).toFixed(1).padStart(5);
  console.log(`${hours} h  heap ${mib(heap).padStart(6)} MiB  nodes ${nodes}  listeners ${listeners}`);
}

const [served, browser] = await Promise.all([serveWallStates(), openBrowser()]);
try {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await openWallState(page, served.url, 'abnormal');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const play = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= CHUNK) {
      await page.evaluate((count) => window.wall.feed.seconds(count, window.wall.flush), Math.min(CHUNK, left));
    }
  };
  const rest = (): Promise<void> =>
    page.evaluate(() => {
      window.wall.feed.show('abnormal');
      window.wall.flush();
    });

  await play(DAY_SECONDS / SAMPLES);
  await rest();
  const deadline = performance.now() + minutes * 60_000;
  const started = performance.now();
  const samples = [await sample(cdp, 0)];
  print(samples[0]!);
  for (let part = 1; part <= SAMPLES && performance.now() < deadline; part += 1) {
    await play(DAY_SECONDS / SAMPLES);
    await rest();
    samples.push(await sample(cdp, (part * DAY_SECONDS) / SAMPLES));
    print(samples.at(-1)!);
  }
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const growth = last.heap / first.heap - 1;
  const minutesTaken = (performance.now() - started) / 60_000;
  console.log(
    `${(last.second / 3_600).toFixed(1)} hours of updates in ${minutesTaken.toFixed(1)} min: heap ${(growth * 100).toFixed(1)} %, ` +
      `nodes ${last.nodes - first.nodes}, listeners ${last.listeners - first.listeners}, errors ${errors.length}`
  );
  for (const error of errors.slice(0, 5)) console.error(error);
  const isFlat = last.nodes <= first.nodes && last.listeners <= first.listeners;
  process.exitCode = growth < MOST_GROWTH && isFlat && errors.length === 0 && samples.length > 1 ? 0 : 1;
} finally {
  await Promise.all([browser.close(), served.close()]);
}
