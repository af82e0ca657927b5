/**
 * The wall on every screen that it is made for, in every state: nothing scrolls, nothing leaves the screen, text is as
 * large as the distance asks for, and a loss is the largest thing there is. The real components over invented data, under
 * the product's content security policy; what the server has to do with it is in displays.spec.ts.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type CDPSession, type Page } from '@playwright/test';
import { unitOf } from '../src/lib/operations/wall-size.ts';
import { leavesScreen, openWallState, showWallState, WALL_SIZES } from './harness/wall-sizes.ts';
import { serveWallStates, type WallStates } from './harness/wall-states.ts';
import { STATES } from './pictures/wall/states.ts';

let served: WallStates;
test.beforeAll(async () => {
  served = await serveWallStates();
});
test.afterAll(async () => {
  await served.close();
});

const NAMES = Object.keys(STATES);
const lost = NAMES.filter((name) => /stale|nodata/.test(name));
const unsure = NAMES.filter((name) => /^(re)?connecting|^silent/.test(name));

/** Every text on the screen with its size in minutes of arc, seen from where the wall is set for. */
async function textSizes(page: Page): Promise<{ text: string; arcmin: number; isNear: boolean; isLoss: boolean }[]> {
  return page.evaluate(() => {
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const walker = document.createTreeWalker(document.querySelector('.wall')!, NodeFilter.SHOW_TEXT);
    const texts: { text: string; arcmin: number; isNear: boolean; isLoss: boolean }[] = [];
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement!;
      const text = node.textContent!.trim();
      const box = element.getBoundingClientRect();
      if (text === '' || box.width === 0 || element.closest('.unseen, .curtain') !== null) continue;
      texts.push({
        text,
        arcmin: (parseFloat(getComputedStyle(element).fontSize) / unit) * 16,
        isNear: element.closest('.near, .head, .end') !== null,
        isLoss: element.closest('.loss .word') !== null
      });
    }
    return texts;
  });
}

for (const size of WALL_SIZES) {
  test.describe(`on ${size.name}`, () => {
    test.use({ viewport: { width: size.width, height: size.height }, deviceScaleFactor: size.scale });

    test('nothing scrolls, leaves the screen or is too small, in any state', async ({ page }) => {
      test.setTimeout(240_000);
      const errors: string[] = [];
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      page.on('pageerror', (error) => errors.push(String(error)));
      await openWallState(page, served.url, 'quiet');
      for (const name of NAMES) {
        await showWallState(page, name);
        expect.soft(await page.evaluate(leavesScreen), name).toEqual([]);
        const texts = await textSizes(page);
        expect(texts.length, name).toBeGreaterThan(1);
        const tooSmall = texts.filter(({ arcmin, isNear }) => arcmin < (isNear ? 12 : 16) - 0.01);
        expect.soft(tooSmall, name).toEqual([]);
      }
      expect(errors).toEqual([]);
    });

    test('one unit of its styles is 16 minutes of arc at the distance that is set', async ({ page }) => {
      await openWallState(page, served.url, 'quiet');
      for (const name of ['abnormal', 'far', 'near']) {
        await showWallState(page, name);
        const state = STATES[name]!();
        if (state.kind !== 'wall') throw new Error(name);
        const unit = await page.evaluate(() => parseFloat(getComputedStyle(document.documentElement).fontSize));
        // Chromium keeps lengths to 1/64 of a pixel.
        expect(unit).toBeCloseTo(unitOf(size, state.data.display), 1);
      }
    });

    test('a loss is the largest thing on the screen, and data has no colour', async ({ page }) => {
      await openWallState(page, served.url, 'quiet');
      for (const name of lost) {
        await showWallState(page, name);
        const texts = await textSizes(page);
        const largest = Math.max(...texts.map(({ arcmin }) => arcmin));
        const words = texts.filter(({ isLoss }) => isLoss);
        expect(Math.max(...words.map(({ arcmin }) => arcmin)), name).toBe(largest);
        expect(words.map(({ text }) => text).join(' '), name).toMatch(
          /^(Stale|No data) since (\d\d:\d\d:\d\d|\d+ \w+, \d\d:\d\d)$/
        );
        expect(Math.max(...texts.filter(({ isLoss }) => !isLoss).map(({ arcmin }) => arcmin)), name).toBeLessThan(
          largest
        );
        expect(await coloured(page), name).toEqual([]);
      }
    });

    test('while it is not sure, the stamp has the largest word', async ({ page }) => {
      await openWallState(page, served.url, 'quiet');
      for (const name of unsure) {
        await showWallState(page, name);
        const words = (await textSizes(page)).filter(({ text }) => /[a-z]/i.test(text));
        const largest = words.reduce((most, one) => (one.arcmin > most.arcmin ? one : most));
        expect(largest.text, name).toMatch(/^(Reconnecting|Catching up|Connecting|Source silent)$/);
      }
    });
  });
}

