/**
 * The codes of an authenticator app (RFC 6238, by otpauth) and the recovery codes beside them: made, read as people type
 * them, compared. It keeps nothing and knows no limits; time is an argument. The parameters are those that every app
 * assumes: SHA-1, six digits, 30 seconds.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** 160 bits, as RFC 4226 recommends. */
const SECRET_BYTES = 20;
const ISSUER = 'Watchfloor';
const PERIOD_SECONDS = 30;
/** Clocks of phones may be off by one period, either way. */
const DRIFT_STEPS = 1;

export const RECOVERY_CODES = 10;
/** 24 characters of 5 bits: 120 bits, so that a plain hash of one tells nothing (ASVS 6.5.2 asks for 112). */
const RECOVERY_LENGTH = 24;
const RECOVERY_GROUP = 4;
/** Crockford's: no I, L, O and U, which are read as others. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RECOVERY_FORM = new RegExp(`^[${ALPHABET}]{${RECOVERY_LENGTH}}$`);

export const makeSecret = (): Buffer => randomBytes(SECRET_BYTES);

/** For typing into an app: base32 in groups of four. */
export function toTypedSecret(secret: Uint8Array): string {
  return toGroups(toOtpSecret(secret).base32);
}

/** What the QR code says. `account` is what the app shows beside "Watchfloor". */
export function toUri(secret: Uint8Array, account: string): string {
  return new TOTP({ issuer: ISSUER, label: account, secret: toOtpSecret(secret) }).toString();
}

/** Which period since 1970 a code belongs to, of those that may count now; null: it is wrong. */
export function findStep(secret: Uint8Array, code: string, nowMs: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const delta = TOTP.validate({
    token: code,
    secret: toOtpSecret(secret),
    period: PERIOD_SECONDS,
    timestamp: nowMs,
    window: DRIFT_STEPS
  });
  return delta === null ? null : TOTP.counter({ period: PERIOD_SECONDS, timestamp: nowMs }) + delta;
}

/** Ten codes as they are shown: `4F7K-…`, six groups of four. */
export function makeRecoveryCodes(): string[] {
  const make = (): string =>
    Array.from({ length: RECOVERY_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: RECOVERY_CODES }, () => toGroups(make(), '-'));
}

/** How a recovery code stands in the table, however it is typed; null: it cannot be one. */
export function toRecoveryHash(code: string): string | null {
  const plain = code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return RECOVERY_FORM.test(plain) ? createHash('sha256').update(plain).digest('hex') : null;
}

/** Six digits without the spaces that apps show in their middle; null: it is no such code. */
export function toDigits(code: string): string | null {
  const digits = code.replace(/\s/g, '');
  return /^\d{6}$/.test(digits) ? digits : null;
}

function toOtpSecret(secret: Uint8Array): Secret {
  // A copy of its own: a Buffer is often a view of a larger one.
  return new Secret({ buffer: Uint8Array.from(secret).buffer });
}

function toGroups(text: string, between = ' '): string {
  return text.match(new RegExp(`.{1,${RECOVERY_GROUP}}`, 'g'))!.join(between);
}
