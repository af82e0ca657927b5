/**
 * The security headers of every answer of the SvelteKit half. The content security policy is not here: svelte.config.js
 * declares it, since SvelteKit must know its nonces. Pure.
 */

/** On everything, static files too: what browsers may guess, embed, send along or switch on. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  'referrer-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), encrypted-media=(), ' +
    'geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), ' +
    'xr-spatial-tracking=()'
};

/**
 * The policy of what is no page of SvelteKit's (files, JSON, plain words, its page of last resort, which has one style
 * sheet): SvelteKit puts its own, with the nonce, in its place.
 */
export const STATIC_POLICY: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
};

/** Where browsers speak https to us: two years, and every name below ours, as ASVS 3.4.1 asks for. */
export const HSTS: [name: string, value: string] = ['strict-transport-security', 'max-age=63072000; includeSubDomains'];

/** On what hooks answer: nothing of it may be shown again after signing out, or to the next person at the screen. */
export function applyPageHeaders(headers: Headers): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.set(name, value);
  headers.set('cache-control', 'no-store');
  // SvelteKit's hash of the body, nonce included: what is not stored needs none, and equal answers must not differ by it.
  headers.delete('etag');
  // For prerendering alone; it names what made the page.
  headers.delete('x-sveltekit-page');
}
