/**
 * How fresh an operation is at a given instant: the one definition that badges, result sentences, banners and (later)
 * counts share. It owns no clock and no wording: the instant is an argument, in milliseconds by the database's clock.
 * Invariant: what the row says of itself never changes it; only `staleAt`, set when something was last reported, does.
 */
import type { OperationRow } from './operation.ts';

export type Freshness = 'fresh_active' | 'likely_stale' | 'reconciled_failed' | 'terminal_normal' | 'unknown';

/** `unknown` where the timing is missing: an active row that cannot go stale, an end without an outcome. */
export function freshnessOf(
  row: Pick<OperationRow, 'status' | 'outcome' | 'staleAt' | 'reconciledAt'>,
  at: number
): Freshness {
  if (row.status !== 'completed') {
    if (row.staleAt === null) return 'unknown';
    return row.staleAt <= at ? 'likely_stale' : 'fresh_active';
  }
  if (row.outcome === 'pending') return 'unknown';
  return row.reconciledAt === null ? 'terminal_normal' : 'reconciled_failed';
}

/** Milliseconds of silence that this operation is allowed in its present status; null when it has none or it is unknown. */
export function silenceLimitOf(row: Pick<OperationRow, 'staleAt' | 'lastReportedAt'>): number | null {
  if (row.staleAt === null) return null;
  const limit = row.staleAt - row.lastReportedAt;
  return limit > 0 ? limit : null;
}
