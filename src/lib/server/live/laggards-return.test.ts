/** Slow clients: they leave, so that what waits for them is bounded, and are told what they missed when they return. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OperationRow } from '../../operations/operation.ts';
import type { Place } from '../stream/place.ts';
import { openLaggards, type Laggards, type SlowClient } from './laggards.ts';
import { openRing } from './ring.ts';
import type { Delta, OperationChange } from './rooms.ts';
import { newWatcher } from './watcher.ts';

const placeAt = (xmax: bigint): Place => ({ epoch: 'e', snapshot: { xmin: xmax, xmax, inProgress: [] } });
const row = { id: 4, revision: 2, environmentId: null } as OperationRow;
const change: OperationChange = { id: 4, workspaceId: 1, places: [null], revision: 2, row };
const nothing = { access: [], names: [] };

let packets: number;
let place: Place;
let told: (string | Delta | null)[];
let client: SlowClient;
let ring: ReturnType<typeof openRing>;
let laggards: Laggards<SlowClient>;

beforeEach(() => {
  vi.useFakeTimers();
  [packets, place, told] = [0, placeAt(10n), []];
  ring = openRing();
  ring.passed({ place, operations: [], ...nothing });
  client = { id: 'c', data: newWatcher({ userId: 1, sessionId: 's' }) };
  client.data.watching = {
    scope: { workspaceId: 1, environmentId: null },
    access: { role: 'operator', narrowedTo: [] },
    window: { kind: 'list', query: '' },
    places: [],
    rooms: ['workspace:1']
  };
  laggards = openLaggards<SlowClient>({
    ring,
    packetsOf: () => packets,
    place: () => place,
    flush: () => {},
    leave: () => void told.push('left'),
    rejoin: (_client, missed) => void told.push(missed),
    cut: () => void told.push('cut')
  });
});
afterEach(() => {
  laggards.close();
  vi.useRealTimers();
});

test('a client in whose connection too much waits leaves: at once if it is very much, else after a moment', () => {
  packets = 10_000;
  laggards.sent([client]);
  expect(told).toEqual(['left']);
  packets = 0;
  vi.advanceTimersByTime(1_000);
  told = [];
  packets = 20;
  laggards.sent([client]);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual(['left']);
});

test('when it has drained it is told what was told to others meanwhile', () => {
  packets = 10_000;
  laggards.sent([client]);
  place = placeAt(12n);
  ring.passed({ place, operations: [change], ...nothing });
  packets = 0;
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual(['left', { rows: [row], removed: [] }]);
});

test('one that does not drain is cut off', () => {
  packets = 10_000;
  laggards.sent([client]);
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['left', 'cut']);
});
