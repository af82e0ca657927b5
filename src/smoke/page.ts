/**
 * Visits one page with the browser and writes down what happened: answers, requests, console, errors, sockets, elements,
 * times, a picture. It judges nothing. Invariant: the page is closed whatever happens, and nothing waits without a limit.
 */
import type { BrowserContext, Page, Response } from 'playwright-core';
import { LONGEST_TEXT, kindOf, type Answer } from './answer.ts';
import { collectViolations, lookAround, type SeenInPage } from './in-page.ts';
import { looksIn } from './judge.ts';
import type { Visit } from './visit.ts';

export interface VisitOptions {
  origin: string;
  timeoutMs: number;
  from: string | null;
  /** where the picture goes; null: none is taken */
  screenshot: { file: string; name: string } | null;
  selectors: readonly string[];
  /** scripts and styles whose text was read already; filled here */
  read: Set<string>;
}

/** Pages with sockets and timers never come to rest: this long after load is enough for what starts with it. */
const REST_MS = 2_500;
const BODY_PATIENCE_MS = 5_000;
const WANTED = {
  elements: looksIn('element').map(({ id, look }) => ({ id, selector: look.selector })),
  globals: looksIn('global').map(({ id, look }) => ({ id, source: look.name.source })),
  properties: looksIn('element property').map(({ id, look }) => ({ id, name: look.name })),
  longest: LONGEST_TEXT
};

export async function prepareContext(context: BrowserContext): Promise<void> {
  // Bundlers that keep names wrap inner functions in a helper of this name; sent over as text, it must be there.
  await context.addInitScript('globalThis.__name ??= (value) => value');
  await context.addInitScript(collectViolations);
}

export async function visitPage(context: BrowserContext, path: string, options: VisitOptions): Promise<Visit> {
  const url = new URL(path, options.origin).href;
  const page = await context.newPage();
  const visit: Visit = {
    path,
    from: options.from,
    url,
    status: 0,
    answers: [],
    requests: [],
    console: [],
    errors: [],
    sockets: [],
    seen: null,
    links: [],
    ttfbMs: null,
    loadMs: null,
    screenshot: null,
    selectors: {}
  };
  const reading: Promise<void>[] = [];
  writeDown(page, visit, options.read, reading);
  try {
    const response = await page.goto(url, { waitUntil: 'load', timeout: options.timeoutMs });
    await page.waitForLoadState('networkidle', { timeout: REST_MS }).catch(() => undefined);
    await settle(reading, options.timeoutMs);
    visit.status = response?.status() ?? 0;
    visit.url = page.url();
    const seen: SeenInPage = await page.evaluate(lookAround, WANTED);
    visit.seen = seen;
    visit.links = seen.links;
    visit.ttfbMs = seen.ttfbMs;
    visit.loadMs = seen.loadMs;
    for (const selector of options.selectors)
      visit.selectors[selector] =
        (await page
          .locator(selector)
          .count()
          .catch(() => 0)) > 0;
    if (options.screenshot) {
      await page.screenshot({ path: options.screenshot.file, timeout: options.timeoutMs });
      visit.screenshot = options.screenshot.name;
    }
  } catch (error) {
    visit.errors.push(`The page could not be visited: ${(error as Error).message.split('\n')[0]}`);
  } finally {
    await page.close().catch(() => undefined);
  }
  return visit;
}

function writeDown(page: Page, visit: Visit, read: Set<string>, reading: Promise<void>[]): void {
  page.on('response', (response) => void reading.push(readResponse(response, visit, read)));
  page.on('requestfailed', (request) => {
    const failure = request.failure()?.errorText ?? 'failed';
    // A navigation or a script that gives up a request is not a request that failed.
    if (failure !== 'net::ERR_ABORTED')
      visit.requests.push({ url: request.url(), isDocument: request.isNavigationRequest(), status: null, failure });
  });
  page.on('console', (message) => {
    if (visit.console.length < 500)
      visit.console.push({ level: message.type(), text: message.text(), url: message.location().url });
  });
  page.on('pageerror', (error) => void visit.errors.push(String(error.stack ?? error.message)));
  page.on('websocket', (socket) => {
    const opened = { url: socket.url(), says: null as string | null };
    visit.sockets.push(opened);
    socket.on('framereceived', ({ payload }) => (opened.says ??= String(payload).slice(0, 2_000)));
  });
}

async function readResponse(response: Response, visit: Visit, read: Set<string>): Promise<void> {
  const url = response.url();
  if (!/^https?:/.test(url)) return;
  const headers = await within(response.allHeaders(), BODY_PATIENCE_MS).catch(() => response.headers());
  visit.requests.push({
    url,
    isDocument: response.request().isNavigationRequest(),
    status: response.status(),
    failure: null
  });
  const answer: Answer = { url, status: response.status(), headers, text: '' };
  const kind = kindOf(answer);
  const isAsset = kind === 'script' || kind === 'style';
  const isKnown = isAsset && read.has(url);
  if (isAsset) read.add(url);
  const isRedirect = answer.status >= 300 && answer.status < 400;
  if (kind !== null && !isKnown && !isRedirect && !/event-stream/.test(headers['content-type'] ?? ''))
    answer.text = await within(response.text(), BODY_PATIENCE_MS).then(
      (text) => text.slice(0, LONGEST_TEXT),
      () => ''
    );
  visit.answers.push(answer);
}

/** What is still being read when others have begun is read, too. */
async function settle(reading: Promise<void>[], timeoutMs: number): Promise<void> {
  const everything = async (): Promise<void> => {
    for (let count = -1; count !== reading.length;) {
      count = reading.length;
      await Promise.allSettled(reading);
    }
  };
  await within(everything(), timeoutMs).catch(() => undefined);
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('took too long')), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
