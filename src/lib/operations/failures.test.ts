/** Failures gathered by code: sums, the first message, and what nobody counted. */
import { expect, it } from 'vitest';
import { groupFailures } from './failures.ts';

it('sums by code, keeps what was said first, and puts the most frequent first', () => {
  expect(
    groupFailures([
      { code: 'throttled', message: 'Provider limited the requests', count: 5 },
      { code: 'permission_denied', message: 'Permission is missing', count: 30 },
      { code: 'permission_denied', message: 'Permission is missing in ring 2', count: 1 },
      { code: 'unknown_error', message: 'Unexpected answer', count: 1 }
    ])
  ).toEqual({
    groups: [
      { code: 'permission_denied', message: 'Permission is missing', count: 31 },
      { code: 'throttled', message: 'Provider limited the requests', count: 5 },
      { code: 'unknown_error', message: 'Unexpected answer', count: 1 }
    ],
    aside: '37 in 3 codes'
  });
});
it('never counts what was not counted', () => {
  const { groups, aside } = groupFailures([
    { code: 'denied', message: 'a', count: 3 },
    { code: 'denied', message: 'b', count: null }
  ]);
  expect(groups).toEqual([{ code: 'denied', message: 'a', count: null }]);
  expect(aside).toBe('1 code');
});
it('gathers what has no code by what it says', () => {
  const { groups, aside } = groupFailures([
    { code: null, message: 'Disk full', count: 1 },
    { code: null, message: 'Disk full', count: 1 },
    { code: null, message: 'No route', count: 1 }
  ]);
  expect(groups).toHaveLength(2);
  expect(aside).toBe('3 in 2 kinds');
});