/** What has any colour below the band of the loss: inks and fills whose channels differ by more than a tint of grey. */
async function coloured(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('.withdrawn > :not(.loss), .withdrawn > :not(.loss) *')]
      .filter((element) => element.textContent !== '' || element instanceof SVGElement)
      .flatMap((element) => {
        const { color, fill, backgroundColor } = getComputedStyle(element);
        return [color, fill, backgroundColor]
          .filter((value) => {
            const [r = 0, g = 0, b = 0, alpha = 1] = (value.match(/[\d.]+/g) ?? []).map(Number);
            // What explains the loss is written in full ink; only hue would be a colour.
            return alpha > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 16;
          })
          .map((value) => `${element.getAttribute('class')} ${value}`);
      })
  );
}

test('axe finds nothing in any state', async ({ page }) => {
  test.setTimeout(240_000);
  await page.setViewportSize({ width: 1920, height: 1080 });
  await openWallState(page, served.url, 'quiet');
  for (const name of NAMES) {
    await showWallState(page, name);
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect
      .soft(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 120))]),
        name
      )
      .toEqual([]);
  }
});

test('no cursor, no way to scroll, dark unless it was set to light', async ({ page }) => {
  await openWallState(page, served.url, 'long');
  const look = () =>
    page.evaluate(() => {
      const { cursor, colorScheme } = getComputedStyle(document.querySelector('.wall')!);
      return { cursor, colorScheme, scrolled: [window.scrollY, document.documentElement.scrollTop] };
    });
  await page.mouse.wheel(0, 600);
  await page.keyboard.press('End');
  expect(await look()).toEqual({ cursor: 'none', colorScheme: 'dark', scrolled: [0, 0] });
  await showWallState(page, 'light');
  expect((await look()).colorScheme).toBe('light');
});

test('the picture takes the next of its places each minute, and nothing is cut in any of them', async ({ page }) => {
  await openWallState(page, served.url, 'abnormal');
  const places = new Set<string>();
  for (let minute = 0; minute < 16; minute += 1) {
    places.add(
      await page.evaluate((ms) => {
        const { feed, flush } = window.wall;
        feed.change({ now: 1_795_421_640_000 + ms });
        flush();
        return getComputedStyle(document.querySelector('.frame')!).translate;
      }, minute * 60_000)
    );
    expect(await page.evaluate(leavesScreen)).toEqual([]);
  }
  expect(places.size).toBe(16);
});

test('a screen whose seconds stop says so by itself; one whose seconds go on never does', async ({ page }) => {
  await openWallState(page, served.url, 'quiet');
  // The animation is asked where it is, not waited for.
  const curtain = (after: number) =>
    page.evaluate((ms) => {
      const element = document.querySelector('.curtain')!;
      const [animation] = element.getAnimations();
      const was = animation!.currentTime;
      animation!.currentTime = ms;
      const { opacity } = getComputedStyle(element);
      animation!.currentTime = was;
      return { opacity, text: element.textContent!.trim().replace(/\s+/g, ' ') };
    }, after);
  expect((await curtain(9_999)).opacity).toBe('0');
  expect(await curtain(10_001)).toEqual({
    opacity: '1',
    text: 'Stale since 09:14:05 This screen has stopped: reload it, or switch it off and on'
  });
  const restarts = await page.evaluate(() => {
    const { feed, flush } = window.wall;
    const started = new Set<Animation>();
    for (let n = 0; n < 5; n += 1) {
      feed.seconds(1, flush);
      started.add(document.querySelector('.curtain')!.getAnimations()[0]!);
    }
    return started.size;
  });
  expect(restarts).toBe(5);
});

