/**
 * Seals the secrets of authenticator apps, which must be readable to check a code: AES-256-GCM, bound to the person. The
 * key is the configuration's (WATCHFLOOR_FACTOR_KEY); where there is none it is one that stands in the database, which
 * keeps secrets out of backups but not from whoever copies all of the database.
 * Invariant: what was sealed under the database's key stays readable when the configuration gets one, and is said to be old.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Queryable } from '../database/pool.ts';

/** The first byte: under which key. */
const UNDER = { database: 1, configuration: 2 } as const;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface FactorKey {
  seal(secret: Uint8Array, personId: number): Buffer;
  /** null for what none of the keys sealed for this person: forged, of another person, or of a key that is gone */
  open(sealed: Buffer, personId: number): Buffer | null;
  /** It would be sealed under another key today. */
  isOld(sealed: Buffer): boolean;
}

/** `db` acts as the role `access`; `given` is the configuration's. */
export async function readFactorKey(db: Queryable, given: Buffer | null): Promise<FactorKey> {
  const { rows } = await db.query<{ value: Buffer }>(`select value from watchfloor.secrets where name = 'factor_key'`);
  return toFactorKey({ database: rows[0]?.value ?? null, configuration: given });
}

/** `database` null: this database has lost it, and what was sealed under it cannot be read. */
export function toFactorKey(keys: { database: Buffer | null; configuration: Buffer | null }): FactorKey {
  const present = keys.configuration ? 'configuration' : 'database';
  const aad = (under: number, personId: number): Buffer => Buffer.from(`watchfloor factor ${under} ${personId}`);
  return {
    seal(secret, personId) {
      const key = keys[present];
      if (!key)
        throw new Error('There is no key for second factors: neither in the configuration nor in the database.');
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(UNDER[present], personId));
      const body = Buffer.concat([cipher.update(secret), cipher.final()]);
      return Buffer.concat([Buffer.of(UNDER[present]), nonce, body, cipher.getAuthTag()]);
    },
    open(sealed, personId) {
      const under = sealed[0];
      const key = under === UNDER.configuration ? keys.configuration : under === UNDER.database ? keys.database : null;
      if (!key || under === undefined || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) return null;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE_BYTES), {
          authTagLength: TAG_BYTES
        });
        decipher.setAAD(aad(under, personId)).setAuthTag(sealed.subarray(-TAG_BYTES));
        return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      } catch {
        // Not by this key, or not for this person: the caller says what follows.
        return null;
      }
    },
    isOld: (sealed) => sealed[0] !== UNDER[present]
  };
}
