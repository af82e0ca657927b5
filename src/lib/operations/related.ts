/**
 * Where a detail page leads: the environment's operations, the same type there, the operations that this one has to do
 * with. Pure; whatever stands here was read as the person, so nothing leads where they may not go.
 */
import { hubAddress, operationAddress } from './addresses.ts';
import { badgeOf, BADGE_WORDS } from './badge.ts';
import { CLEAN_FILTER } from './filter.ts';
import type { OperationRow } from './operation.ts';
import type { DetailPage } from './pages.ts';
import { toMoment } from './time.ts';
import type { Moment } from './wording.ts';

export interface Related {
  words: string;
  /** said quieter beside it */
  note: string | null;
  /** null = it is known by name only */
  href: string | null;
}

export function relatedOf(
  row: OperationRow,
  page: Pick<DetailPage, 'workspace' | 'environment' | 'typeLabel' | 'retryOf' | 'later' | 'source' | 'externalId'>,
  moment: Moment
): Related[] {
  const { workspace, environment, retryOf, later } = page;
  const environmentId = environment?.id ?? null;
  const place = environment?.name ?? workspace.name;
  const list: Related[] = [
    { words: `Operations in ${place}`, note: null, href: hubAddress(workspace.id, { environmentId }) },
    {
      words: `${page.typeLabel} in ${place}`,
      note: environment === null ? 'also of its environments' : null,
      href: hubAddress(workspace.id, { environmentId, filter: { ...CLEAN_FILTER, types: [row.type] } })
    }
  ];
  const add = (id: number, note: string): void => {
    list.push({ words: `Operation ${id}`, note, href: operationAddress(workspace.id, id) });
  };
  if (retryOf !== null) add(retryOf, 'retried by this one');
  if (row.resolved !== null) add(row.resolved.by, 'resolved the follow-up');
  if (later !== null && later.id !== row.resolved?.by) {
    const when = toMoment(later.createdAt, moment.at, moment.timeZone);
    // What still runs may have ended since the page was read.
    const word = later.status === 'completed' ? `, ${BADGE_WORDS[badgeOf(later, moment.at)].toLowerCase()}` : '';
    add(later.id, `the newest of its kind, ${when}${word}`);
  }
  if (page.source !== null || page.externalId !== null)
    list.push({ words: page.source ?? 'Outside', note: page.externalId ?? 'reported it', href: null });
  return list;
}
