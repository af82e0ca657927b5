/** The order of a subscription's steps: join, then read; and nothing of it counts once access has changed. */
import { expect, test } from 'vitest';
import type { SubscribeAnswer } from '../../live/protocol.ts';
import { PROTOCOL_VERSION } from '../../live/protocol.ts';
import type { OperationRow } from '../../operations/operation.ts';
import type { Queryable } from '../database/pool.ts';
import type { CaughtUp } from './catch-up.ts';
import type { Feed } from './feed.ts';
import { subscribe } from './subscriptions.ts';
import { newWatcher, type Watcher } from './watcher.ts';

const place = { epoch: 'e', snapshot: { xmin: 1n, xmax: 1n, inProgress: [] } };
const row = { id: 9, revision: 1, environmentId: null } as OperationRow;
const missed: CaughtUp = {
  operations: [{ id: 9, workspaceId: 3, places: [null], revision: 1, row }],
  hasNamesChanged: false,
  place,
  proofAt: 1,
  now: 1
};

/** Subscribes; `reading` runs while what was missed is being read, from memory and then from the log. */
async function ask(
  reading: (rooms: Set<string>, watcher: Watcher) => void
): Promise<{ answer: SubscribeAnswer; watcher: Watcher }> {
  const rooms = new Set<string>();
  const watcher = newWatcher({ userId: 1, sessionId: 's' });
  const answer = await subscribe(
    {
      db: { query: async () => ({ rows: [{ role: 'operator', narrowed_to: [] }] }) } as unknown as Queryable,
      feed: { lostLink: null } as Feed,
      catchUp: {
        fromRing: async () => {
          reading(rooms, watcher);
          return null;
        },
        fromLog: async () => {
          reading(rooms, watcher);
          return missed;
        }
      },
      tokenKey: { seal: () => 'sealed', open: () => place },
      summaries: { watch: async () => {}, known: () => [] }
    },
    watcher,
    { join: (units) => units.forEach((unit) => rooms.add(unit)), leaveAll: () => rooms.clear() },
    {
      protocol: PROTOCOL_VERSION,
      scope: { workspaceId: 3, environmentId: null },
      window: { kind: 'list', query: '' },
      summaries: 'scope',
      token: 't'
    },
    () => {}
  );
  return { answer, watcher };
}

test('who subscribes stands in the rooms before anything that was missed is read, so that nothing falls between', async () => {
  const stood: boolean[] = [];
  const { answer, watcher } = await ask((rooms) => void stood.push(rooms.has('workspace:3')));
  expect(stood).toEqual([true, true]);
  expect(answer).toMatchObject({ result: 'caught_up', rows: [row] });
  expect(watcher.watching).not.toBeNull();
});

test('an answer that was read while access changed is never given', async () => {
  const { answer, watcher } = await ask((_rooms, asking) => void asking.generation++);
  expect(answer).toEqual({ result: 'resync', reason: 'access' });
  expect(watcher.watching).toBeNull();
});
