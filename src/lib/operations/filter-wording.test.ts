/** Filters in words: a chip for each that is set, a filter left when it is cleared, and numbers with their time. */
import { describe, expect, it } from 'vitest';
import { CLEAN_FILTER, DAY, HOUR, isFiltered, TABS, type ListFilter } from './filter.ts';
import {
  chipsOf,
  countLine,
  emptyTab,
  filterByInitiator,
  filterByStatus,
  filterByType,
  titleOf,
  toBounded,
  windowWords
} from './filter-wording.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 2);
const ZONE = 'Europe/Berlin';
const view = { at: AT, timeZone: ZONE, typeLabels: { 'policy.sync': 'Policy sync' } };
const filter = (change: Partial<ListFilter>): ListFilter => ({ ...CLEAN_FILTER, ...change });
const FULL = filter({
  tab: 'failed',
  problemClass: 'terminal_follow_up',
  types: ['policy.sync', 'ext.pacs.rollup'],
  statuses: ['completed'],
  outcomes: ['failed', 'blocked'],
  initiators: ['System'],
  from: { agoMs: 7 * DAY },
  text: 'restore',
  textNormal: 'restore'
});

describe('chips', () => {
  it('show every active filter, several values as the first and how many more', () => {
    expect(chipsOf(FULL, view).map(({ name, value }) => [name, value])).toEqual([
      ['Completed', 'last 7 days'],
      ['Text', '“restore”'],
      ['Type', 'Policy sync + 1'],
      ['Status', 'Completed'],
      ['Outcome', 'Failed + 1'],
      ['Initiator', 'System'],
      ['Problem', 'Completed with a follow-up']
    ]);
    expect(chipsOf(FULL, view)[2]?.full).toBe('Policy sync, Ext pacs rollup');
  });
  it('each clear their own filter and nothing else; together they leave the clean tab', () => {
    let left = FULL;
    for (const { name } of chipsOf(FULL, view)) {
      const before = chipsOf(left, view).length;
      left = chipsOf(left, view).find((chip) => chip.name === name)!.cleared!;
      // The tab's own window comes back, faint, when the chosen one goes.
      expect(chipsOf(left, view)).toHaveLength(name === 'Completed' ? before : before - 1);
    }
    expect(left).toEqual(filter({ tab: 'failed' }));
    expect(isFiltered(left)).toBe(false);
  });
  it('show a tab’s own window, with nothing to clear', () => {
    expect(chipsOf(CLEAN_FILTER, view)).toEqual([
      { name: 'Started', value: 'last 30 days', full: 'last 30 days', cleared: null }
    ]);
    expect(chipsOf(filter({ tab: 'blocked' }), view)[0]).toMatchObject({ name: 'Completed', cleared: null });
  });
  it('show no window where none limits the list', () => {
    for (const tab of ['active', 'stale', 'needs_follow_up'] as const)
      expect(chipsOf(filter({ tab }), view)).toEqual([]);
  });
});

describe('time window', () => {
  const at = (hours: number) => ({ at: AT - hours * HOUR });
  it.each<[string, Partial<ListFilter>]>([
    ['last 24 h', { from: { agoMs: DAY } }],
    ['last 90 days', { from: { agoMs: 90 * DAY } }],
    ['last 6 h', { from: { agoMs: 6 * HOUR } }],
    ['last 90 min', { from: { agoMs: 1.5 * HOUR } }],
    ['since 20 Nov, 09:14', { from: at(72) }],
    ['since 05:14', { from: at(4) }],
    ['before 22 Nov, 09:14', { to: at(24) }],
    ['before 7 days ago', { to: { agoMs: 7 * DAY } }],
    ['20 Nov, 09:14 to 22 Nov, 09:14', { from: at(72), to: at(24) }]
  ])('is said as: %s', (words, change) => {
    expect(windowWords(filter(change), AT, ZONE)).toBe(words);
  });
});

