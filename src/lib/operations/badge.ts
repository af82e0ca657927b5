/**
 * Which of the nine badges an operation wears at a given instant, and the word on it. A badge is shape, word and colour;
 * this file decides the kind, `ui/Badge.svelte` draws it. Invariant: a cancelled operation is never drawn as a failure,
 * and one that Watchfloor cannot place is `unknown`, never a guess.
 */
import { freshnessOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';

export type BadgeKind =
  'blocked' | 'failed' | 'stale' | 'partial' | 'running' | 'queued' | 'succeeded' | 'cancelled' | 'unknown';

export const BADGE_WORDS: Record<BadgeKind, string> = {
  blocked: 'Blocked',
  failed: 'Failed',
  stale: 'Stale',
  partial: 'Partial',
  running: 'Running',
  queued: 'Queued',
  succeeded: 'Succeeded',
  cancelled: 'Cancelled',
  unknown: 'Unknown'
};

const BY_OUTCOME: Record<OperationRow['outcome'], BadgeKind> = {
  pending: 'unknown',
  succeeded: 'succeeded',
  partially_succeeded: 'partial',
  blocked: 'blocked',
  failed: 'failed',
  cancelled: 'cancelled'
};

export function badgeOf(
  row: Pick<OperationRow, 'status' | 'outcome' | 'staleAt' | 'reconciledAt'>,
  at: number
): BadgeKind {
  const freshness = freshnessOf(row, at);
  if (freshness === 'unknown') return 'unknown';
  if (freshness === 'likely_stale') return 'stale';
  return row.status === 'completed' ? BY_OUTCOME[row.outcome] : row.status;
}
