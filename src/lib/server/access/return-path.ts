/**
 * Where signing in leads back to. It owns which addresses are followed: only paths of our own, because `next` comes
 * from a link that anybody can write. Pure.
 */

const OURS = 'http://watchfloor.invalid';

/** The path and query to go to after signing in, or null when `next` is missing, malformed or leads elsewhere. */
export function toReturnPath(next: string | null | undefined): string | null {
  if (!next || !next.startsWith('/') || !URL.canParse(next, OURS)) return null;
  const url = new URL(next, OURS);
  if (url.origin !== OURS) return null;
  const path = url.pathname + url.search;
  // The parser turns `/.//elsewhere.example` into a path that a browser takes for a host.
  if (path.startsWith('//')) return null;
  return /^\/log(in|out)(\/|$)/.test(url.pathname) ? null : path;
}

/** The address of the sign-in page that leads back to `path`; /admin is where it leads anyway. */
export function toLoginPath(path: string): string {
  const back = toReturnPath(path);
  return back === null || back === '/admin' ? '/login' : `/login?next=${encodeURIComponent(back)}`;
}

/** The address of the page that asks for a code, which leads on as the sign-in page would have. */
export const toSecondPath = (next: string | null, query: Record<string, string> = {}): string =>
  toStep('/login/second', next, query);

/** Where one begins again: the second step took too long (`over`), or one was signed out everywhere meanwhile (`out`). */
export const toFirstPath = (next: string | null, why: 'over' | 'out' = 'over'): string =>
  toStep('/login', next, { [why]: '1' });

function toStep(path: string, next: string | null, query: Record<string, string>): string {
  const back = toReturnPath(next);
  const asked = new URLSearchParams({ ...query, ...(back !== null && { next: back }) });
  return asked.size > 0 ? `${path}?${asked}` : path;
}