describe('a list’s own count', () => {
  const line = (count: number, isMore: boolean, of: ListFilter) => {
    const { number, rest } = countLine({ list: { count, isMore }, at: AT }, of, ZONE);
    return `${number} ${rest}`;
  };
  it('is said with its window and the time at which it was counted', () => {
    expect(line(912, false, CLEAN_FILTER)).toBe('912 operations in the last 30 days, as of 09:14:02');
    expect(line(999, true, CLEAN_FILTER)).toBe('More than 999 operations in the last 30 days, as of 09:14:02');
    expect(line(1, false, filter({ tab: 'active' }))).toBe('1 operation, as of 09:14:02');
    expect(line(0, false, filter({ tab: 'failed' }))).toBe(
      'No operations completed in the last 30 days, as of 09:14:02'
    );
    expect(line(4, false, filter({ from: { at: AT - 72 * HOUR }, to: { at: AT } }))).toBe(
      '4 operations from 20 Nov, 09:14 to 09:14, as of 09:14:02'
    );
  });
  it('on a tab is at most 999+', () => {
    expect([0, 999, 1_000].map((count) => toBounded({ count, isMore: false }))).toEqual(['0', '999', '999+']);
    expect(toBounded({ count: 999, isMore: true })).toBe('999+');
  });
});

describe('title and empty tab', () => {
  it('name what the list is of', () => {
    expect(titleOf(CLEAN_FILTER, 'Halden & Roy', false)).toBe('Operations in Halden & Roy');
    expect(titleOf(FULL, 'Brightwater', true)).toBe('Failed operations in Brightwater, filtered');
  });
  it('say why it is empty in words of their own, and as of when unless it is live', () => {
    const says = new Set(TABS.map((tab) => emptyTab(filter({ tab }), null, ZONE, AT)));
    expect(says.size).toBe(TABS.length);
    expect(says).toContain('No operation needs follow-up.');
    expect(emptyTab(filter({ tab: 'needs_follow_up' }), '09:14:02', ZONE, AT)).toBe(
      'No operation needs follow-up, as of 09:14:02.'
    );
    expect(emptyTab(filter({ tab: 'failed' }), null, ZONE, AT)).toBe('No operation failed in the last 30 days.');
  });
});

describe('a cell as a filter', () => {
  it('keeps the other filters and the tab', () => {
    expect(filterByInitiator(filter({ types: ['a'] }), { initiator: 'System' })).toEqual({
      label: 'Filter by initiator System',
      filter: filter({ types: ['a'], initiators: ['System'] })
    });
    expect(filterByType(filter({ tab: 'active' }), 'policy.sync', 'Policy sync')).toEqual({
      label: 'Filter by type Policy sync',
      filter: filter({ tab: 'active', types: ['policy.sync'] })
    });
  });
  it('leads from a badge to what it says: outcome, status, or stale', () => {
    expect(filterByStatus(CLEAN_FILTER, 'partial', 'Partial')?.filter.outcomes).toEqual(['partially_succeeded']);
    expect(filterByStatus(CLEAN_FILTER, 'queued', 'Queued')?.filter.statuses).toEqual(['queued']);
    expect(filterByStatus(CLEAN_FILTER, 'stale', 'Stale')?.filter.problemClass).toBe('active_stale_attention');
    const other = filterByStatus(filter({ outcomes: ['failed'] }), 'running', 'Running')?.filter;
    expect(other).toMatchObject({ outcomes: [], statuses: ['running'] });
  });
  it('leads nowhere where the list is that already', () => {
    expect(filterByInitiator(filter({ initiators: ['System'] }), { initiator: 'System' })).toBeNull();
    expect(filterByType(filter({ types: ['a'] }), 'a', 'A')).toBeNull();
    expect(filterByStatus(filter({ tab: 'failed' }), 'failed', 'Failed')).toBeNull();
    expect(filterByStatus(filter({ tab: 'stale' }), 'stale', 'Stale')).toBeNull();
    expect(filterByStatus(CLEAN_FILTER, 'unknown', 'Unknown')).toBeNull();
  });
});
