/**
 * Which pages are visited: those that were asked for, then what they link to, to a depth. Pure. It owns what is never
 * followed (other origins, files, links that do something) and how many pages of one form are enough.
 * Invariant: bounded, and every page is visited once.
 */

export interface Frontier {
  /** Links of a page that was given at this depth. */
  found(links: readonly string[], page: Given): void;
  next(): Given | null;
  readonly waiting: number;
  /** pages that were left out because there are enough */
  readonly leftOut: number;
}

export interface Given {
  path: string;
  depth: number;
  /** the page with the link; null: it was asked for */
  from: string | null;
}

export interface CrawlLimits {
  origin: string;
  depth: number;
  maxPages: number;
  /** pages whose addresses differ in numbers and ids only */
  perForm: number;
}

/** By GET these should do nothing, and on some servers they do. */
const DOES_SOMETHING =
  /(?:^|[/_?&=-])(?:log|sign)[-_]?(?:out|off)\b|(?:^|[/_?&=-])(?:delete|remove|destroy|unsubscribe|revoke|cancel)\b/i;
const IS_FILE = /\.(?!html?$|php$|aspx?$|jsp$)[a-z][a-z0-9]{1,5}$/i;

export function openFrontier(asked: readonly string[], limits: CrawlLimits): Frontier {
  const known = new Set<string>();
  const forms = new Map<string, number>();
  const queue: Given[] = [];
  let leftOut = 0;
  let given = 0;
  for (const path of asked) {
    if (known.has(path)) continue;
    known.add(path);
    countForm(path);
    queue.push({ path, depth: 0, from: null });
  }

  function countForm(path: string): number {
    const form = toForm(path);
    const count = (forms.get(form) ?? 0) + 1;
    forms.set(form, count);
    return count;
  }

  return {
    found(links, page) {
      if (page.depth >= limits.depth) return;
      for (const link of links) {
        const path = toPath(link, limits.origin);
        if (path === null || known.has(path)) continue;
        known.add(path);
        if (countForm(path) > limits.perForm || queue.length + given >= limits.maxPages) leftOut++;
        else queue.push({ path, depth: page.depth + 1, from: page.path });
      }
    },
    next() {
      if (given >= limits.maxPages) {
        leftOut += queue.length;
        queue.length = 0;
        return null;
      }
      const next = queue.shift() ?? null;
      if (next) given++;
      return next;
    },
    get waiting() {
      return queue.length;
    },
    get leftOut() {
      return leftOut;
    }
  };
}

/** The address of a link as a path of the origin; null when it is not to be followed. */
export function toPath(link: string, origin: string): string | null {
  let url: URL;
  try {
    url = new URL(link, origin);
  } catch {
    return null;
  }
  if (url.origin !== origin || IS_FILE.test(url.pathname)) return null;
  const path = url.pathname + url.search;
  return DOES_SOMETHING.test(path) ? null : path;
}

/** Pages of one form: the same address but for numbers, ids and values. */
export function toForm(path: string): string {
  const [pathname = '', query = ''] = path.split('?', 2);
  const keys = [...new URLSearchParams(query).keys()].sort();
  return `${pathname.replace(/\/(?:\d+|[0-9a-f-]{16,}|(?=[\w-]*\d)[\w-]{12,})(?=\/|$)/gi, '/#')}?${keys.join('&')}`;
}
