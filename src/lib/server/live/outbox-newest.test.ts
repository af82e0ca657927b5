/** Of what waits for its gap the newest of each row goes out, in whatever order the revisions came. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import { openOutbox } from './outbox.ts';
import type { Delta } from './rooms.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each([
  { came: [2, 3, 4], order: 'in order' },
  { came: [4, 3, 2], order: 'backwards' },
  { came: [3, 4, 2], order: 'mixed' }
])('the newest revision of a row goes out when they come $order', ({ came }) => {
  const sent: Delta[] = [];
  const outbox = openOutbox({ send: (_unit, delta) => void sent.push(delta), bulk() {}, audience: () => 1_000 });
  const row = (id: number, revision: number) => ({ id, revision }) as OperationRow;
  outbox.add('u', { rows: [row(9, 1)], removed: [] });
  for (const revision of came) outbox.add('u', { rows: [row(1, revision)], removed: [] });
  outbox.flush();
  outbox.clear();
  expect(sent.slice(1)).toEqual([{ rows: [row(1, 4)], removed: [] }]);
});
