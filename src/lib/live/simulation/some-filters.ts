/** Lists of every kind for the simulated world: each tab, each filter, windows that stand and windows that move along. */
import { CLEAN_FILTER, TABS, type ListFilter } from '../../operations/filter.ts';

const some = (filter: Partial<ListFilter>): ListFilter => ({ ...CLEAN_FILTER, ...filter });

/** `now`: about when the world begins; its histories last some minutes. */
export function someFilters(now: number): ListFilter[] {
  return [
    ...TABS.map((tab) => some({ tab })),
    some({ problemClass: 'active_stale_attention' }),
    some({ problemClass: 'terminal_follow_up' }),
    some({ problemClass: 'none' }),
    some({ types: ['inventory.sync', 'policy.export'] }),
    some({ tab: 'active', initiators: ['Ada'] }),
    some({ outcomes: ['failed', 'blocked'] }),
    some({ statuses: ['running'], text: 'policy', textNormal: 'policy' }),
    some({ from: { agoMs: 120_000 } }),
    some({ tab: 'succeeded', from: { agoMs: 60_000 } }),
    some({ tab: 'stale', from: { agoMs: 300_000 } }),
    some({ from: { agoMs: 600_000 }, to: { agoMs: 60_000 } }),
    some({ to: { at: now + 30_000 } })
  ];
}
