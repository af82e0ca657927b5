import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { toFactorKey } from './factor-key.ts';

const secret = randomBytes(20);
const database = randomBytes(32);
const configuration = randomBytes(32);

test('a secret opens for its person alone, under its key alone, and with no bit turned', () => {
  const key = toFactorKey({ database, configuration });
  const sealed = key.seal(secret, 7);
  expect(key.open(sealed, 7)).toEqual(secret);
  expect(key.open(sealed, 8)).toBeNull();
  expect(toFactorKey({ database, configuration: randomBytes(32) }).open(sealed, 7)).toBeNull();
  for (let at = 0; at < sealed.length; at++) {
    const turned = Buffer.from(sealed);
    turned[at]! ^= 1;
    expect(key.open(turned, 7)).toBeNull();
  }
  for (const nonsense of [Buffer.alloc(0), Buffer.of(1), Buffer.of(2), randomBytes(60)])
    expect(key.open(nonsense, 7)).toBeNull();
});

test('with a key in the configuration, all that stands in the database opens nothing', () => {
  const sealed = toFactorKey({ database, configuration }).seal(secret, 7);
  expect(toFactorKey({ database, configuration: null }).open(sealed, 7)).toBeNull();
  expect(sealed.includes(secret)).toBe(false);
});

test('what the database’s key sealed stays readable when the configuration gets one, and is old then', () => {
  const before = toFactorKey({ database, configuration: null });
  const after = toFactorKey({ database, configuration });
  const sealed = before.seal(secret, 7);
  expect(before.isOld(sealed)).toBe(false);
  expect(after.open(sealed, 7)).toEqual(secret);
  expect(after.isOld(sealed)).toBe(true);
  expect(after.isOld(after.seal(secret, 7))).toBe(false);
});

test('without any key nothing is sealed and nothing opens', () => {
  const none = toFactorKey({ database: null, configuration: null });
  expect(() => none.seal(secret, 7)).toThrow(/no key/);
  expect(none.open(toFactorKey({ database, configuration: null }).seal(secret, 7), 7)).toBeNull();
});
