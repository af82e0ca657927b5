/**
 * Visits one page without a browser: its document, and the scripts and styles that its HTML names. What only a browser
 * can see (DOM, console, sockets, times of loading) stays empty. Invariant: same origin only.
 */
import type { Answer } from './answer.ts';
import type { Asker } from './ask.ts';
import type { Visit } from './visit.ts';

const MOST_REDIRECTS = 5;

export interface PlainVisitOptions {
  origin: string;
  from: string | null;
  cookies: string;
  read: Set<string>;
}

export async function visitPlainly(
  asker: Asker,
  path: string,
  { origin, from, cookies, read }: PlainVisitOptions
): Promise<Visit> {
  const answers: Answer[] = [];
  const started = performance.now();
  const headers = cookies ? { cookie: cookies } : {};
  let url = new URL(path, origin).href;
  let answer = await asker.ask(url, headers);
  const ttfbMs = Math.round(performance.now() - started);
  for (let step = 0; answer && step < MOST_REDIRECTS; step++) {
    answers.push(answer);
    const target = answer.status >= 300 && answer.status < 400 ? answer.headers['location'] : undefined;
    if (!target) break;
    const next = new URL(target, url);
    url = next.href;
    if (next.origin !== origin) break;
    answer = await asker.ask(url, headers);
  }
  const requests: Visit['requests'] = [
    { url, isDocument: true, status: answer?.status ?? null, failure: answer ? null : 'no answer' }
  ];
  const html = answer?.text ?? '';
  for (const asset of readAssets(html, url)) {
    if (new URL(asset).origin !== origin) {
      requests.push({ url: asset, isDocument: false, status: 200, failure: null });
      continue;
    }
    if (read.has(asset)) continue;
    read.add(asset);
    const got = await asker.ask(asset);
    if (got) answers.push(got);
    requests.push({ url: asset, isDocument: false, status: got?.status ?? null, failure: got ? null : 'no answer' });
  }
  return {
    path,
    from,
    url,
    status: answer?.status ?? 0,
    answers,
    requests,
    console: [],
    errors: answer ? [] : ['The page could not be visited: there was no answer.'],
    sockets: [],
    seen: null,
    links: readAttributes(html, /<a\b[^>]*?\bhref=["']?([^"'\s>]+)/gi, url),
    ttfbMs,
    loadMs: null,
    screenshot: null,
    selectors: {}
  };
}

/** Scripts, styles and preloaded modules that a document names. */
export function readAssets(html: string, base: string): string[] {
  const scripts = readAttributes(html, /<script\b[^>]*?\bsrc=["']?([^"'\s>]+)/gi, base);
  const links = [...html.matchAll(/<link\b[^>]*>/gi)]
    .filter(([tag]) => /\brel=["']?(?:stylesheet|modulepreload)/i.test(tag))
    .flatMap(([tag]) => readAttributes(tag, /\bhref=["']?([^"'\s>]+)/gi, base));
  return [...new Set([...scripts, ...links])];
}

function readAttributes(html: string, pattern: RegExp, base: string): string[] {
  const found: string[] = [];
  for (const [, value] of html.matchAll(pattern)) {
    try {
      const url = new URL(value!.replaceAll('&amp;', '&'), base);
      if (/^https?:$/.test(url.protocol)) found.push(url.href);
    } catch {
      // no address
    }
  }
  return found;
}
