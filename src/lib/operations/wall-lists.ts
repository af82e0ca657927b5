/**
 * The lists that a wall follows, as filters of the hub's own lists: what belongs to each is `matches` of filter.ts, in the
 * browser as on the server. Pure. Invariant: one after the other, each newest first, the four that need a person are the
 * attention order.
 */
import { CLEAN_FILTER, type ListFilter } from './filter.ts';
import type { WallListName } from './wall-data.ts';

export const WALL_FILTERS: Readonly<Record<WallListName, ListFilter>> = {
  active: { ...CLEAN_FILTER, tab: 'active' },
  blocked: { ...CLEAN_FILTER, tab: 'needs_follow_up', outcomes: ['blocked'] },
  failed: { ...CLEAN_FILTER, tab: 'needs_follow_up', outcomes: ['failed'] },
  stale: { ...CLEAN_FILTER, tab: 'stale' },
  partial: { ...CLEAN_FILTER, tab: 'needs_follow_up', outcomes: ['partially_succeeded'] }
};
