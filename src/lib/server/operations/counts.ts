/**
 * How many rows a list has, exact to 999: it stops counting there, so the cost is bounded whatever the history. And the
 * same for the tabs that show history. Read when a filter is set and again at most every ten seconds (PRODUCT 4.1).
 */
import type { Queryable } from '../database/pool.ts';
import type { VisibleWorkspace } from '../access/scope.ts';
import { CLEAN_FILTER, isFiltered, type ListFilter } from '../../operations/filter.ts';
import type { BoundedCount, ListCounts } from '../../operations/pages.ts';
import { Parameters } from './filter-sql.ts';
import { countSql, placesOf } from './list-sql.ts';

const MOST_COUNTED = 999;
const COUNTED_TABS = ['all', 'failed', 'blocked', 'partial', 'succeeded'] as const;

/** One statement for the list and the tabs. */
export async function readListCounts(
  db: Queryable,
  visible: VisibleWorkspace,
  environmentId: number | null,
  filter: ListFilter
): Promise<ListCounts> {
  const parameters = new Parameters();
  const places = placesOf(visible, environmentId);
  const countOf = (counted: ListFilter): string => {
    const read = {
      filter: counted,
      places,
      direction: 'older',
      from: null,
      limit: MOST_COUNTED + 1,
      at: visible.readAt
    } as const;
    return `(${countSql(visible.workspace.id, read, parameters)})`;
  };
  const isPlainTab = !isFiltered(filter);
  const tabs = isPlainTab ? COUNTED_TABS : [];
  // The chosen tab is among them where nothing else is filtered.
  const isListed = (tabs as readonly string[]).includes(filter.tab);
  const counted = [...tabs.map((tab) => ({ ...CLEAN_FILTER, tab })), ...(isListed ? [] : [filter])];
  const { rows } = await db.query<Record<string, number>>(
    `select ${counted.map((one, n) => `${countOf(one)} as n${n}`).join(', ')}`,
    parameters.values
  );
  const found = counted.map((_, n) => toBounded(rows[0]![`n${n}`]!));
  const byTab = Object.fromEntries(tabs.map((tab, n) => [tab, found[n]!])) as NonNullable<ListCounts['tabs']>;
  return {
    list: isListed ? byTab[filter.tab as keyof typeof byTab] : found.at(-1)!,
    tabs: isPlainTab ? byTab : null,
    at: visible.readAt
  };
}

function toBounded(count: number): BoundedCount {
  return { count: Math.min(count, MOST_COUNTED), isMore: count > MOST_COUNTED };
}
