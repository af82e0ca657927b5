/** The search for secrets that must not come out (harness/canaries.ts): it finds what it must find, and nothing else. */
import { expect, test } from 'vitest';
import { findCanary, makeCanary } from './harness/canaries.ts';

const form = (fields: Record<string, string>): string => new URLSearchParams(fields).toString();

test('the search finds a canary in every form and in part', () => {
  const secret = makeCanary('control');
  const forms = [
    secret,
    encodeURIComponent(secret),
    form({ a: secret }),
    JSON.stringify({ a: secret }),
    `authorization: Basic ${Buffer.from(`me:${secret}`).toString('base64')}`,
    Buffer.from(`x${secret}y`).toString('base64url'),
    Buffer.from(secret).toString('hex'),
    `cut off: ${secret.slice(-14)}`
  ];
  for (const text of forms) expect(findCanary(`before ${text} after`, secret), text).not.toBeNull();
  expect(findCanary(`control ${makeCanary('control')}`, secret)).toBeNull();
});
