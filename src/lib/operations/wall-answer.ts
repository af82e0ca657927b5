/**
 * What the server answers a wall, and when a wall asks: the shapes of /wall/data, /wall/pairing and /wall/pairing/poll.
 * Types and the decision about versions only. Pure. Invariant: an answer of another version is not read beyond its version,
 * since its shapes may be others.
 */
import type { WallPage } from './wall-data.ts';

export type WallAnswer = { version: string } & (
  | { state: 'paired'; page: WallPage }
  /** ms by the database's clock */
  | { state: 'revoked'; at: number }
  | { state: 'unpaired' }
);

/** Of RFC 8628, section 3.2; `paired`: the browser is a display already. */
export type PairingAnswer =
  | { state: 'waiting'; code: string; expiresInSeconds: number; pollSeconds: number }
  | { state: 'limited'; retryInSeconds: number }
  | { state: 'paired' };

/** Of RFC 8628, section 3.5. */
export type PollAnswer =
  | { state: 'waiting' | 'slow_down'; pollSeconds: number; expiresInSeconds: number }
  | { state: 'approved' }
  | { state: 'expired' };
