import { expect, test } from 'vitest';
import { applyPageHeaders } from './headers.ts';

test('an answer may not be stored, framed, guessed at or sent along', () => {
  const headers = new Headers({ 'cache-control': 'private, max-age=60' });
  applyPageHeaders(headers);
  expect(Object.fromEntries(headers)).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin'
  });
});

test('no hash of a body that holds a nonce tells two equal answers apart', () => {
  const headers = new Headers({ etag: '"kj5guj"', 'x-sveltekit-page': 'true' });
  applyPageHeaders(headers);
  expect([...headers.keys()].filter((name) => ['etag', 'x-sveltekit-page'].includes(name))).toEqual([]);
});
