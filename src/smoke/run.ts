/**
 * One run: sign in, visit and crawl, probe, judge, accept what the baseline accepts. It owns the order and the bounds;
 * what is asked and judged is owned by the files it joins. Invariant: it ends within its limits, closes the browser
 * whatever happens, and a run that did not come to its end is never called clean.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { kindOf } from './answer.ts';
import { openAsker, type Asker } from './ask.ts';
import { applyBaseline, type BaselineEntry } from './baseline.ts';
import { findChromium } from './chromium.ts';
import { openFrontier, type Frontier, type Given } from './crawl.ts';
import { openNotebook } from './findings.ts';
import type { Judge } from './judge.ts';
import { judgeVisit, type VisitRules } from './judge-visit.ts';
import { readRecipe, signIn, type Recipe } from './login.ts';
import type { Needle } from './needles.ts';
import type { Options } from './options.ts';
import { prepareContext, visitPage } from './page.ts';
import { visitPlainly } from './plain-page.ts';
import { probe, probeUpgrades } from './probes.ts';
import { failing, worstFirst, type Report } from './report.ts';
import { SIGNATURES } from './signatures/all.ts';
import { MISSING_PAGE, type Visit } from './visit.ts';

export interface RunContext {
  needles: Needle[];
  baseline: BaselineEntry[];
  /** now */
  startedAt: Date;
  environment: NodeJS.ProcessEnv;
  tell: (line: string) => void;
}

interface Round {
  isSignedIn: boolean;
  /** what --expect says of this round's pages */
  expectations: Options['expect'];
  paths: string[];
  depth: number;
  visit: (path: string, from: string | null, screenshot: { file: string; name: string }) => Promise<Visit>;
}

const PAGES_AT_ONCE = 3;

/** Throws a sentence when there is nothing to judge: no browser, no answer, no way in. */
export async function runSmoke(options: Options, context: RunContext): Promise<Report> {
  const { tell, startedAt } = context;
  const base = new URL(options['base-url']);
  const { origin } = base;
  const started = performance.now();
  const over = AbortSignal.timeout(options['max-seconds'] * 1000);
  const timeoutMs = options.timeout * 1000;
  const notebook = openNotebook(context.needles.map(({ value, name }) => ({ value, name })));
  const judge: Judge = { origin, notebook, needles: context.needles, judged: new Set() };
  const asker = openAsker({ origin, maxRequests: options['max-requests'], timeoutMs, signal: over });
  const rules: Omit<VisitRules, 'expectations'> = {
    allowedOrigins: options['allow-origin'],
    maxTtfbMs: options['max-ttfb'],
    maxLoadMs: options['max-load']
  };
  // Pages that load beside each other take longer, which is no page's fault.
  const atOnce = rules.maxTtfbMs === null && rules.maxLoadMs === null ? PAGES_AT_ONCE : 1;
  const notes: string[] = [];
  const pages: Report['pages'] = [];
  const assets = new Set<string>();
  const recipe = options.login === null ? null : await readRecipe(options.login, context.environment);

  await checkReachable(asker, base);
  const browser = options['no-browser'] ? null : await openBrowser(options);
  // What is over while a page is open is ended with its browser.
  over.addEventListener('abort', () => void browser?.close().catch(() => undefined));
  try {
    for (const round of await planRounds(options, recipe, asker, browser)) {
      const frontier = openFrontier(round.paths, {
        origin,
        depth: round.depth,
        maxPages: options['max-pages'],
        perForm: options['per-form']
      });
      for (let batch = take(frontier, atOnce); batch.length > 0 && !over.aborted; batch = take(frontier, atOnce)) {
        const first = pages.length + 1;
        const visits = await Promise.all(
          batch.map((page, index) => {
            const name = `screenshots/${String(first + index).padStart(2, '0')}${toFileName(page.path)}.png`;
            return round.visit(page.path, page.from, { file: join(options.out, name), name });
          })
        );
        for (const [index, visit] of visits.entries()) {
          const before = notebook.findings.length;
          judgeVisit(judge, visit, { ...rules, expectations: round.expectations });
          frontier.found(visit.links, batch[index]!);
          for (const answer of visit.answers)
            if (new URL(answer.url).origin === origin && /script|style/.test(kindOf(answer) ?? ''))
              assets.add(answer.url);
          const { path, status, ttfbMs, loadMs, screenshot } = visit;
          pages.push({ path, status, ttfbMs, loadMs, screenshot, isSignedIn: round.isSignedIn });
          const found = notebook.findings.length - before;
          const more = `${found > 0 ? `, ${found} new findings` : ''} (${frontier.waiting} waiting)`;
          tell(`${String(pages.length).padStart(2, '0')} ${path} ${status || 'no answer'}${more}`);
        }
      }
      if (frontier.leftOut > 0) notes.push(`${frontier.leftOut} links were not followed: --max-pages or --per-form.`);
    }
    tell(`probing (${SIGNATURES.length} signatures)`);
    await probe(judge, asker, base.pathname.replace(/[^/]*$/, ''), [...assets]);
    if (!over.aborted) await probeUpgrades(judge);
  } finally {
    await browser?.close().catch(() => undefined);
  }
  const isWhole = !over.aborted && !asker.isSpent;
  if (over.aborted) notes.push(`The run was broken off after ${options['max-seconds']} s (--max-seconds).`);
  else if (asker.isSpent)
    notes.push(`Not everything was asked for: ${options['max-requests']} requests are allowed (--max-requests).`);
  if (!browser)
    notes.push('Without a browser: nothing was looked for in the DOM, in globals, in the console or in sockets.');
  const judged = applyBaseline(notebook.findings, context.baseline, startedAt.toISOString().slice(0, 10));
  const findings = worstFirst(judged.open);
  const hasFailed = failing({ findings, failOn: options['fail-on'] }).length > 0;
  return {
    baseUrl: base.href,
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - started) / 1000,
    code: hasFailed ? 1 : isWhole ? 0 : 2,
    browser: browser && `Chromium ${browser.version()}`,
    pages,
    findings,
    accepted: judged.accepted,
    over: judged.over,
    unused: judged.unused,
    left: Object.fromEntries(notebook.left),
    failOn: options['fail-on'],
    asked: asker.asked,
    signatures: SIGNATURES.length,
    notes
  };
}

