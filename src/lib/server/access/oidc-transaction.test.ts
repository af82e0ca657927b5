import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { toTransactionSeal } from './oidc-transaction.ts';

const secret = randomBytes(32);
const begun = { state: 's', nonce: 'n', verifier: 'v', next: '/admin', expiresAt: 1_000 };

test('what was sealed opens under the same key until it is over, and is other text each time', () => {
  const { seal, open } = toTransactionSeal(secret);
  const sealed = seal(begun);
  expect(toTransactionSeal(secret).open(sealed, 999)).toEqual(begun);
  expect(open(sealed, 1_000)).toBeNull();
  expect(seal(begun)).not.toBe(sealed);
  expect(sealed.length).toBeLessThan(3_000);
});

test('no other key, no turned bit and no other form opens', () => {
  const { seal, open } = toTransactionSeal(secret);
  const sealed = seal(begun);
  expect(toTransactionSeal(randomBytes(32)).open(sealed, 1)).toBeNull();
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const turned = Buffer.from(bytes);
    turned[at] = turned[at]! ^ 1;
    expect(open(turned.toString('base64url'), 1)).toBeNull();
  }
  for (const other of ['', 'x', sealed.slice(0, -3), seal({ ...begun, next: undefined } as never)])
    expect(open(other, 1)).toBeNull();
});
