/**
 * The hub's page in Chromium while a hundred changes a second arrive: tasks that make it wait (over 50 ms), script time,
 * frames, and what it keeps (heap after collection, DOM nodes, listeners). Short runs of fresh pages with and without
 * changes, interleaved; then one long one, whose figures by the minute must not grow.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type CDPSession, type Page } from '@playwright/test';
import { findChromium } from '../e2e/harness/chromium.ts';
import { makeWorld, type World } from '../tests/harness/world.ts';
import { startChanges } from './changes.ts';
import { megabytes, round, Runs } from './figures.ts';
import { runsOf, tell, type Part, type Size } from './part.ts';
import { makeDatabase, startProduction } from './servers.ts';

const RATES = [0, 100];
const SHORT_SECONDS: Record<Size, number> = { quick: 1, normal: 20, full: 20 };
/** The long run: so many stretches of so many seconds. */
const LONG: Record<Size, [stretches: number, seconds: number]> = { quick: [2, 1], normal: [4, 30], full: [10, 60] };
const WARM_UP_MS: Record<Size, number> = { quick: 200, normal: 5_000, full: 10_000 };

/** In the page: what it counts of itself. */
interface Watched {
  longTasks: number[];
  frames: number;
  lateFrames: number;
}

interface Measured {
  heap: number;
  nodes: number;
  listeners: number;
  scriptSeconds: number;
  taskSeconds: number;
}
interface Stretch extends Watched {
  kept: Measured;
  scriptShare: number;
  taskShare: number;
  changes: number;
  state: string;
}

export const browser: Part = {
  async run(postgres, size) {
    const url = await makeDatabase(postgres, 'bench_browser');
    const world = await makeWorld(url);
    const server = await startProduction(url);
    const { executablePath, args } = await findChromium();
    const chrome = await chromium.launch({ executablePath, args });
    const seat = { baseURL: `http://127.0.0.1:${server.port}`, url, world };
    const runs = new Runs();
    const long: Stretch[] = [];
    try {
      for (let run = 0; run < runsOf(size); run++) {
        tell(`browser: run ${run + 1}`);
        for (const rate of RATES) {
          const [stretch] = await watch(chrome, seat, rate, [1, SHORT_SECONDS[size]], size);
          for (const [figure, value] of Object.entries(toFigures(stretch!))) runs.add(`${rate} ${figure}`, value);
        }
      }
      tell(`browser: the long run of ${LONG[size][0] * LONG[size][1]} s`);
      long.push(...(await watch(chrome, seat, RATES.at(-1)!, LONG[size], size)));
    } finally {
      await chrome.close();
      await Promise.all([server.stop(), world.close()]);
    }
    const head = [
      'tasks over 50 ms',
      'longest, ms',
      'script, %',
      'busy, %',
      'frames/s',
      'frames over 50 ms',
      'heap, MB',
      'nodes',
      'listeners'
    ];
    const short = {
      title: `A fresh page for ${SHORT_SECONDS[size]} s, without and with changes`,
      head: ['changes/s', ...head],
      rows: RATES.map((rate) => [
        String(rate),
        ...toCells((figure) => runs.median(`${rate} ${figure}`), SHORT_SECONDS[size])
      ])
    };
    const [stretches, seconds] = LONG[size];
    const end = {
      title: `One page for ${round((stretches * seconds) / 60)} minutes at 100 changes a second`,
      head: ['until, min', ...head, 'changes', 'stamp'],
      rows: long.map((stretch, n) => {
        const figures = toFigures(stretch);
        const cells = toCells((figure) => figures[figure]!, seconds);
        return [round(((n + 1) * seconds) / 60), ...cells, String(stretch.changes), stretch.state];
      })
    };
    return { tables: [short, end], raw: { runs, long } };
  }
};

interface Seat {
  baseURL: string;
  url: string;
  world: World;
}

/** A fresh page of the hub; figures of each stretch, kept ones from its end. */
async function watch(
  chrome: Browser,
  { baseURL, url, world }: Seat,
  rate: number,
  [stretches, seconds]: [number, number],
  size: Size
): Promise<Stretch[]> {
  const context = await chrome.newContext({ baseURL, viewport: { width: 1280, height: 900 } });
  const [name = '', value = ''] = world.everyone.cookie.split('=', 2);
  await context.addCookies([{ name, value, url: baseURL, httpOnly: true, sameSite: 'Lax' }]);
  const page = await context.newPage();
  const changes = await startChanges(url, world, rate);
  try {
    await page.goto(`/admin/workspaces/${world.a}/operations`);
    await page.locator('.stamp__word', { hasText: 'Live' }).first().waitFor({ timeout: 60_000 });
    await delay(WARM_UP_MS[size]);
    await page.evaluate(OBSERVE);
    const session = await context.newCDPSession(page);
    await session.send('Performance.enable');
    const found: Stretch[] = [];
    for (let n = 0; n < stretches; n++) {
      await page.evaluate(RESET);
      const before = await measure(session);
      const [from, madeBefore] = [performance.now(), changes.made()];
      await delay(seconds * 1_000);
      const watched = await page.evaluate<Watched>('watched');
      const after = await measure(session);
      const passed = (performance.now() - from) / 1_000;
      const made = changes.made() - madeBefore;
      // A collection is a long task of ours, so it comes after everything that the page did by itself was read.
      await session.send('HeapProfiler.collectGarbage');
      found.push({
        ...watched,
        kept: await measure(session),
        scriptShare: (after.scriptSeconds - before.scriptSeconds) / passed,
        taskShare: (after.taskSeconds - before.taskSeconds) / passed,
        changes: made,
        state: await stampOf(page)
      });
    }
    return found;
  } finally {
    await changes.stop();
    await context.close();
  }
}

const stampOf = async (page: Page): Promise<string> =>
  (await page.locator('.stamp__word').first().textContent())?.trim() ?? '';

/** As text: what runs this file leaves helpers of its own in functions, which no page has. */
const RESET = 'globalThis.watched = { longTasks: [], frames: 0, lateFrames: 0 }';
const OBSERVE = `${RESET};
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watched.longTasks.push(duration);
  }).observe({ type: 'longtask' });
  let last = performance.now();
  requestAnimationFrame(function frame(now) {
    watched.frames++;
    if (now - last > 50) watched.lateFrames++;
    last = now;
    requestAnimationFrame(frame);
  });`;

async function measure(session: CDPSession): Promise<Measured> {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (wanted: string): number => metrics.find(({ name }) => name === wanted)?.value ?? NaN;
  return {
    heap: of('JSHeapUsedSize'),
    nodes: of('Nodes'),
    listeners: of('JSEventListeners'),
    scriptSeconds: of('ScriptDuration'),
    taskSeconds: of('TaskDuration')
  };
}

function toFigures({ longTasks, frames, lateFrames, kept, scriptShare, taskShare }: Stretch): Record<string, number> {
  return {
    longTasks: longTasks.length,
    longest: Math.max(0, ...longTasks),
    scriptShare,
    taskShare,
    frames,
    lateFrames,
    heap: kept.heap,
    nodes: kept.nodes,
    listeners: kept.listeners
  };
}

function toCells(of: (figure: string) => number, seconds: number): string[] {
  return [
    of('longTasks').toFixed(0),
    of('longest').toFixed(0),
    round(of('scriptShare') * 100),
    round(of('taskShare') * 100),
    (of('frames') / seconds).toFixed(0),
    of('lateFrames').toFixed(0),
    megabytes(of('heap')),
    of('nodes').toFixed(0),
    of('listeners').toFixed(0)
  ];
}
