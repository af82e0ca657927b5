/** The way over HTTP: when it is taken, what it promises, and how it is left again, in the simulated world. */
import { beforeEach, describe, expect, it } from 'vitest';
import { TRY_SOCKET_MS } from './http-socket.ts';
import { openTransports, OPEN_WITHIN_MS } from './transport.ts';
import { PAGE_SIZE, World } from './simulation/world.ts';

let world: World;
/** A second in which everything arrives, and nothing else is done. */
function second(): void {
  world.pass();
  for (let n = 0; n < 6; n++) {
    world.serve();
    world.deliverAll();
  }
  world.tick();
  world.deliverAll();
  world.advance(1_000);
}
const shown = (): number[] => world.view.rows.map(({ id }) => id);
const fresh = (): number[] =>
  world.server
    .page(world.scope, PAGE_SIZE, world.now)
    .rows.slice(0, PAGE_SIZE)
    .map(({ id }) => id);

beforeEach(() => {
  world = new World(() => 0.5, { mayUseHttp: true });
  world.isForbidden = true;
});

describe('where no WebSocket can be opened', () => {
  it('a list is live over HTTP after two attempts, and says so', () => {
    for (let n = 0; n < 8; n++) second();
    expect(world.time.stamp).toMatchObject({ state: 'live', overHttp: true });
  });

  it('the hub is asked every two seconds, and what it knows is shown and proven', () => {
    world.settle();
    const before = world.http.asked;
    for (let n = 0; n < 20; n++) {
      world.server.insert(1, world.now);
      second();
      expect(world.time.stamp.state).toBe('live');
    }
    expect(world.http.asked - before).toBeGreaterThanOrEqual(6);
    expect(world.http.asked - before).toBeLessThanOrEqual(10);
    world.settle();
    expect(shown()).toEqual(fresh());
  });

  it('a change of access empties the list, and what may still be seen comes back', () => {
    world.settle();
    world.grant([null]);
    let emptied = false;
    for (let n = 0; n < 4; n++) {
      second();
      emptied ||= world.view.rows.length === 0;
    }
    expect([emptied, world.time.accessChangedAt !== null]).toEqual([true, true]);
    world.settle();
    expect(shown()).toEqual(fresh());
  });

  it('the WebSocket is taken as soon as one opens, without a moment that is not live', () => {
    world.settle();
    world.isForbidden = false;
    const until = world.now + TRY_SOCKET_MS + 10_000;
    while (world.time.stamp.overHttp && world.now < until) {
      second();
      expect(world.time.stamp.state).toBe('live');
    }
    const { asked } = world.http;
    world.server.insert(1, world.now);
    for (let n = 0; n < 10; n++) {
      second();
      expect(world.time.stamp).toMatchObject({ state: 'live', overHttp: false });
    }
    expect([shown(), world.http.asked]).toEqual([fresh(), asked]);
  });

  it('a return to the tab or to the network tries a WebSocket at once', () => {
    world.settle();
    world.isForbidden = false;
    world.show();
    for (let n = 0; n < 3; n++) second();
    expect(world.time.stamp).toMatchObject({ state: 'live', overHttp: false });
  });

  it('what is lost over HTTP is tried by WebSocket again, and found again over HTTP', () => {
    world.settle();
    for (let n = 0; n < 6; n++) {
      world.serve();
      world.cut({ http: true });
      world.advance(1_000);
    }
    expect(world.time.stamp.state).not.toBe('live');
    world.settle();
    expect(world.time.stamp).toMatchObject({ state: 'live', overHttp: true });
  });
});

describe('the choice of a transport', () => {
  const silent = { connected() {}, message() {}, malformed() {}, moved() {} };
  function open(opens: (disconnected: (isUnopened?: boolean) => void) => void): { ways: string[]; again: () => void } {
    const ways: string[] = [];
    const openSocket = openTransports({
      after: (ms, run) => {
        if (ms === OPEN_WITHIN_MS) timers.push(run);
        return () => void timers.splice(0);
      },
      onReturn: () => () => {},
      openWebSocket: ({ disconnected }) => {
        ways.push('websocket');
        opens(disconnected);
        return { subscribe() {}, clock() {}, close() {} };
      },
      loadHttp: () => void ways.push('http')
    });
    return { ways, again: () => void openSocket({ ...silent, disconnected() {} }) };
  }
  let timers: (() => void)[] = [];
  beforeEach(() => (timers = []));

  it('gives up a WebSocket that does not open within a few seconds', () => {
    const { ways, again } = open(() => {});
    for (let n = 0; n < 3; n++) {
      again();
      timers.splice(0).forEach((run) => run());
    }
    expect(ways).toEqual(['websocket', 'websocket', 'http']);
  });

  it('stays with WebSockets that opened and were lost or refused by the hub itself', () => {
    const { ways, again } = open((disconnected) => void Promise.resolve().then(() => disconnected(false)));
    for (let n = 0; n < 4; n++) again();
    expect(ways).toEqual(['websocket', 'websocket', 'websocket', 'websocket']);
  });
});
