/** Addresses: the clean view has a clean one, and a default is never written. */
import { expect, it } from 'vitest';
import { parseCursor } from '../server/operations/keyset.ts';
import { cursorAfter, hubAddress, operationAddress } from './addresses.ts';

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
it('the cursor after a row is one that the server reads', () => {
  const row = { createdAt: Date.UTC(2026, 10, 23, 8, 14, 2, 77), id: 9_007_199_254_740 };
  expect(parseCursor(cursorAfter(row))).toEqual(row);
});
