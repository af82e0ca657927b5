/**
 * What a page of another site may make a browser do here: nothing that changes anything. It decides by what browsers say of
 * themselves (Origin, Sec-Fetch-Site), before the hub or SvelteKit sees the request, for every path, body and form alike.
 * It reads no cookie's value and no body. Invariant: a request that carries a cookie and changes something names a page of
 * ours in its Origin, or says that it comes from one; what no browser sends (tokens, scripts) carries none. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** What only reads: a foreign page may cause it and learns nothing from it (CORP, SameSite). */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** `none`: the person did it themselves (a tab that was closed is opened again). Same-site is another origin. */
const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

export const FOREIGN_PAGE = 'This was sent by a page of another site, or does not say by which page. Nothing was done.';

/** Would it change something for a page that is not ours? `isOwnOrigin` knows our own names. */
export function isForeignChange(
  method: string | undefined,
  headers: IncomingHttpHeaders,
  isOwnOrigin: (origin: string | undefined, host: string | undefined) => boolean
): boolean {
  if (READING.has(method ?? 'GET')) return false;
  const { origin, host, cookie } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && (typeof site !== 'string' || !OWN_SITES.has(site))) return true;
  if (origin !== undefined) return !isOwnOrigin(origin, host);
  // Every browser of today names at least one of the two. What names none is a script, and has no business with cookies.
  return site === undefined && cookie !== undefined;
}
