/**
 * The answers of a detail page under its statement (statement.ts): what was harmed, is it active, is it stale, was it
 * reconciled (what to do is decision.ts). Sentences over the row at an instant; never a claim about an environment's health, and never more
 * certain than what was reported.
 */
import { impactOf } from './decision.ts';
import { freshnessOf } from './freshness.ts';
import type { OperationRow } from './operation.ts';
import { toMoment } from './time.ts';
import type { Moment } from './wording.ts';

export interface Answer {
  name: string;
  text: string;
}

export function answersOf(row: OperationRow, moment: Moment): Answer[] {
  const when = (instant: number) => toMoment(instant, moment.at, moment.timeZone);
  const freshness = freshnessOf(row, moment.at);
  const began = row.startedAt === null ? `Queued since ${when(row.createdAt)}` : `Running since ${when(row.startedAt)}`;
  const active =
    row.status !== 'completed'
      ? `Yes, by its last report at ${when(row.lastReportedAt)}. ${began}.`
      : `No.${row.completedAt === null ? '' : ` Completed at ${when(row.completedAt)}${row.reconciledAt === null ? ', by its own report' : ''}.`}`;
  const stale =
    freshness === 'likely_stale'
      ? `Likely. A report was due by ${when(row.staleAt!)}.`
      : freshness === 'unknown'
        ? 'Not known: its times are missing.'
        : row.staleAt !== null && row.status !== 'completed'
          ? `No. It would be at ${when(row.staleAt)} if nothing is reported before.`
          : 'No. It is over.';
  const reconciled =
    row.reconciledAt !== null
      ? `Yes, at ${when(row.reconciledAt)}: Watchfloor ended it, not its own report.`
      : row.status === 'completed'
        ? 'No. Its last report ended it.'
        : 'No.';
  return [
    { name: 'Impact', text: impactOf(row, moment) },
    { name: 'Active', text: active },
    { name: 'Stale', text: stale },
    { name: 'Reconciled', text: reconciled }
  ];
}
