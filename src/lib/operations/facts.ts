/**
 * The facts at the head of a detail page, in their order: where, who, when, how long, by whom reported. A fact that is
 * not known is left out rather than shown empty; the zone is named once, with the last time.
 */
import { hubAddress } from './addresses.ts';
import { toAge, toDuration } from './duration.ts';
import type { OperationRow } from './operation.ts';
import type { DetailPage } from './pages.ts';
import { toMoment, toZoneName } from './time.ts';
import type { Moment } from './wording.ts';

export interface Fact {
  name: string;
  value: string;
  href?: string | undefined;
  /** figures that tick or are compared: equal widths */
  isFigure?: boolean;
}

export function factsOf(detail: DetailPage, row: OperationRow, { at, isFrozen, timeZone }: Moment): Fact[] {
  const { workspace, environment } = detail;
  const when = (instant: number) => toMoment(instant, at, timeZone);
  const facts: (Fact | null)[] = [
    environment
      ? {
          name: 'Environment',
          value: environment.name,
          href: hubAddress(workspace.id, { environmentId: environment.id })
        }
      : {
          name: 'Environment',
          value: row.environmentId === null ? 'None, of the workspace' : `Environment ${row.environmentId}`
        },
    { name: 'Initiator', value: row.initiator },
    { name: 'Queued', value: when(row.createdAt), isFigure: true },
    row.startedAt === null ? null : { name: 'Started', value: when(row.startedAt), isFigure: true },
    row.completedAt === null ? null : { name: 'Completed', value: when(row.completedAt), isFigure: true },
    row.status === 'completed' ? null : { name: 'Last report', value: when(row.lastReportedAt), isFigure: true }
  ];
  const last = facts.findLast((fact) => fact !== null);
  const lastAt = row.completedAt ?? (row.status === 'completed' ? null : row.lastReportedAt);
  if (last && lastAt !== null)
    last.value += ` ${toZoneName(lastAt, timeZone)}${isFrozen ? '' : `, ${toAge(lastAt, at)}`}`;

  const end = row.status === 'completed' ? row.completedAt : isFrozen ? null : at;
  const took = row.startedAt === null || end === null ? null : toDuration(end - row.startedAt);
  const reporter = [detail.source, detail.externalId].filter(Boolean).join(', ');
  facts.push(
    took === null ? null : { name: 'Duration', value: took, isFigure: true },
    reporter ? { name: 'Reported by', value: reporter } : null,
    { name: 'Id', value: String(row.id) }
  );
  return facts.filter((fact) => fact !== null);
}