function take(frontier: Frontier, most: number): Given[] {
  const batch: Given[] = [];
  for (let next = frontier.next(); next; next = frontier.next()) {
    batch.push(next);
    if (batch.length === most) break;
  }
  return batch;
}

const REACH_AGAIN = 2;
const REACH_PAUSE_MS = 1_000;

async function checkReachable(asker: Asker, base: URL): Promise<void> {
  let answer = await asker.ask(base.href);
  // A deployment that has just come up may reset its first connections.
  for (let again = 0; !answer && again < REACH_AGAIN; again++) {
    await delay(REACH_PAUSE_MS);
    answer = await asker.ask(base.href);
  }
  if (!answer) throw new Error(`${base.href} does not answer.`);
  const target = answer.headers['location'];
  if (answer.status < 300 || answer.status >= 400 || !target) return;
  const { origin } = new URL(target, base);
  if (origin !== base.origin)
    throw new Error(`${base.href} leads to ${origin}, which is another origin. Give that as --base-url.`);
}

async function openBrowser(options: Options): Promise<Browser> {
  const found = await findChromium(options.browser ?? undefined, options.browser ? '--browser' : undefined);
  return chromium.launch({ ...found, timeout: 60_000 }).catch((cause: Error) => {
    throw new Error(`${found.executablePath} does not start: ${cause.message.split('\n')[0]}`, { cause });
  });
}

/** Signed out: the sign-in page, the error page; then, signed in if that is wanted, the pages themselves. */
async function planRounds(
  options: Options,
  recipe: Recipe | null,
  asker: Asker,
  browser: Browser | null
): Promise<Round[]> {
  const base = new URL(options['base-url']);
  const read = new Set<string>();
  const timeoutMs = options.timeout * 1000;
  const asked = options.path.length > 0 ? options.path : [base.pathname + base.search];
  const isSignedIn = recipe !== null || options['storage-state'] !== null;
  const signedOutPaths = [...(recipe ? [recipe.path] : []), ...(isSignedIn ? asked.slice(0, 1) : asked)];

  const toRound = (
    context: BrowserContext | null,
    signedIn: boolean,
    cookies: string,
    paths: string[],
    depth: number
  ): Round => ({
    isSignedIn: signedIn,
    expectations: options.expect.filter(({ path }) => signedIn === isSignedIn || path === recipe?.path),
    paths,
    depth,
    visit: (path, from, screenshot) =>
      context
        ? visitPage(context, path, {
            origin: base.origin,
            timeoutMs,
            from,
            screenshot,
            read,
            selectors: options.expect.filter(({ kind }) => kind === 'selector').map(({ value }) => value)
          })
        : visitPlainly(asker, path, { origin: base.origin, from, cookies, read })
  });
  if (!browser) {
    const cookies = options['storage-state'] ? await readCookies(options['storage-state'], base) : '';
    return [toRound(null, isSignedIn, cookies, [...asked, MISSING_PAGE], options.depth)];
  }
  await mkdir(join(options.out, 'screenshots'), { recursive: true });
  const open = async (storageState?: string): Promise<BrowserContext> => {
    const context = await browser.newContext({
      ignoreHTTPSErrors: options.insecure,
      ...(storageState && { storageState })
    });
    await prepareContext(context);
    return context;
  };
  const signedOut = toRound(await open(), false, '', [...signedOutPaths, MISSING_PAGE], isSignedIn ? 0 : options.depth);
  if (!isSignedIn) return [signedOut];
  const context = await open(options['storage-state'] ?? undefined).catch((cause: Error) => {
    throw new Error(`--storage-state ${options['storage-state']}: ${cause.message.split('\n')[0]}`, { cause });
  });
  if (recipe) await signIn(context, recipe, base.origin, timeoutMs);
  return [signedOut, toRound(context, true, '', [...asked, MISSING_PAGE], options.depth)];
}

async function readCookies(file: string, base: URL): Promise<string> {
  const state = JSON.parse(await readFile(file, 'utf8')) as {
    cookies?: { name: string; value: string; domain: string }[];
  };
  return (state.cookies ?? [])
    .filter(({ domain }) => `.${base.hostname}`.endsWith(`.${domain.replace(/^\./, '')}`))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
}

const toFileName = (path: string): string =>
  path
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/-$/, '')
    .slice(0, 60);
