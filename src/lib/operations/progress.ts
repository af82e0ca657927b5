/**
 * How far an operation has come, as far as it has said so itself. Never a percentage derived from status or duration:
 * counts are drawn only while it runs and both of them can be trusted. Pure; the instant is an argument.
 */
import { freshnessOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';

export type Progress =
  | { mode: 'counted'; processed: number; total: number }
  | { mode: 'phased'; phase: string }
  | { mode: 'activity' }
  | { mode: 'none' };

/** Both numbers reported, whole, and possible together; 0 of 0 says nothing and is not counted. */
export function countedProgress(
  progress: Pick<OperationRow['progress'], 'processed' | 'total'>
): { processed: number; total: number } | null {
  const { processed, total } = progress;
  if (processed === null || total === null) return null;
  if (!Number.isSafeInteger(processed) || !Number.isSafeInteger(total)) return null;
  return total > 0 && processed >= 0 && processed <= total ? { processed, total } : null;
}

export function progressOf(
  row: Pick<OperationRow, 'status' | 'outcome' | 'staleAt' | 'reconciledAt' | 'progress'>,
  at: number
): Progress {
  if (row.status === 'completed') return { mode: 'none' };
  if (row.status === 'queued' || freshnessOf(row, at) !== 'fresh_active') return { mode: 'activity' };
  const counted = countedProgress(row.progress);
  if (counted) return { mode: 'counted', ...counted };
  const phase = row.progress.phase?.trim();
  return phase ? { mode: 'phased', phase } : { mode: 'activity' };
}
