/**
 * What the live path counts of itself: plain numbers that grow, for /metrics and for tests that assert how much was done.
 * It measures nothing and knows nobody; whoever does something says so here. No figure names a person or a workspace.
 */
import { RESYNC_REASONS, type LostLink, type ResyncReason } from '../../live/protocol.ts';

/** Counters: they only grow. */
export interface Counters {
  /** complete reads of the log */
  passes: number;
  /** changes that only the backstop found: nobody woke for them (a leak: near zero) */
  leaked: number;
  /** reads because a transaction was in progress at the last one */
  rePolls: number;
  /** windows that clients were told to read anew, by reason */
  resyncs: Record<ResyncReason, number>;
  /** bursts of a unit that were not told row by row */
  bulks: number;
  /** lists read once for all who have them on screen */
  windowReads: number;
  /** subscriptions that caught up: from memory, from the database; and those among them that came by HTTP */
  catchUps: { ring: number; database: number; http: number };
  /** messages of rows to units, and the rows in them */
  messages: number;
  rows: number;
  /** subscriptions to what is absent or forbidden */
  denied: number;
  /** slow clients that were taken from the stream, came back to it, or were cut off */
  laggards: { left: number; recovered: number; cut: number };
  /** `lastMs`: how long the last one took, through the pool, Postgres and back to the listener; null = none came yet */
  canary: { returned: number; lost: number; lastMs: number | null };
}

export interface PoolFigures {
  total: number;
  idle: number;
  waiting: number;
}

export interface LiveFigures extends Counters {
  sockets: number;
  laggardsNow: number;
  ringBatches: number;
  ringRows: number;
  /** how old the last complete pass is, in ms */
  proofAgeMs: number;
  lostLink: LostLink | null;
  pools: Record<'feed' | 'hub' | 'numbers' | 'lists' | 'returns' | 'access', PoolFigures>;
}

export function openCounters(): Counters {
  return {
    passes: 0,
    leaked: 0,
    rePolls: 0,
    resyncs: Object.fromEntries(RESYNC_REASONS.map((reason) => [reason, 0])) as Record<ResyncReason, number>,
    bulks: 0,
    windowReads: 0,
    catchUps: { ring: 0, database: 0, http: 0 },
    messages: 0,
    rows: 0,
    denied: 0,
    laggards: { left: 0, recovered: 0, cut: 0 },
    canary: { returned: 0, lost: 0, lastMs: null }
  };
}
