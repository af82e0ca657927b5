/** Where cells lead, what the menu offers, and what the forms carry along. */
import { describe, expect, it } from 'vitest';
import { CLEAN_FILTER } from '#lib/operations/filter.ts';
import type { OperationRow } from '#lib/operations/operation.ts';
import { optionsOf, rowFilters, withShown } from './cell-filters.ts';
import { keptFields } from './form-fields.ts';

const row = { id: 9, environmentId: 4, type: 'policy.sync', initiator: 'Maren & Co' } as OperationRow;
const hub = {
  workspace: { id: 3, name: 'Halden & Roy', isDemo: false },
  environment: null,
  environments: [{ id: 4, name: 'Brightwater' }],
  filter: { ...CLEAN_FILTER, tab: 'failed' as const, text: 'a b' },
  pageSize: 50 as const,
  typeLabels: {}
};
const base = '/admin/workspaces/3/operations?';

describe('cells of a row', () => {
  it('lead to the same list filtered by what they say, with all that is chosen already', () => {
    expect(rowFilters(hub, row, 'blocked')).toEqual({
      status: {
        label: 'Filter by status Blocked',
        href: `${base}activeTab=failed&outcome=blocked&q=a+b&rows=50`
      },
      type: { label: 'Filter by type Policy sync', href: `${base}activeTab=failed&type=policy.sync&q=a+b&rows=50` },
      environment: {
        label: 'Filter by environment Brightwater',
        href: `${base}environment_id=4&activeTab=failed&q=a+b&rows=50`
      },
      initiator: {
        label: 'Filter by initiator Maren & Co',
        href: `${base}activeTab=failed&initiator=Maren+%26+Co&q=a+b&rows=50`
      }
    });
  });
  it('lead nowhere where the list is of that environment, or the operation of none that is known', () => {
    expect(rowFilters({ ...hub, environment: hub.environments[0]! }, row, 'failed').environment).toBeNull();
    expect(rowFilters(hub, { ...row, environmentId: null }, 'failed').environment).toBeNull();
    expect(rowFilters(hub, { ...row, environmentId: 99 }, 'failed').environment).toBeNull();
  });
});

describe('options of the menu', () => {
  const options = { types: ['b', 'a'], initiators: ['System'] };
  const listed = optionsOf({ options, filter: { ...CLEAN_FILTER, types: ['gone', 'a'], initiators: ['Zoë'] } });
  it('are what was reported and what is chosen, each once and in order', () => {
    expect(listed).toEqual({ types: ['a', 'b', 'gone'], initiators: ['System', 'Zoë'] });
  });
  it('take in what is shown, and stay the same object where that is nothing new', () => {
    expect(withShown(listed, [row, row])).toEqual({
      types: ['a', 'b', 'gone', 'policy.sync'],
      initiators: ['Maren & Co', 'System', 'Zoë']
    });
    expect(withShown(listed, [{ ...row, type: 'a', initiator: 'System' }])).toBe(listed);
  });
});

describe('fields that a form carries along', () => {
  it('are the whole address but its own keys', () => {
    const place = { environmentId: 4, pageSize: 50 as const, filter: { ...hub.filter, types: ['a', 'b'] } };
    expect(keptFields(place, ['q'])).toEqual([
      ['environment_id', '4'],
      ['activeTab', 'failed'],
      ['type', 'a'],
      ['type', 'b'],
      ['rows', '50']
    ]);
    expect(keptFields(place, ['q', 'type'])).toHaveLength(3);
  });
});
