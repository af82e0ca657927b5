/**
 * What a display says of itself: its state, version, last proof and screen. It is kept for the people who look after
 * displays, and nothing is decided by it. Invariants: only a trusted display can say anything, of itself alone, and not
 * more often than PRESENCE_LEAST_SECONDS; whatever it says is one bounded row.
 */
import { z } from 'zod';
import type { Queryable } from '../database/pool.ts';

const PRESENCE_LEAST_SECONDS = 5;

export const presenceSchema = z.strictObject({
  state: z.enum(['connecting', 'live', 'reconnecting', 'stale', 'no_data']),
  version: z.string().min(1).max(64),
  /** ms by the database's clock; null = nothing was proven yet */
  proofAt: z.number().int().min(0).max(8_640_000_000_000_000).nullable(),
  width: z.number().int().min(1).max(100_000),
  height: z.number().int().min(1).max(100_000),
  pixelRatio: z.number().min(0.1).max(20)
});
export type SaidPresence = z.infer<typeof presenceSchema>;

/** `db` acts as `access`. What comes too soon after the last one is dropped. */
export async function notePresence(db: Queryable, displayId: number, said: SaidPresence): Promise<void> {
  const { state, version, proofAt, width, height, pixelRatio } = said;
  await db.query(
    `insert into watchfloor.display_presence as p (display_id, state, version, proof_at, width, height, pixel_ratio)
     values ($1, $2, $3, to_timestamp($4::float8 / 1000.0), $5, $6, $7)
     on conflict on constraint display_presence_pkey do update set seen_at = clock_timestamp(), state = excluded.state,
       version = excluded.version, proof_at = excluded.proof_at, width = excluded.width, height = excluded.height,
       pixel_ratio = excluded.pixel_ratio
      where p.seen_at < clock_timestamp() - interval '${PRESENCE_LEAST_SECONDS} seconds'`,
    [displayId, state, version, proofAt, width, height, pixelRatio]
  );
}
