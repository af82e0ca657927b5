/**
 * From a path to the page that answers it, for labels: a closed list, so that no number of different addresses makes
 * more than these. A test compares it with src/routes. Pure.
 */

/** Every route of SvelteKit by its id, and what the hub answers. */
export const ROUTES = [
  '/',
  '/login',
  '/login/oidc',
  '/login/oidc/callback',
  '/login/passkey',
  '/login/second',
  '/login/smoke',
  '/logout',
  '/account',
  '/account/authenticator',
  '/account/passkeys',
  '/admin',
  '/admin/connection',
  '/admin/connection/node',
  '/admin/workspaces/[workspace]',
  '/admin/workspaces/[workspace]/delivery',
  '/admin/workspaces/[workspace]/displays',
  '/admin/workspaces/[workspace]/displays/[display]',
  '/admin/workspaces/[workspace]/rejected',
  '/admin/workspaces/[workspace]/operations',
  '/admin/workspaces/[workspace]/operations/counts',
  '/admin/workspaces/[workspace]/operations/[operation]',
  '/pair',
  '/wall',
  '/wall/data',
  '/wall/pairing',
  '/wall/pairing/poll',
  '/wall/presence',
  '/live/catch-up',
  '/live/socket',
  '/healthz',
  '/readyz',
  '/metrics'
] as const;

/** Files of the build, whatever their names. */
const FILES = '/_app/*';
/** Everything else, also what leads nowhere. */
const OTHER = 'other';

export type RouteLabel = (typeof ROUTES)[number] | typeof FILES | typeof OTHER;

const known = ROUTES.map((route) => ({ route, segments: toSegments(route) }));

/** `url` as it stands in the first line of a request. A page's data is asked for under the page's own path. */
export function toRouteLabel(url: string | undefined): RouteLabel {
  const path = (url ?? '').split('?', 1)[0]!;
  if (path.startsWith('/_app/')) return FILES;
  let segments: string[];
  try {
    segments = toSegments(decodeURIComponent(path));
  } catch {
    return OTHER;
  }
  if (segments.at(-1) === '__data.json') segments.pop();
  // In order of the list: a word comes before a parameter in the same place.
  const found = known.find(
    (candidate) =>
      candidate.segments.length === segments.length &&
      candidate.segments.every((segment, index) => segment.startsWith('[') || segment === segments[index])
  );
  return found?.route ?? OTHER;
}

function toSegments(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}
