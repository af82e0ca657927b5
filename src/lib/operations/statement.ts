/**
 * The one statement of an operation, as the headline of its detail page and of the hub's decision: the reason, or what is
 * known. A file of its own, because the hub's first load must not bring along all that a detail page can say.
 */
import { badgeOf } from './badge.ts';
import { toSpan } from './duration.ts';
import { silenceLimitOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';
import { countedProgress } from './progress.ts';
import { toMoment } from './time.ts';
import { resultOf, toNumber, type Moment } from './wording.ts';

/** Ends like a sentence, whatever the reporting system ended with. */
function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

export function verdictOf(row: OperationRow, moment: Moment): string {
  const kind = badgeOf(row, moment.at);
  if (kind === 'stale') {
    const limit = toSpan(silenceLimitOf(row));
    const span = toSpan(moment.at - row.lastReportedAt);
    const length =
      moment.isFrozen || !span ? `since ${toMoment(row.lastReportedAt, moment.at, moment.timeZone)}` : `for ${span}`;
    return `Nothing reported ${length}${limit ? `; the limit is ${limit}` : ''}.`;
  }
  if (row.status === 'completed') return sentence(resultOf(row, moment).text);
  if (kind === 'unknown') return 'Its times are missing; whether it still runs is not known.';
  if (row.status === 'queued') return 'Waiting to start.';
  const counted = countedProgress(row.progress);
  if (counted) return `${toNumber(counted.processed)} of ${toNumber(counted.total)} processed.`;
  return sentence(resultOf(row, moment).text);
}
