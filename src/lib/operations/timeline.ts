/**
 * What is known to have happened to an operation, oldest first, from its own times alone: made, started, gone silent,
 * ended, followed up. Pure, and a function of the live row, so that the page's list moves with it. Invariant: an entry
 * stands only for a time that was recorded; nothing is inferred between them.
 */
import type { BadgeKind } from './badge.ts';
import { operationLink, type Piece } from './decision.ts';
import { toSpan } from './duration.ts';
import { freshnessOf, silenceLimitOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';
import type { DetailPage } from './pages.ts';
import { countedProgress } from './progress.ts';
import { toNumber, type Moment } from './wording.ts';

export interface Happening {
  at: number;
  /** null = a plain dot: nothing about the work itself changed */
  kind: BadgeKind | null;
  what: Piece[];
  /** who or what reported it; null where that is not known */
  by: string | null;
}

const ENDS: Record<OperationRow['outcome'], { kind: BadgeKind; what: string }> = {
  pending: { kind: 'unknown', what: 'Completed without an outcome' },
  succeeded: { kind: 'succeeded', what: 'Succeeded' },
  partially_succeeded: { kind: 'partial', what: 'Succeeded in part' },
  blocked: { kind: 'blocked', what: 'Blocked' },
  failed: { kind: 'failed', what: 'Failed' },
  cancelled: { kind: 'cancelled', what: 'Cancelled' }
};

export function happeningsOf(
  row: OperationRow,
  page: Pick<DetailPage, 'workspace' | 'source'>,
  moment: Moment
): Happening[] {
  const { source } = page;
  const list: Happening[] = [];
  const add = (at: number | null, kind: BadgeKind | null, what: Piece | Piece[], by: string | null): void => {
    if (at !== null) list.push({ at, kind, what: Array.isArray(what) ? what : [what], by });
  };

  const isLateReport = row.startedAt !== null && row.startedAt <= row.createdAt;
  if (isLateReport) {
    add(row.startedAt, 'running', 'Started', row.initiator);
    // Reported in the same moment is the ordinary way of a system that has no queue.
    if (row.createdAt - row.startedAt! >= 1_000) add(row.createdAt, null, 'First reported', source);
  } else {
    add(row.createdAt, 'queued', 'Queued', row.initiator);
    add(row.startedAt, 'running', 'Started', source);
  }

  if (row.status === 'completed') addEnd(row, source, add);
  else {
    const counted = countedProgress(row.progress);
    const phase = row.progress.phase?.trim();
    if (row.lastReportedAt > (row.startedAt ?? row.createdAt)) {
      const how = counted
        ? `: ${toNumber(counted.processed)} of ${toNumber(counted.total)} processed`
        : phase
          ? `: ${phase}`
          : '';
      add(row.lastReportedAt, row.status, `Last report${how}`, source);
    }
    if (freshnessOf(row, moment.at) === 'likely_stale') {
      const limit = toSpan(silenceLimitOf(row));
      add(row.staleAt, 'stale', `Likely stale${limit ? `: nothing reported for ${limit}` : ''}`, 'Watchfloor');
    }
  }

  if (row.resolved !== null)
    add(
      row.resolved.at,
      'succeeded',
      ['Follow-up resolved by ', operationLink(page.workspace.id, row.resolved.by)],
      'Watchfloor'
    );
  if (row.reviewed !== null) add(row.reviewed.at, null, 'Marked reviewed', row.reviewed.by);
  // Stable: what has one time stays in the order above.
  return list.sort((a, b) => a.at - b.at);
}

function addEnd(
  row: OperationRow,
  source: string | null,
  add: (at: number | null, kind: BadgeKind, what: string, by: string | null) => void
): void {
  if (row.reconciledAt !== null) {
    add(row.lastReportedAt < row.reconciledAt ? row.lastReportedAt : null, 'running', 'Last report', source);
    add(row.reconciledAt, 'failed', 'Ended by reconciliation', 'Watchfloor');
    return;
  }
  const { kind, what } = ENDS[row.outcome];
  add(row.completedAt, kind, what, row.outcome === 'cancelled' ? (row.cancelledBy ?? source) : source);
}
