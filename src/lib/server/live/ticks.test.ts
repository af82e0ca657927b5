/** A tick vouches for everything before it: when it may be sent, to whom, and after what. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LostLink } from '../../live/protocol.ts';
import type { LiveSocket } from './broadcast.ts';
import { openTicks, type Ticks, type TicksOptions } from './ticks.ts';
import { newWatcher } from './watcher.ts';

const snapshot = { xmin: 1n, xmax: 1n, inProgress: [] };
let sockets: LiveSocket[];
let told: string[];
let link: LostLink | null;
let late: Set<string>;
let feed: { place: { epoch: string; snapshot: typeof snapshot }; proofAt: number; readonly lostLink: LostLink | null };
let ticks: Ticks;
const tick = (): void => ticks.tick();
/** up to where the places of tokens reach */
let sealed: bigint[];
/** how the proof stands that a message to many carries, by who it is for */
let proofs: Map<string, number>;

beforeEach(() => {
  [sockets, told, link, late, sealed, proofs] = [[], [], null, new Set(), [], new Map()];
  feed = {
    place: { epoch: 'e', snapshot },
    proofAt: 5,
    get lostLink() {
      return link;
    }
  };
  ticks = openTicks({
    io: {
      emit: (event: string) => void told.push(`all ${event}`),
      to: (ids: string[]) => ({
        emit(event: string, { proofAt }: { proofAt: number }) {
          told.push(`${ids.join(' ')} ${event}`);
          for (const id of ids) proofs.set(id, proofAt);
        }
      })
    },
    feed,
    broadcast: { sockets: () => sockets, flush: () => void told.push('flush'), lookForSlow() {} },
    summaries: { lateUnits: () => late },
    tokenKey: { seal: (place: { snapshot: { xmax: bigint } }) => void sealed.push(place.snapshot.xmax) }
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
  socket('slow').lagging = { since: performance.now(), place: feed.place };
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

describe('many are told a part at a time, so that changes come through between them', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    for (let n = 0; n < 1_200; n++) socket(`s${n}`).tokenAt = performance.now();
  });
  afterEach(() => {
    ticks.close();
    vi.useRealTimers();
  });
  const firstOf = (parts: string[]): string[] => parts.map((part) => part.split(' ', 1)[0]!);
  const ticked = (): string[] => told.filter((line) => line.endsWith('feed:ticked'));

  test('what waits goes out once, all have the tick soon, and it vouches for the moment of the first of them', () => {
    tick();
    expect(proofs.size).toBe(500);
    feed.proofAt = 6;
    vi.advanceTimersByTime(100);
    expect(told[0]).toBe('flush');
    expect(firstOf(told.slice(1))).toEqual(['s0', 's500', 's1000']);
    expect([proofs.size, new Set(proofs.values())]).toEqual([1_200, new Set([5])]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a fresh token is of the moment of the first, too', () => {
    sockets[900]!.data.tokenAt = -Infinity;
    tick();
    feed.place = { epoch: 'e', snapshot: { ...snapshot, xmax: 2n } };
    vi.advanceTimersByTime(100);
    expect(sealed).toEqual([1n]);
  });

  test('of very many no more than eight parts are made, however many that are in each', () => {
    for (let n = 1_200; n < 8_000; n++) socket(`s${n}`).tokenAt = performance.now();
    tick();
    vi.advanceTimersByTime(1_000);
    expect(ticked()).toHaveLength(8);
    expect(proofs.size).toBe(8_000);
  });

  test('who is gone takes nobody’s turn', () => {
    tick();
    sockets.splice(0, 1_100);
    tick();
    expect(firstOf(ticked())).toEqual(['s0', 's1100']);
  });

  test('who began to subscribe anew, was answered since, fell behind or is owed a list meanwhile is not vouched for', () => {
    tick();
    sockets[600]!.data.watching = null;
    sockets[601]!.data.lagging = { since: performance.now(), place: feed.place };
    sockets[602]!.data.windowDueSince = performance.now();
    sockets[603]!.data.watching = { ...sockets[603]!.data.watching! };
    vi.advanceTimersByTime(100);
    expect(proofs.size).toBe(1_196);
    expect(['s600', 's601', 's602', 's603', 's604'].map((id) => proofs.has(id))).toEqual([
      false,
      false,
      false,
      false,
      true
    ]);
  });

  test.each([
    ['a link is lost', () => void (link = 'listener')],
    ['the stream is another one', () => void (feed.place = { epoch: 'another', snapshot })]
  ])('nobody is told any more once %s', (_, happen) => {
    tick();
    happen();
    vi.advanceTimersByTime(1_000);
    expect(ticked()).toHaveLength(1);
  });

  test('who was not reached before the next tick comes first in it', () => {
    tick();
    tick();
    vi.advanceTimersByTime(1_000);
    expect(firstOf(ticked())).toEqual(['s0', 's500', 's1000', 's300']);
    expect(proofs.size).toBe(1_200);
  });

  test('nothing is told after the end', () => {
    tick();
    ticks.close();
    vi.advanceTimersByTime(1_000);
    expect(ticked()).toHaveLength(1);
  });
});
