/**
 * Sealed places: what a browser holds to come back to the stream on any node. AES-256-GCM under a key that all nodes
 * share, bound to one person and one workspace, so that a token tells nothing, cannot be forged and is useless to others.
 * It grants nothing: whoever comes back is authorised anew.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Queryable } from '../database/pool.ts';
import { packSnapshot, parseSnapshot, shorten, unpackSnapshot, type Place, type Snapshot } from './place.ts';

/** Format of the sealed bytes; the first byte of every token. */
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** At most 2 KB as text (ENGINE 3): what remains for the snapshot after base64's third, the epoch, nonce and tag. */
const MOST_SNAPSHOT_BYTES = 1_300;

export interface TokenOwner {
  userId: number;
  workspaceId: number;
}

export interface TokenKey {
  seal(place: Place, owner: TokenOwner): string;
  /** null for anything that this key did not seal for this person and workspace */
  open(token: string, owner: TokenOwner): Place | null;
}

/** Reads the nodes' common key; the roles feed and access may. */
export async function readTokenKey(db: Queryable): Promise<TokenKey> {
  const { rows } = await db.query<{ value: Buffer }>(`select value from watchfloor.secrets where name = 'token_key'`);
  return toTokenKey(rows[0]!.value);
}

const keys = new WeakMap<pg.Pool, Promise<TokenKey>>();

/**
 * Seals where a page's snapshot stands, for the person that reads it. `pool` acts as `access` and reads the key once.
 * A page read right after a crash has no epoch: its token says so, and the hub answers with a resync.
 */
export async function sealPage(
  pool: pg.Pool,
  { snapshot, epoch }: { snapshot: string; epoch: string | null },
  owner: TokenOwner
): Promise<string> {
  let key = keys.get(pool);
  if (!key) {
    key = readTokenKey(pool);
    keys.set(pool, key);
    key.catch(() => keys.delete(pool));
  }
  return (await key).seal({ epoch: epoch ?? '', snapshot: parseSnapshot(snapshot) }, owner);
}

/** The newest place that fits: halves the list of transactions in progress until it does. */
function packWithin(snapshot: Snapshot, mostBytes: number): Buffer {
  let packed = packSnapshot(snapshot);
  for (let most = snapshot.inProgress.length; packed.length > mostBytes; most = Math.floor(most / 2))
    packed = packSnapshot(shorten(snapshot, most));
  return packed;
}

export function toTokenKey(key: Buffer): TokenKey {
  const aad = ({ userId, workspaceId }: TokenOwner): Buffer =>
    Buffer.from(`watchfloor ${FORMAT} ${userId} ${workspaceId}`);
  return {
    seal({ epoch, snapshot }, owner) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(owner));
      const name = Buffer.from(epoch);
      const body = Buffer.concat([
        cipher.update(Buffer.of(name.length)),
        cipher.update(name),
        cipher.update(packWithin(snapshot, MOST_SNAPSHOT_BYTES)),
        cipher.final()
      ]);
      return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(token, owner) {
      try {
        const bytes = Buffer.from(token, 'base64url');
        if (bytes[0] !== FORMAT || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) return null;
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE_BYTES), {
          authTagLength: TAG_BYTES
        });
        decipher.setAAD(aad(owner)).setAuthTag(bytes.subarray(-TAG_BYTES));
        const body = Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
        const length = body[0]!;
        return {
          epoch: body.subarray(1, 1 + length).toString(),
          snapshot: unpackSnapshot(body.subarray(1 + length))
        };
      } catch {
        // A forged, foreign or damaged token: the one answer is "read anew".
        return null;
      }
    }
  };
}
