/** Addresses: the clean view has a clean one, and a default is never written. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCursor } from '../server/operations/keyset.ts';
import { parseListRequest, toListQuery } from '../server/operations/requests.ts';
import { cursorAfter, filterOfCount, hubAddress, hubQuery, operationAddress } from './addresses.ts';
import { CLEAN_FILTER, isSameFilter, TABS } from './filter.ts';
import { OUTCOMES, STATUSES } from './operation.ts';
import { PROBLEM_CLASSES } from './problem.ts';

it('the clean view has no query', () => {
  expect(hubAddress(3)).toBe('/admin/workspaces/3/operations');
  expect(hubAddress(3, { environmentId: null, pageSize: 25, after: null })).toBe('/admin/workspaces/3/operations');
});
it('a filter, a size and a cursor are in the query, the cursor as it is', () => {
  expect(hubAddress(3, { environmentId: 4, pageSize: 50, after: 'a+b/c=' })).toBe(
    '/admin/workspaces/3/operations?environment_id=4&rows=50&after=a%2Bb%2Fc%3D'
  );
  expect(hubAddress(3, { before: 'x' })).toBe('/admin/workspaces/3/operations?before=x');
});
it('an operation has its own address', () => {
  expect(operationAddress(3, 812)).toBe('/admin/workspaces/3/operations/812');
});
it('the cursor after a row is one that the server reads, in the order of its list', () => {
  const row = {
    createdAt: Date.UTC(2026, 10, 23, 8, 14, 2, 77),
    completedAt: Date.UTC(2026, 10, 23, 9),
    id: 9_007_199_254
  };
  expect(parseCursor(cursorAfter(row))).toEqual({ at: row.createdAt, id: row.id });
  expect(parseCursor(cursorAfter(row, { ...CLEAN_FILTER, tab: 'failed' }))).toEqual({
    at: row.completedAt,
    id: row.id
  });
});
it('what an address says of a filter is what the server parses, for every filter', () => {
  const list = <T>(values: readonly T[]) => fc.subarray([...values]);
  const edge = fc.option(
    fc.oneof(
      fc.record({ agoMs: fc.integer({ min: 1, max: 99_999 }).map((minutes) => minutes * 60_000) }),
      fc.record({ at: fc.integer({ min: 0, max: 30_000_000 }).map((minutes) => minutes * 60_000) })
    ),
    { nil: null }
  );
  const word = fc
    .string({ minLength: 1, maxLength: 40 })
    .filter((text) => text.trim() === text && !text.includes('\0'));
  fc.assert(
    fc.property(
      fc.record({
        tab: fc.constantFrom(...TABS),
        problemClass: fc.option(fc.constantFrom(...PROBLEM_CLASSES), { nil: null }),
        types: fc.uniqueArray(word, { maxLength: 4 }),
        statuses: list(STATUSES),
        outcomes: list(OUTCOMES),
        initiators: fc.uniqueArray(word, { maxLength: 4 }),
        from: edge,
        to: fc.constant(null),
        text: fc.option(word, { nil: null }),
        textNormal: fc.constant(null)
      }),
      (filter) => {
        const query = new URLSearchParams(hubQuery({ environmentId: 7, pageSize: 50, filter }));
        const parsed = parseListRequest(query);
        expect(parsed).toMatchObject({ environmentId: 7, pageSize: 50, filter });
        expect(isSameFilter(parsed.filter, filter)).toBe(true);
        // What the hub is told of a list asks for it again, on later pages too.
        const later = { ...parsed, after: { at: 5, id: 7 } };
        expect(parseListRequest(new URLSearchParams(toListQuery(later, false)))).toEqual(later);
        expect(parseListRequest(new URLSearchParams(toListQuery(later, true)))).toEqual(parsed);
      }
    )
  );
});
it('a number of the strip leads to the list that it counts', () => {
  expect(hubQuery({ filter: filterOfCount('active') })).toBe('activeTab=active');
  expect(hubQuery({ filter: filterOfCount('failed') })).toBe('activeTab=needs_follow_up&outcome=failed');
  expect(hubQuery({ filter: filterOfCount('succeeded') })).toBe('activeTab=succeeded&from=1d');
});
it.each([
  'activeTab=x',
  'outcome=done',
  'status=',
  'from=yesterday',
  'from=2026-02-31',
  'rows=7',
  `q=${'x'.repeat(201)}`,
  'problemClass=y'
])('a value that cannot be read is named: %s', (query) => {
  const parse = () => parseListRequest(new URLSearchParams(query));
  if (query === 'status=') expect(parse().filter.statuses).toEqual([]);
  else expect(parse).toThrow(query.split('=')[0]!);
});
it('legacy keys do nothing', () => {
  const query = 'tenant=1&tenant_id=2&managed_environment_id=3&environment=4&tenant_scope=5&tableFilters=6';
  expect(parseListRequest(new URLSearchParams(query))).toMatchObject({ environmentId: null, filter: CLEAN_FILTER });
});
