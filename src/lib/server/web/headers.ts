/**
 * The security headers of every answer of the SvelteKit half. The content security policy is not here: svelte.config.js
 * declares it, since SvelteKit must know its nonces. Pure.
 */

/** On everything, static files too: what browsers may guess, embed, send along or switch on. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()'
};

/** On what hooks answer: nothing of it may be shown again after signing out, or to the next person at the screen. */
export function applyPageHeaders(headers: Headers): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.set(name, value);
  headers.set('cache-control', 'no-store');
  // SvelteKit's hash of the body, nonce included: what is not stored needs none, and equal answers must not differ by it.
  headers.delete('etag');
}