test('a screen whose scripts hang says so while they hang', async ({ page, context }) => {
  test.setTimeout(120_000);
  await openWallState(page, served.url, 'quiet');
  const cdp = await context.newCDPSession(page);
  const frames: string[] = [];
  cdp.on('Page.screencastFrame', ({ data, sessionId }) => {
    frames.push(data);
    void cdp.send('Page.screencastFrameAck', { sessionId }).catch(() => undefined);
  });
  await cdp.send('Page.startScreencast', { format: 'png' });
  await page.evaluate(() => window.wall.feed.seconds(1, window.wall.flush));
  // The picture may stand for 11 s from here (its proof is a second old): the thread is held for longer than that.
  await page.evaluate(() => {
    const from = performance.now();
    while (performance.now() - from < 20_000);
  });
  const whileItHung = frames.at(-1)!;
  const [red, green, blue] = await (
    await context.newPage()
  ).evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(1, 1);
    const drawing = canvas.getContext('2d')!;
    drawing.drawImage(image, image.width - 2, 1, 1, 1, 0, 0, 1, 1);
    return [...drawing.getImageData(0, 0, 1, 1).data];
  }, whileItHung);
  // The colour of what is not known, up to the corner.
  expect([red, green, blue].map((value) => Math.round(value! / 8))).toEqual(
    [0xb7, 0x9a, 0xf5].map((v) => Math.round(v / 8))
  );
});

async function metrics(cdp: CDPSession): Promise<{ heap: number; nodes: number; listeners: number }> {
  for (let n = 0; n < 3; n += 1) await cdp.send('HeapProfiler.collectGarbage');
  const { metrics: all } = await cdp.send('Performance.getMetrics');
  const value = (name: string) => all.find((one) => one.name === name)!.value;
  return { heap: value('JSHeapUsedSize'), nodes: value('Nodes'), listeners: value('JSEventListeners') };
}

test('a wall that was left is collected, and entering again leaves no node and no listener behind', async ({
  page
}) => {
  await openWallState(page, served.url, 'abnormal');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const round = () =>
    page.evaluate(async () => {
      const { wall } = window;
      await wall.leave();
      wall.enter();
      for (const name of ['flood', 'stale', 'sixty-worst', 'nodata', 'abnormal']) {
        wall.feed.show(name);
        wall.flush();
      }
    });
  await page.evaluate(() => {
    const elements = document.querySelectorAll('.wall, .tile, .row, .curtain');
    (window as unknown as { left: WeakRef<Element>[] }).left = [...elements].map((element) => new WeakRef(element));
  });
  await round();
  const before = await metrics(cdp);
  const alive = await page.evaluate(
    () => (window as unknown as { left: WeakRef<Element>[] }).left.filter((ref) => ref.deref() !== undefined).length
  );
  expect(alive).toBe(0);
  for (let n = 0; n < 20; n += 1) await round();
  const after = await metrics(cdp);
  expect(after.nodes - before.nodes).toBeLessThanOrEqual(0);
  expect(after.listeners - before.listeners).toBeLessThanOrEqual(0);
});

test('an hour of updates leaves as many nodes and listeners as there were', async ({ page }) => {
  test.setTimeout(180_000);
  await openWallState(page, served.url, 'abnormal');
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const hour = () =>
    page.evaluate(() => {
      const { feed, flush } = window.wall;
      feed.seconds(1_800, flush);
      feed.show('abnormal');
      flush();
    });
  await hour();
  const before = await metrics(cdp);
  await hour();
  const after = await metrics(cdp);
  expect(after.nodes - before.nodes).toBeLessThanOrEqual(0);
  expect(after.listeners - before.listeners).toBeLessThanOrEqual(0);
});
