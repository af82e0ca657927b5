import { beforeEach, describe, expect, test } from 'vitest';
import { Journal } from './journal.ts';
import type { LiveSocket, ServerMessage, SocketListener } from './socket.ts';

let mono: number;
let journal: Journal;
let listeners: SocketListener[];
let closed: number;

beforeEach(() => {
  mono = 1_000;
  listeners = [];
  closed = 0;
  journal = new Journal(() => ({ mono, wall: 1_790_000_000_000 + mono }));
});

const open = (listener: SocketListener): LiveSocket => {
  listeners.push(listener);
  return { subscribe() {}, clock() {}, close: () => void (closed += 1) };
};
const deaf: SocketListener = { connected() {}, disconnected() {}, message() {}, malformed() {}, moved() {} };
const tick: ServerMessage = { event: 'feed:ticked', body: { proofAt: 1 } };
const halt: ServerMessage = { event: 'feed:halted', body: { link: 'database' } };
const last = (): SocketListener => listeners.at(-1)!;

describe('a WebSocket that was tried', () => {
  test('is known to have opened, to have been refused, or to have had no answer, and after how long', () => {
    const tried = journal.watchAttempts(open);
    tried(deaf);
    mono += 12;
    last().connected();
    tried(deaf);
    mono += 30;
    last().disconnected(true);
    const silent = tried(deaf);
    mono += 4_000;
    silent.close();
    expect(journal.record.attempts).toEqual([
      { at: 1_790_000_001_012, tookMs: 12, outcome: 'opened' },
      { at: 1_790_000_001_042, tookMs: 30, outcome: 'refused' },
      { at: 1_790_000_005_042, tookMs: 4_000, outcome: 'unanswered' }
    ]);
    expect(closed).toBe(1);
  });

  test('is no attempt when the page went before anything could come, and no refusal when it merely took too long', () => {
    const tried = journal.watchAttempts(open);
    const left = tried(deaf);
    mono += 200;
    left.close();
    expect(journal.record.attempts).toEqual([]);
    tried(deaf);
    mono += 10_000;
    last().disconnected(true);
    expect(journal.record.attempts.map(({ outcome }) => outcome)).toEqual(['unanswered']);
  });

  test('keeps the twenty newest', () => {
    for (let n = 0; n < 50; n += 1) {
      journal.watchAttempts(open)(deaf);
      mono += n;
      last().disconnected(true);
    }
    expect(journal.record.attempts).toHaveLength(20);
    expect(journal.record.attempts.at(-1)!.tookMs).toBe(49);
  });
});

describe('a connection', () => {
  const lossesOf = () => journal.record.losses.map(({ how, lastedMs, backAfterMs }) => [how, lastedMs, backAfterMs]);

  test('that is closed, silent, or ends with its server is lost, and back with the next proof', () => {
    const watched = journal.watchLosses(open);
    watched(deaf);
    last().message(tick);
    mono += 60_000;
    last().disconnected();
    mono += 1_500;
    watched(deaf);
    last().message(tick);
    expect(lossesOf()).toEqual([['closed', 60_000, 1_500]]);
    mono += 500;
    last().message({ event: 'server:closing', body: {} });
    last().disconnected();
    const silent = watched(deaf);
    last().message(tick);
    mono += 8_000;
    silent.close();
    expect(lossesOf().map(([how]) => how)).toEqual(['closed', 'stopped', 'silent']);
    expect(journal.record.lossCount).toBe(3);
    expect(lossesOf().at(-1)![2]).toBeNull();
  });

  test('that the page itself ends, that never brought anything, or whose session ended is no loss', () => {
    const watched = journal.watchLosses(open);
    const left = watched(deaf);
    last().message(tick);
    mono += 100;
    left.close();
    last().disconnected();
    watched(deaf);
    last().disconnected(true);
    watched(deaf);
    last().message(tick);
    last().message({ event: 'session:ended', body: {} });
    last().disconnected();
    expect(lossesOf()).toEqual([]);
  });

  test('over which the server says that it lost its database is one loss, until it vouches again', () => {
    journal.watchLosses(open)(deaf);
    last().message(tick);
    for (let n = 0; n < 5; n += 1) {
      mono += 2_000;
      last().message(halt);
    }
    last().message(tick);
    last().message(halt);
    expect(lossesOf()).toEqual([
      ['database', 2_000, 8_000],
      ['database', 10_000, null]
    ]);
  });

  test('is handed on as it is: what is asked and answered passes through', () => {
    const told: unknown[] = [];
    const socket = journal.watchLosses(() => ({
      subscribe: (_, answered) => answered(null),
      clock: (answered) => answered(5, 'kbtzqm'),
      close() {},
      overHttp: true
    }))(deaf);
    socket.subscribe({} as never, (answer) => told.push(answer));
    socket.clock((now, node) => told.push(now, node));
    expect([told, socket.overHttp]).toEqual([[null, 5, 'kbtzqm'], true]);
  });
});
