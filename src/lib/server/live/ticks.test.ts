/** A tick vouches for everything before it: when it may be sent, to whom, and after what. */
import { beforeEach, expect, test } from 'vitest';
import type { LostLink } from '../../live/protocol.ts';
import type { LiveSocket } from './broadcast.ts';
import { openTicks, type TicksOptions } from './ticks.ts';
import { newWatcher } from './watcher.ts';

const place = { epoch: 'e', snapshot: { xmin: 1n, xmax: 1n, inProgress: [] } };
let sockets: LiveSocket[];
let told: string[];
let link: LostLink | null;
let late: Set<string>;
let tick: () => void;

beforeEach(() => {
  [sockets, told, link, late] = [[], [], null, new Set()];
  const feed = {
    place,
    proofAt: 5,
    get lostLink() {
      return link;
    }
  };
  tick = openTicks({
    io: {
      emit: (event: string) => void told.push(`all ${event}`),
      to: (ids: string[]) => ({ emit: (event: string) => void told.push(`${ids.join(' ')} ${event}`) })
    },
    feed,
    broadcast: { sockets: () => sockets, flush: () => void told.push('flush'), lookForSlow() {} },
    summaries: { lateUnits: () => late },
    tokenKey: { seal: () => 'token' }
  } as unknown as TicksOptions);
});

function socket(name: string): LiveSocket['data'] {
  const data = { ...newWatcher({ userId: 1, sessionId: 's' }), tokenAt: 0 };
  data.watching = {
    scope: { workspaceId: 1, environmentId: null },
    access: { role: 'operator', narrowedTo: [] },
    window: { kind: 'list', query: '' },
    places: [],
    rooms: []
  };
  const emit = (event: string): void => void told.push(`${name} ${event}`);
  sockets.push({ id: name, data, rooms: new Set(['numbers:workspace:1']), emit } as unknown as LiveSocket);
  return data;
}

test('what waits for its gap goes out before the tick that vouches for it', () => {
  socket('one');
  tick();
  expect(told).toEqual(['flush', 'one feed:ticked']);
});

test('all who are told the same are told at once, and a fresh token goes to its owner alone', () => {
  for (const name of ['one', 'two', 'three']) socket(name).tokenAt = performance.now();
  socket('due').tokenAt = -Infinity;
  tick();
  expect(told).toEqual(['flush', 'due feed:ticked', 'one two three feed:ticked']);
});

test.each(['listener', 'database', 'lag'] as const)('no tick is sent while the %s is not sound', (lost) => {
  socket('one');
  link = lost;
  tick();
  expect(told).toEqual(['all feed:halted']);
});

test('nobody is vouched for who has not caught up, is away for being slow, or whose list is due', () => {
  socket('asking').watching = null;
  socket('slow').lagging = { since: performance.now(), place };
  socket('due').windowDueSince = performance.now();
  socket('late').windowDueSince = performance.now() - 60_000;
  tick();
  expect(told).toEqual(['flush', 'late feed:halted']);
});

test('who watches numbers that are late is told so instead', () => {
  socket('one');
  late.add('workspace:1');
  tick();
  expect(told).toEqual(['flush', 'one feed:halted']);
});
