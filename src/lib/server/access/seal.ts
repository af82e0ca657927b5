/**
 * What a browser keeps for us and can neither read nor change: JSON under AES-256-GCM, its key derived from a secret that
 * all nodes share. It knows no cookie and no clock. Invariant: what was sealed with another secret or for another use
 * (`format`), or does not have the form, is none.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { z } from 'zod';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Seal<T> {
  seal(value: T): string;
  /** null for whatever was not sealed here */
  open(sealed: string): T | null;
}

export function toSeal<T>(secret: Buffer, format: string, schema: z.ZodType<T>): Seal<T> {
  const use = Buffer.from(format);
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), use, 32));
  return {
    seal(value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(use);
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(sealed) {
      try {
        const bytes = Buffer.from(sealed, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES
        });
        decipher.setAAD(use).setAuthTag(bytes.subarray(-TAG_BYTES));
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
        return schema.parse(JSON.parse(text.toString('utf8')));
      } catch {
        // Forged, foreign or damaged: as if there were none.
        return null;
      }
    }
  };
}
