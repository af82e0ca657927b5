import { expect, test } from 'vitest';
import type { Queryable } from '../database/pool.ts';
import { PROTOCOL_VERSION } from '../../live/protocol.ts';
import type { Feed } from './feed.ts';
import { subscribe } from './subscriptions.ts';
import { newWatcher, type Watcher } from './watcher.ts';

const place = { epoch: 'e', snapshot: { xmin: 1n, xmax: 1n, inProgress: [] } };

/** A socket whose catch-up fails; `meanwhile` runs while the question is open. */
async function failing(meanwhile: (watcher: Watcher, rooms: Set<string>) => void): Promise<Set<string>> {
  const rooms = new Set<string>();
  const watcher = newWatcher({ userId: 1, sessionId: 's' });
  const db = {
    query: async (sql: string) => {
      if (sql.includes('unused')) return { rows: [{ role: 'operator', narrowed_to: [] }] };
      throw new Error('nothing else is asked');
    }
  } as unknown as Queryable;
  await expect(
    subscribe(
      {
        db,
        feed: { lostLink: null } as Feed,
        catchUp: {
          fromRing: async () => null,
          fromLog: async () => {
            meanwhile(watcher, rooms);
            throw new Error('the database went away');
          }
        },
        tokenKey: { seal: () => '', open: () => place },
        summaries: { watch: async () => {}, known: () => [] }
      },
      watcher,
      { join: (units) => units.forEach((unit) => rooms.add(unit)), leaveAll: () => rooms.clear() },
      {
        protocol: PROTOCOL_VERSION,
        scope: { workspaceId: 3, environmentId: null },
        window: { kind: 'numbers' },
        summaries: 'scope',
        token: 't'
      },
      () => {}
    )
  ).rejects.toThrow('went away');
  return rooms;
}

test('a subscription whose catch-up fails stands in no room', async () => {
  expect([...(await failing(() => {}))]).toEqual([]);
});

test('an older subscription that fails leaves the rooms of the newer one alone', async () => {
  const rooms = await failing((watcher, joined) => {
    watcher.generation++;
    joined.clear();
    joined.add('workspace:4');
  });
  expect([...rooms]).toEqual(['workspace:4']);
});
