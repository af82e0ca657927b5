import { parseOptions } from '@node-rs/argon2';
import { describe, expect, test } from 'vitest';
import { findPasswordMistake, hashPassword, verifyPassword } from './passwords.ts';

describe('passwords', () => {
  test('a hash is argon2id with at least 19 MiB, two passes and one lane, and a salt of its own', async () => {
    const first = await hashPassword('four random words');
    expect(first).toMatch(/^\$argon2id\$/);
    const { memoryCost, timeCost, parallelism } = parseOptions(first);
    expect(memoryCost).toBeGreaterThanOrEqual(19_456);
    expect(timeCost).toBeGreaterThanOrEqual(2);
    expect(parallelism).toBe(1);
    expect(await hashPassword('four random words')).not.toBe(first);
  });

  test('only the right password verifies', async () => {
    const passwordHash = await hashPassword('four random words');
    expect(await verifyPassword(passwordHash, 'four random words')).toBe(true);
    expect(await verifyPassword(passwordHash, 'four random word')).toBe(false);
  });

  test('without an account nothing verifies', async () => {
    expect(await verifyPassword(null, 'four random words')).toBe(false);
    expect(await verifyPassword(null, '')).toBe(false);
  });

  test('a new password has at least 10 characters, counted as people count them', () => {
    expect(findPasswordMistake('123456789')).toContain('at least 10');
    expect(findPasswordMistake('1234567890')).toBeNull();
    expect(findPasswordMistake('🔑'.repeat(9))).toContain('9 characters');
    expect(findPasswordMistake('🔑'.repeat(10))).toBeNull();
    expect(findPasswordMistake('x'.repeat(1025))).toContain('at most 1024');
  });
});
