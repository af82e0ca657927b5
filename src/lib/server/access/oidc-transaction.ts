/**
 * What a browser holds between leaving for the identity provider and coming back: state, nonce, PKCE's verifier and where
 * to go afterwards, sealed under a key that all nodes share (AES-256-GCM), for ten minutes. It owns the cookie and its form;
 * that it ends once is the database's (oidc-people.ts). Invariant: what another browser, key or time has sealed is none.
 */
import { z } from 'zod';
import { toSeal } from './seal.ts';

export const MINUTES = 10;
const FORMAT = 'watchfloor oidc 1';

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
  const { seal, open } = toSeal(secret, FORMAT, transactionSchema);
  return {
    seal,
    open(sealed, now) {
      const transaction = open(sealed);
      return transaction && transaction.expiresAt > now ? transaction : null;
    }
  };
}
