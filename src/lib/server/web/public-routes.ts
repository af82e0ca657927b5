/**
 * Which pages need somebody signed in: all, but for a closed list. Decided by the route that SvelteKit found, not by the
 * text of the path: `/%61dmin` leads to the same route as `/admin`. Pure.
 */

const PUBLIC_ROUTES: ReadonlySet<string> = new Set([
  '/',
  '/login',
  '/login/oidc',
  '/login/oidc/callback',
  '/login/passkey',
  '/login/second',
  '/login/smoke',
  '/logout'
]);

/** The pages of displays, which are no persons: a cookie of their own says who they are. */
export function isOfDisplays(routeId: string | null): boolean {
  return routeId === '/wall' || (routeId?.startsWith('/wall/') ?? false);
}

/** `routeId` is null where no route was found; under /admin even that is told to nobody who is not signed in. */
export function needsPerson(routeId: string | null, pathname: string): boolean {
  if (routeId === null) return /^\/admin(\/|$)/.test(pathname);
  // Groups such as `/(signed-in)/admin` only sort files.
  return !isOfDisplays(routeId) && !PUBLIC_ROUTES.has(routeId.replace(/\/\([^)]+\)/g, '') || '/');
}
