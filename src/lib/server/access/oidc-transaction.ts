/**
 * What a browser holds between leaving for the identity provider and coming back: state, nonce, PKCE's verifier and where
 * to go afterwards, sealed under a key that all nodes share (AES-256-GCM), for ten minutes. It owns the cookie and its form;
 * that it ends once is the database's (oidc-people.ts). Invariant: what another browser, key or time has sealed is none.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { z } from 'zod';

export const MINUTES = 10;
const FORMAT = Buffer.from('watchfloor oidc 1');
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const transactionSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  next: z.string().nullable(),
  /** ms */
  expiresAt: z.number()
});
export type Transaction = z.infer<typeof transactionSchema>;

export interface TransactionCookie {
  name: string;
  value: string;
  options: { path: '/'; httpOnly: true; secure: boolean; sameSite: 'lax'; maxAge: number };
}

/** Lax: the way back is a navigation from another site, and nothing but a navigation brings it. */
export function toCookie(value: string, secure: boolean): TransactionCookie {
  return {
    name: secure ? '__Host-watchfloor-oidc' : 'watchfloor-oidc',
    value,
    options: { path: '/', httpOnly: true, secure, sameSite: 'lax', maxAge: value ? MINUTES * 60 : 0 }
  };
}

/** `secret`: what all nodes share, from which this key is derived. */
export function toTransactionSeal(secret: Buffer): {
  seal(transaction: Transaction): string;
  /** null for whatever was not sealed here, or is over */
  open(sealed: string, now: number): Transaction | null;
} {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), FORMAT, 32));
  return {
    seal(transaction) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(FORMAT);
      const body = Buffer.concat([cipher.update(JSON.stringify(transaction), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(sealed, now) {
      try {
        const bytes = Buffer.from(sealed, 'base64url');
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES
        });
        decipher.setAAD(FORMAT).setAuthTag(bytes.subarray(-TAG_BYTES));
        const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
        const transaction = transactionSchema.parse(JSON.parse(text.toString('utf8')));
        return transaction.expiresAt > now ? transaction : null;
      } catch {
        // Forged, foreign or damaged: as if there were none.
        return null;
      }
    }
  };
}
