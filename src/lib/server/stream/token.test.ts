import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { toTokenKey } from './token.ts';

const owner = { userId: 7, workspaceId: 3 };
const place = { epoch: '76.00000001.5.16637.2ec7', snapshot: { xmin: 700n, xmax: 900n, inProgress: [700n, 850n] } };

test('a token opens for the person and workspace it was sealed for, on every node that shares the key', () => {
  const key = randomBytes(32);
  expect(toTokenKey(key).open(toTokenKey(key).seal(place, owner), owner)).toEqual(place);
});

test('a token of another person, another workspace, another key or with one bit turned is refused', () => {
  const key = toTokenKey(randomBytes(32));
  const token = key.seal(place, owner);
  expect(key.open(token, { ...owner, userId: 8 })).toBeNull();
  expect(key.open(token, { ...owner, workspaceId: 4 })).toBeNull();
  expect(toTokenKey(randomBytes(32)).open(token, owner)).toBeNull();
  const bytes = Buffer.from(token, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const turned = Buffer.from(bytes);
    turned[at]! ^= 1;
    expect(key.open(turned.toString('base64url'), owner)).toBeNull();
  }
  for (const nonsense of ['', 'x', '"', 'A'.repeat(3_000)]) expect(key.open(nonsense, owner)).toBeNull();
});

test('a token tells nothing: the same place seals differently each time and its text holds no part of it', () => {
  const key = toTokenKey(randomBytes(32));
  const token = key.seal(place, owner);
  expect(key.seal(place, owner)).not.toBe(token);
  expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('2ec7');
});

test('a token stays below 2 KB with thousands of transactions in progress', () => {
  const key = toTokenKey(randomBytes(32));
  const inProgress = Array.from({ length: 5_000 }, (_, i) => 10_000_000n + BigInt(i) * 9_000n);
  const token = key.seal(
    { epoch: place.epoch, snapshot: { xmin: inProgress[0]!, xmax: 99_000_000n, inProgress } },
    owner
  );
  expect(token.length).toBeLessThanOrEqual(2_048);
  // Older than the full place, never newer: everything from the cut on counts as not yet seen.
  const opened = key.open(token, owner)!.snapshot;
  expect(opened.xmax).toBe(inProgress[opened.inProgress.length]!);
  expect(opened.inProgress.length).toBeGreaterThan(100);
});
