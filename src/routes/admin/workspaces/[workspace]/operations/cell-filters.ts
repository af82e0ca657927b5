/**
 * Where the cells of a row lead, and what the menu of filters offers: addresses of the same list, filtered by what is
 * seen in it. A cell that would change nothing leads nowhere.
 */
import { hubAddress } from '#lib/operations/addresses.ts';
import { BADGE_WORDS, type BadgeKind } from '#lib/operations/badge.ts';
import { filterByInitiator, filterByStatus, filterByType, type CellFilter } from '#lib/operations/filter-wording.ts';
import type { OperationRow } from '#lib/operations/operation.ts';
import type { FilterOptions, HubPage } from '#lib/operations/pages.ts';
import { labelOf } from '#lib/operations/wording.ts';
import type { RowFilters } from '#lib/ui/OperationRow.svelte';

type Listed = Pick<HubPage, 'workspace' | 'environment' | 'environments' | 'filter' | 'pageSize' | 'typeLabels'>;

export function rowFilters(hub: Listed, row: OperationRow, kind: BadgeKind): RowFilters {
  const place = { environmentId: hub.environment?.id, pageSize: hub.pageSize };
  const link = (cell: CellFilter | null) =>
    cell && { label: cell.label, href: hubAddress(hub.workspace.id, { ...place, filter: cell.filter }) };
  const environment = hub.environment ? undefined : hub.environments.find(({ id }) => id === row.environmentId);
  return {
    status: link(filterByStatus(hub.filter, kind, BADGE_WORDS[kind])),
    type: link(filterByType(hub.filter, row.type, labelOf(row.type, hub.typeLabels))),
    environment: environment
      ? {
          label: `Filter by environment ${environment.name}`,
          href: hubAddress(hub.workspace.id, { ...place, environmentId: environment.id, filter: hub.filter })
        }
      : null,
    initiator: link(filterByInitiator(hub.filter, row))
  };
}

const byName = new Intl.Collator('en');
const union = (...lists: readonly string[][]): string[] => [...new Set(lists.flat())].sort(byName.compare);

/** What was ever reported and what is chosen, each once and in order. */
export function optionsOf({ options, filter }: Pick<HubPage, 'options' | 'filter'>): FilterOptions {
  return {
    types: union(options.types, filter.types),
    initiators: union(options.initiators, filter.initiators)
  };
}

/** And what is on the page now. Mostly that is known already; then the same options, so that a batch costs no sorting. */
export function withShown(options: FilterOptions, rows: readonly OperationRow[]): FilterOptions {
  const types = rows.map(({ type }) => type).filter((type) => !options.types.includes(type));
  const initiators = rows.map(({ initiator }) => initiator).filter((it) => !options.initiators.includes(it));
  if (types.length + initiators.length === 0) return options;
  return { types: union(options.types, types), initiators: union(options.initiators, initiators) };
}
