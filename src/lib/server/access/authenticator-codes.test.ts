import { expect, test } from 'vitest';
import {
  findStep,
  makeRecoveryCodes,
  makeSecret,
  RECOVERY_CODES,
  toDigits,
  toRecoveryHash,
  toTypedSecret,
  toUri
} from './authenticator-codes.ts';

/** Appendix B of RFC 6238 (SHA-1), whose eight digits end in the six that apps show. */
const RFC_SECRET = Buffer.from('12345678901234567890');
const RFC_VECTORS: [seconds: number, step: number, code: string][] = [
  [59, 0x1, '94287082'],
  [1_111_111_109, 0x23523ec, '07081804'],
  [1_111_111_111, 0x23523ed, '14050471'],
  [1_234_567_890, 0x273ef07, '89005924'],
  [2_000_000_000, 0x3f940aa, '69279037'],
  [20_000_000_000, 0x27bc86aa, '65353130']
];

test.each(RFC_VECTORS)('RFC 6238: at %d s the code of its own period is right', (seconds, step, code) => {
  expect(findStep(RFC_SECRET, code.slice(-6), seconds * 1000)).toBe(step);
});

test('a code counts for its own period, the one before and the one after, and says which is its own', () => {
  const [seconds, step, code] = RFC_VECTORS[3]!;
  const at = (shift: number) => findStep(RFC_SECRET, code.slice(-6), (seconds + shift) * 1000);
  expect([at(-30), at(0), at(30)]).toEqual([step, step, step]);
  expect([at(-60), at(60)]).toEqual([null, null]);
});

test('what is no six digits is wrong', () => {
  for (const code of ['', '00592', '89005924', '00592x', '005 924', '٠٠٥٩٢٤', '005924\0'])
    expect(findStep(RFC_SECRET, code, 1_234_567_890_000), code).toBeNull();
});

test('digits are taken as apps show them', () => {
  expect(toDigits(' 005 924 ')).toBe('005924');
  for (const code of ['', '12345', '1234567', 'ABCDEF']) expect(toDigits(code)).toBeNull();
});

test('a secret has 160 bits and is typed in base32; the QR code says the same', () => {
  const secret = makeSecret();
  expect(secret).toHaveLength(20);
  const typed = toTypedSecret(RFC_SECRET);
  expect(typed).toBe('GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ');
  const uri = new URL(toUri(RFC_SECRET, 'ada@example.com'));
  expect(uri.protocol).toBe('otpauth:');
  expect(decodeURIComponent(uri.pathname)).toContain('Watchfloor:ada@example.com');
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({
    secret: typed.replaceAll(' ', ''),
    issuer: 'Watchfloor',
    digits: '6',
    period: '30',
    algorithm: 'SHA1'
  });
});

test('ten recovery codes of 120 bits, none like another', () => {
  const codes = makeRecoveryCodes();
  expect(new Set(codes).size).toBe(RECOVERY_CODES);
  for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
});

test('a recovery code is the same in small letters, without its dashes, and with letters that look like digits', () => {
  const code = '0123-4567-89AB-CDEF-GHJK-1100';
  const hash = toRecoveryHash(code);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  for (const typed of ['0123456789abcdefghjk1100', ' o123 4567 89ab cdef ghjk IloO ', code.toLowerCase()])
    expect(toRecoveryHash(typed), typed).toBe(hash);
  for (const typed of ['', '0123', `${code}0`, code.replace('A', 'U')]) expect(toRecoveryHash(typed), typed).toBeNull();
});
