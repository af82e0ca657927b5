/**
 * `npm run wall:check -- --url https://host`: opens a wall in a headless browser, as a kiosk would, and says whether it can
 * be trusted: paired, live and staying so, nothing scrolls, no login form, no error of the console, no failed request.
 * A browser is a display of its own: the first time it shows a code, which a person approves under Displays; its profile
 * is kept, so that later checks are paired. Exit codes: 0 all hold, 1 something does not, 2 it could not be asked (usage,
 * browser, address), 3 not paired.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { findChromium } from '../e2e/harness/chromium.ts';
import { leavesScreen } from '../e2e/harness/wall-sizes.ts';

const USAGE = `Usage: npm run wall:check -- --url https://host [options]
  --profile DIR      browser profile of this check, kept between runs (.watchfloor/wall-check)
  --size WxH         of the screen (1920x1080)
  --pair-minutes N   how long to wait for a person to approve the code (10; 0 = do not wait)
  --watch-seconds N  how long it must stay live (15)
  --screenshot FILE  what it showed at the end`;

/** For the page to say what it is; for its feed to be joined. */
const FACE_PATIENCE_MS = 10_000;
const LIVE_PATIENCE_MS = 30_000;

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string' },
        profile: { type: 'string', default: join('.watchfloor', 'wall-check') },
        size: { type: 'string', default: '1920x1080' },
        'pair-minutes': { type: 'string', default: '10' },
        'watch-seconds': { type: 'string', default: '15' },
        screenshot: { type: 'string' }
      }
    });
    const url = new URL(values.url ?? '');
    if (url.pathname === '/') url.pathname = '/wall';
    const size = /^(\d{3,5})x(\d{3,5})$/.exec(values.size);
    const [pairMinutes, watchSeconds] = [Number(values['pair-minutes']), Number(values['watch-seconds'])];
    if (!size || !(pairMinutes >= 0) || !(watchSeconds >= 0)) throw new Error('an option has no sensible value');
    const viewport = { width: Number(size[1]), height: Number(size[2]) };
    return { url, viewport, pairMinutes, watchSeconds, profile: values.profile, screenshot: values.screenshot };
  } catch (error) {
    return fail(`${USAGE}\n\n${(error as Error).message}`, 2);
  }
}

/** What the wall says of itself: a state of the stamp, or which of its other faces it shows. */
async function stateOf(page: Page): Promise<string> {
  const wall = page.locator('main.wall');
  if ((await wall.count()) === 0) return 'no wall';
  const state = await wall.first().getAttribute('data-state');
  if (state !== null) return state;
  return (await wall.first().getAttribute('data-pairing')) === null ? 'removed' : 'unpaired';
}

/** Polls until it is so, or until time is over; the last state in either case. */
async function waitFor(page: Page, isSo: (state: string) => boolean, ms: number): Promise<string> {
  const deadline = performance.now() + ms;
  for (;;) {
    const state = await stateOf(page);
    if (isSo(state) || performance.now() >= deadline) return state;
    await delay(250);
  }
}

const isPaired = (state: string): boolean => !['no wall', 'removed', 'unpaired'].includes(state);
/** A silent source is a state of what reports, not of the wall: its feed is live. */
const isLive = (state: string): boolean => state === 'live' || state === 'silent';

const { url, viewport, pairMinutes, watchSeconds, profile, screenshot } = readOptions();
await mkdir(profile, { recursive: true, mode: 0o700 });
const browser = await findChromium()
  .then((found) => chromium.launchPersistentContext(profile, { ...found, viewport, headless: true }))
  .catch((error: Error) => fail(`The browser does not start: ${error.message}`, 2));

const results: { name: string; isOk: boolean; note: string }[] = [];
const say = (name: string, isOk: boolean, note: string): void => {
  results.push({ name, isOk, note });
  console.log(`${isOk ? 'ok  ' : 'FAIL'}  ${name}: ${note}`);
};

try {
  const page = browser.pages()[0] ?? (await browser.newPage());
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`));

  const answer = await page.goto(url.href, { timeout: 30_000 }).catch((error: Error) => error);
  if (!answer || answer instanceof Error) {
    console.error(`${url.href} cannot be opened: ${answer?.message.split('\n')[0] ?? 'no answer'}`);
    process.exitCode = 2;
  } else {
    say('answers', answer.ok(), `${answer.status()} ${url.href}`);
    process.exitCode = await check(page, errors);
  }
} finally {
  await browser.close();
}
async function check(page: Page, errors: string[]): Promise<number> {
  let state = await waitFor(page, (now) => now !== 'no wall', FACE_PATIENCE_MS);
  if (state === 'removed') state = await waitFor(page, (now) => now === 'unpaired', 60_000);
  if (state === 'unpaired' && pairMinutes > 0) {
    const letters = page.getByLabel(/^Code( [A-Z]){8}$/);
    const label = await letters.getAttribute('aria-label', { timeout: LIVE_PATIENCE_MS }).catch(() => null);
    if (label) console.log(`      not paired; approve the code ${label.slice(5).replaceAll(' ', '')} under Displays`);
    state = await waitFor(page, isPaired, pairMinutes * 60_000);
  }
  await page.evaluate(() => document.fonts.ready);
  say('paired', isPaired(state), isPaired(state) ? ((await page.title()).split(' · ')[0] ?? '') : state);

  const logins = await page.locator('form, input[type="password"]').count();
  say('no login form', logins === 0 && !new URL(page.url()).pathname.startsWith('/login'), page.url());

  if (isPaired(state)) {
    state = await waitFor(page, isLive, LIVE_PATIENCE_MS);
    // Once live it must stay so: a wall that comes and goes is not to be trusted either.
    const worst = isLive(state) ? await waitFor(page, (now) => !isLive(now), watchSeconds * 1_000) : state;
    say('live', isLive(worst), isLive(worst) ? `${worst} for ${watchSeconds} s` : worst);
  }

  const faults = await page.evaluate(leavesScreen);
  say('no scroll', faults.length === 0, faults[0] ?? `${viewport.width}×${viewport.height}, all within`);
  say('no console error', errors.length === 0, errors[0] ?? 'none, and no request failed');
  if (screenshot) await page.screenshot({ path: screenshot });
  if (!isPaired(state)) return 3;
  return results.every(({ isOk }) => isOk) ? 0 : 1;
}
