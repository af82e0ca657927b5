/** Messages that come late, early or twice: nothing goes back, nothing is lost, and a proof proves what came before it. */
import { expect, test } from 'vitest';
import type { OperationRow } from '../operations/operation.ts';
import { CLEAN_FILTER } from '../operations/filter.ts';
import { emptyBatch, gather, toChanges } from './batch.ts';
import { applyChanges, openRows } from './list-window.ts';
import type { Ports } from './ports.ts';
import type { SubscribeAnswer } from './protocol.ts';
import type { LiveSocket, SocketListener } from './socket.ts';
import { Subscription, type SubscriptionOwner } from './subscription.ts';

const scope = { workspaceId: 1, environmentId: null };
const row = (id: number, revision: number): OperationRow =>
  ({
    id,
    revision,
    workspaceId: 1,
    environmentId: null,
    type: 'a.b',
    status: 'running',
    outcome: 'pending',
    createdAt: 1_000_000 + id,
    completedAt: null,
    staleAt: null,
    initiator: 'System',
    search: '',
    resolved: null,
    reviewed: null
  }) as unknown as OperationRow;

test('an older message changes nothing of a row on screen', () => {
  const opened = { scope, filter: CLEAN_FILTER, pageSize: 25, isFirst: true, rows: [row(1, 1)], readAt: 2_000_000 };
  const newer = applyChanges(openRows(opened), { rows: [row(1, 3)], removed: [] }, 2_000_000);
  const late = applyChanges(newer, { rows: [row(1, 2)], removed: [] }, 2_000_000);
  expect(late.shown.map(({ revision }) => revision)).toEqual([3]);
});

test('an older message that waits to be drawn does not replace a newer one', () => {
  const batch = emptyBatch();
  for (const revision of [3, 2]) gather(batch, { rows: [row(1, revision)], removed: [] });
  expect(toChanges(batch).rows.map(({ revision }) => revision)).toEqual([3]);
});

/** A subscription that has asked; `told` is what its owner was given. */
function subscribe(): { told: string[]; listener: SocketListener; answer: (answer: SubscribeAnswer) => void } {
  const told: string[] = [];
  let listener: SocketListener | undefined;
  let answer: ((answer: SubscribeAnswer | null) => void) | undefined;
  const socket: LiveSocket = {
    subscribe: (_question, answered) => void (answer = answered),
    clock: (answered) => answered(3_000_000),
    close() {}
  };
  const never = () => () => {};
  const ports = {
    moment: () => ({ mono: 1_000, wall: 3_000_000 }),
    random: () => 0.5,
    after: never,
    everySecond: never,
    onFrame: never,
    onReturn: never,
    isVisible: () => true,
    openSocket: (heard: SocketListener) => {
      listener = heard;
      return socket;
    },
    warn: (message: string) => void told.push(message)
  } as Ports;
  const owner: SubscriptionOwner = {
    rows: ({ rows }) => void told.push(...rows.map(({ id, revision }) => `row ${id} revision ${revision}`)),
    windowRead() {},
    summaries() {},
    summary() {},
    flush: () => void told.push('flush'),
    purge() {},
    loseStream() {},
    changed() {}
  };
  const options = { refresh: async () => {}, leave() {}, reload() {} };
  const watched = { scope, window: { kind: 'list', query: '' }, summaries: 'scope' } as const;
  const subscription = new Subscription({ token: 't', readAt: 2_000_000 }, watched, { ports, options, owner });
  subscription.start();
  listener!.connected();
  return { told, listener: listener!, answer: (one) => answer!(one) };
}

const caughtUp = (rows: OperationRow[]): SubscribeAnswer => ({
  ...{ result: 'caught_up', generation: 0, rows, removed: [], summaries: [] },
  ...{ token: 'next', proofAt: 2_500_000, now: 3_000_000 }
});

test('rows that come before the answer are put on top of it', () => {
  const { told, listener, answer } = subscribe();
  listener.message({ event: 'rows:changed', body: { rows: [row(5, 2)], removed: [] } });
  expect(told).toEqual([]);
  answer(caughtUp([row(5, 1)]));
  expect(told).toEqual(['row 5 revision 1', 'row 5 revision 2', 'flush']);
});

test('everything that came before a tick is applied before the tick proves it', () => {
  const { told, listener, answer } = subscribe();
  answer(caughtUp([]));
  told.length = 0;
  listener.message({ event: 'rows:changed', body: { rows: [row(6, 1)], removed: [] } });
  listener.message({ event: 'feed:ticked', body: { proofAt: 2_600_000 } });
  expect(told).toEqual(['row 6 revision 1', 'flush']);
});
