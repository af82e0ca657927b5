import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import type { WindowRead } from '../../live/protocol.ts';
import type { Queryable } from '../database/pool.ts';
import type { Place } from '../stream/place.ts';
import { openCounters } from './figures.ts';
import type { OperationChange } from './rooms.ts';
import { newWatcher } from './watcher.ts';
import { openWindows, type WindowClient, type Windows } from './windows.ts';

const place: Place = { epoch: 'e', snapshot: { xmin: 1n, xmax: 1n, inProgress: [] } };
const row = (id: number, revision = 1, outcome = 'pending'): OperationRow =>
  ({
    id,
    revision,
    workspaceId: 1,
    environmentId: null,
    type: 'a.b',
    status: outcome === 'pending' ? 'running' : 'completed',
    outcome,
    createdAt: 1_000_000 + id,
    completedAt: outcome === 'pending' ? null : 1_000_000 + id,
    initiator: 'System',
    search: '',
    resolved: null,
    reviewed: null
  }) as unknown as OperationRow;
const change = (one: OperationRow): OperationChange => ({
  id: one.id,
  workspaceId: 1,
  places: [null],
  revision: one.revision,
  row: one
});

let clients: WindowClient[];
let sent: { clients: string[]; message: WindowRead }[];
let resynced: string[];
let told: OperationChange[] | null;
let listed: OperationRow[];
let passes: boolean[];
let onPass: () => void;
let failing: string | null;
let windows: Windows;
let counters = openCounters();

beforeEach(() => {
  vi.useFakeTimers();
  [clients, sent, resynced, told, listed, passes] = [[], [], [], [], [row(3), row(2)], []];
  onPass = () => {};
  failing = null;
  counters = openCounters();
  windows = openWindows({
    db: {} as Queryable,
    feed: {
      place,
      databaseNow: () => 2_000_000,
      passSoon: async () => {
        onPass();
        return passes.shift() ?? true;
      }
    },
    ring: { since: () => told && { operations: told, access: [], names: [] } },
    clients: () => clients,
    send: (ids, message) => void sent.push({ clients: ids, message }),
    resync: (ids) => {
      resynced.push(...ids);
      for (const { id, data } of clients) if (ids.includes(id)) data.watching = null;
    },
    counters,
    read: async (_db, _visible, { filter }) => {
      if (failing !== null && filter.types.includes(failing)) throw new Error('canceled');
      return { rows: listed, hasAny: true, position: { isFirst: true, newer: null, older: null } };
    }
  });
});
afterEach(async () => {
  await windows.close();
  vi.useRealTimers();
});

function client(id: string, query = '', narrowedTo: number[] = []): WindowClient {
  const data = newWatcher({ userId: 1, sessionId: 's' });
  data.watching = {
    scope: { workspaceId: 1, environmentId: null },
    access: { role: 'operator', narrowedTo },
    window: { kind: 'list', query },
    places: [],
    rooms: []
  };
  data.windowDueSince = 0;
  const one = { id, data };
  clients.push(one);
  return one;
}
async function look(ms = 10): Promise<void> {
  windows.look();
  await vi.advanceTimersByTimeAsync(ms);
}

test('a list is read once for all who have it on screen with the same access', async () => {
  for (let i = 0; i < 100; i++) client(`all${i}`);
  for (let i = 0; i < 10; i++) client(`running${i}`, 'status=running');
  client('narrowed', '', [7, 8]);
  client('alike', '', [8, 7]);
  await look();
  expect(counters.windowReads).toBe(3);
  expect(sent.map(({ clients: ids }) => ids.length).sort((a, b) => a - b)).toEqual([2, 10, 100]);
  expect(clients.every(({ data }) => data.windowDueSince === null)).toBe(true);
});

test('whoever lost any access before the feed had passed beyond the read is told nothing', async () => {
  const leaver = client('leaver');
  client('colleague');
  onPass = () => leaver.data.generation++;
  await look();
  expect(sent.map(({ clients: ids }) => ids)).toEqual([['colleague']]);
});

test('while the feed cannot pass nobody is shown what was read; then everybody is', async () => {
  client('a');
  passes = [false, false];
  await look();
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(1);
});

test('what was told since the read began comes on top, if it can matter to the list', async () => {
  client('active', 'activeTab=active');
  told = [change(row(2, 2)), change(row(9)), change(row(8, 1, 'succeeded')), { ...change(row(3, 2)), row: null }];
  await look();
  const { rows, removed } = sent[0]!.message.changes;
  // Its own row, a new one that matches; not the one that does not; and its own that is gone.
  expect([rows.map(({ id }) => id), removed]).toEqual([[2, 9], [[3, 2]]]);
});

test('nothing of another workspace goes with a list, and its volume does not count', async () => {
  client('a');
  const foreign = Array.from({ length: 300 }, (_, i) => change({ ...row(500 + i), workspaceId: 2 }));
  told = foreign.map((one) => ({ ...one, workspaceId: 2 }));
  await look();
  expect(sent[0]!.message.changes).toEqual({ rows: [], removed: [] });
});

test('a list that cannot be read is left to its pages, and keeps no other one waiting', async () => {
  for (let i = 0; i < 20; i++) client(`fine${i}`, `type=t${i}`);
  client('broken', 'type=broken');
  failing = 'broken';
  await look(100);
  expect(resynced).toEqual(['broken']);
  expect(sent.flatMap(({ clients: ids }) => ids)).toHaveLength(20);
});

test('a list that changes too much whenever it is read is left to its pages after three tries', async () => {
  client('a');
  told = Array.from({ length: 300 }, (_, i) => change(row(100 + i)));
  await look(3_000);
  expect([resynced, sent]).toEqual([['a'], []]);
});

test('a list that the memory does not reach back to, or that changed very much meanwhile, is read again', async () => {
  client('a');
  told = null;
  await look();
  expect(sent).toEqual([]);
  told = Array.from({ length: 300 }, (_, i) => change(row(100 + i)));
  await vi.advanceTimersByTimeAsync(600);
  expect(sent).toEqual([]);
  told = [];
  await vi.advanceTimersByTimeAsync(600);
  expect(sent).toHaveLength(1);
  expect(counters.windowReads).toBe(3);
});

test('who is slow is not told now, and lists that are not ours to read are read by their pages', async () => {
  client('slow').data.lagging = { since: 0, place };
  client('text', 'q=backup');
  client('odd', 'rows=7');
  client('elsewhere', 'environment_id=5');
  await look();
  expect([sent, resynced]).toEqual([[], ['text', 'odd', 'elsewhere']]);
});
