import { hash, parseOptions } from '@node-rs/argon2';
import { describe, expect, test } from 'vitest';
import { findPasswordMistake, hashPassword, isWeakHash, verifyPassword } from './passwords.ts';
import { TooManyWaitingError } from './turns.ts';

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

  test('a new password has at least 10 characters, counted as people count them', async () => {
    expect(await findPasswordMistake('12x45y789')).toContain('at least 10');
    expect(await findPasswordMistake('tulip anvil')).toBeNull();
    expect(await findPasswordMistake('🔑🔒🚪🪟🏠🌷⚓🧲🧭')).toContain('9 characters');
    expect(await findPasswordMistake('🔑🔒🚪🪟🏠🌷⚓🧲🧭🪁')).toBeNull();
  });

  test('a long passphrase is allowed, with any character, and counts to its last one', async () => {
    const long = 'a walk by the river, naïve 日本語 🔑 '.repeat(40).slice(0, 1_000);
    expect(await findPasswordMistake(long)).toBeNull();
    expect(await findPasswordMistake(`${long}${'xyz'.repeat(20)}`)).toContain('at most 1024');
    const passwordHash = await hashPassword(long);
    expect(await verifyPassword(passwordHash, long)).toBe(true);
    for (const other of [`${long.slice(0, -1)}#`, long.slice(0, -1), `${long} `, long.toUpperCase()])
      expect(await verifyPassword(passwordHash, other)).toBe(false);
  });

  test.each([
    '1234567890',
    'Password123',
    'qwertyuiop',
    'P@ssw0rd123!',
    'baseball2024!',
    '!!Football99',
    '1q2w3e4r5t6y',
    'Trustno1!!!!',
    'letmein123456'
  ])('the common password %s is refused, also with what people add to it', async (password) => {
    expect(await findPasswordMistake(password)).toContain('tried first');
  });

  test.each(['aaaaaaaaaaaaaaaa', 'abababababab', '0000000000000', 'wowwowwowwow'])(
    '%s repeats itself and is refused',
    async (password) => expect(await findPasswordMistake(password)).toContain('repeats')
  );

  test.each(['ada.lovelace', 'LOVELACE2026', 'ada.lovelace@example.com', 'watchfloor42', 'watchfloorwatchfloor'])(
    '%s is mostly what others know and is refused; with words of its own it is not',
    async (password) => {
      const whose = { email: 'ada.lovelace@example.com', name: 'Ada Lovelace' };
      expect(await findPasswordMistake(password, whose)).toContain('others know');
      expect(await findPasswordMistake(`${password} tulip anvil`, whose)).toBeNull();
    }
  );

  test('what is no hash of a password opens nothing, and costs as much', async () => {
    for (const nothing of ['', 'no password opens this', '*', '$2b$10$abcdefghijklmnopqrstuu'])
      expect(await verifyPassword(nothing, 'four random words')).toBe(false);
  });

  test('a hash made with less than today’s parameters is due, one of today is not', async () => {
    expect(isWeakHash(await hashPassword('four random words'))).toBe(false);
    for (const less of [{ memoryCost: 8_192 }, { timeCost: 1 }, { algorithm: 1 }])
      expect(
        isWeakHash(
          await hash('four random words', { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1, ...less })
        )
      ).toBe(true);
  });

  test('a crowd is hashed in turns, and what is too much for the queue is refused at once', async () => {
    const ends = await Promise.allSettled(Array.from({ length: 150 }, () => verifyPassword(null, 'x')));
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused).toHaveLength(150 - 104);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(TooManyWaitingError);
    expect(await verifyPassword(null, 'x')).toBe(false);
  });
});
