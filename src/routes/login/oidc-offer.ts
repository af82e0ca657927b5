/**
 * What the sign-in page offers of an identity provider, and how the way back tells it that it failed: by a word of a closed
 * list in its address, so that a reload repeats nothing and no code stays in the address bar.
 */
import type { OidcFailure } from '#lib/server/access/oidc.ts';

const WORDS = {
  away: 'away',
  'begun elsewhere': 'again',
  'not signed in there': 'declined',
  'no access': 'access',
  limited: 'limited',
  busy: 'busy'
} as const satisfies Record<OidcFailure, string>;
export type OidcWord = (typeof WORDS)[OidcFailure];

export interface OidcOffer {
  label: string;
  href: string;
  failed: OidcWord | null;
}

/** The offer of the page that was asked for as `url`; null without a provider. `next`: judged. */
export function toOffer(label: string | undefined, next: string | null, url: URL): OidcOffer | null {
  if (label === undefined) return null;
  const failed = Object.values(WORDS).find((word) => word === url.searchParams.get('oidc')) ?? null;
  return { label, href: withNext('/login/oidc', {}, next), failed };
}

export function toFailedPath(failure: OidcFailure, next: string | null): string {
  return withNext('/login', { oidc: WORDS[failure] }, next);
}

function withNext(path: string, given: Record<string, string>, next: string | null): string {
  const query = new URLSearchParams({ ...given, ...(next !== null && { next }) }).toString();
  return query === '' ? path : `${path}?${query}`;
}
