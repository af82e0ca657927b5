/**
 * Values that must not come out, and the search for them: as they are, in the forms that they take on the way (addresses,
 * JSON, base64, hex), and in parts. Each has a random core, so that what is found is no accident.
 */
import { randomBytes } from 'node:crypto';

/** A part of a secret this long is found by itself: 12 characters of a random core are no coincidence. */
const PART = 12;

/** A value that names what it is, with characters around its core that every encoding writes differently. */
export function makeCanary(about: string): string {
  return `${about} /@:%"'+\\ä ${randomBytes(16).toString('hex')}`;
}

/** The same with letters and digits alone, where others are not allowed. */
export function makePlainCanary(about: string): string {
  return `${about}${randomBytes(16).toString('hex')}`;
}

/** Says how `secret` stands in `text`; null when it does not, in no form and in no part. */
export function findCanary(text: string, secret: string): string | null {
  const low = text.toLowerCase();
  for (const [form, written] of formsOf(secret)) if (low.includes(written.toLowerCase())) return form;
  // The end is the random core; the beginning may be a word.
  const core = secret.slice(-Math.min(secret.length, 32));
  for (let at = 0; at + PART <= core.length; at++) {
    const part = core.slice(at, at + PART).toLowerCase();
    if (low.includes(part)) return `a part of it ("${part}")`;
  }
  return null;
}

function formsOf(secret: string): [string, string][] {
  const bytes = Buffer.from(secret);
  const forms: [string, string][] = [
    ['as it is', secret],
    ['in an address', encodeURIComponent(secret)],
    ['in a form', new URLSearchParams([['', secret]]).toString().slice(1)],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in HTML', secret.replace(/&/g, '&amp;').replace(/"/g, '&quot;')],
    ['in hex', bytes.toString('hex')]
  ];
  // Where it stands within something else that was encoded, it begins at any of three places.
  for (const encoding of ['base64', 'base64url'] as const)
    for (const before of [0, 1, 2]) {
      const encoded = Buffer.concat([Buffer.alloc(before), bytes])
        .toString(encoding)
        .replace(/=+$/, '');
      // The first and last characters also hold bits of the neighbours.
      forms.push([`in ${encoding}`, encoded.slice(before === 0 ? 0 : before + 1, -1)]);
    }
  return forms;
}
