/** The connection that is looked at, on clocks and sockets that the test holds. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Journal } from './journal.ts';
import { LiveConnection, type ConnectionView, type HttpReply } from './live-connection.ts';
import type { Ports } from './ports.ts';
import type { Subscribe, SubscribeAnswer } from './protocol.ts';
import type { LiveSocket, SocketListener } from './socket.ts';

/** The server's clock, when the browser's monotonic clock began. */
const SERVER = 1_790_000_000_000;
/** This computer's clock is 4 s fast. */
const FAST_MS = 4_000;

let mono: number;
let timers: { at: number; run: () => void }[];
let seconds: Set<() => void>;
let view: ConnectionView;
let left: number;
let httpReply: HttpReply;
let httpAsked: number;
/** the socket that is open, as the server has it */
let socket: {
  listener: SocketListener;
  asked: Subscribe[];
  answer: ((answer: SubscribeAnswer | null) => void) | null;
  clocks: ((now: number | null, node?: string) => void)[];
  isClosed: boolean;
  overHttp: boolean;
} | null;
let opensOverHttp: boolean;

const moment = () => ({ mono, wall: SERVER + FAST_MS + mono });
const after: Ports['after'] = (ms, run) => {
  const timer = { at: mono + ms, run };
  timers.push(timer);
  return () => void (timers = timers.filter((one) => one !== timer));
};

function open(listener: SocketListener): LiveSocket {
  const made: NonNullable<typeof socket> = {
    listener,
    asked: [],
    answer: null,
    clocks: [],
    isClosed: false,
    overHttp: opensOverHttp
  };
  socket = made;
  return {
    subscribe(message, answered) {
      made.asked.push(message);
      made.answer = answered;
    },
    clock: (answered) => void made.clocks.push(answered),
    close: () => void (made.isClosed = true),
    overHttp: made.overHttp
  };
}

/** Lets time pass in steps of 100 ms; the server answers clocks after `tripMs`. */
async function pass(ms: number, tripMs = 10): Promise<void> {
  for (const end = mono + ms; mono < end;) {
    for (const answer of socket?.clocks.splice(0) ?? []) {
      mono += tripMs;
      answer(SERVER + mono - tripMs / 2, 'kbtzqm');
    }
    mono += 100;
    for (const timer of timers.filter(({ at }) => at <= mono)) {
      timers = timers.filter((one) => one !== timer);
      timer.run();
    }
    if (Math.floor(mono / 1_000) > Math.floor((mono - 100) / 1_000)) for (const tick of seconds) tick();
    await Promise.resolve();
    await Promise.resolve();
  }
}

function caughtUp(): void {
  socket!.answer!({
    result: 'caught_up',
    generation: 1,
    rows: [],
    removed: [],
    summaries: [],
    token: 'next',
    proofAt: SERVER + mono - 200,
    now: SERVER + mono
  });
}
const ticked = (): void => socket!.listener.message({ event: 'feed:ticked', body: { proofAt: SERVER + mono - 300 } });

let connection: LiveConnection;

beforeEach(() => {
  mono = 50_000;
  timers = [];
  seconds = new Set();
  left = 0;
  httpAsked = 0;
  httpReply = { node: 'wrstvx', protocol: 3 };
  opensOverHttp = false;
  socket = null;
  const journal = new Journal(moment);
  const ports: Ports = {
    moment,
    after,
    random: () => 0.5,
    everySecond: (callback) => {
      seconds.add(callback);
      return () => void seconds.delete(callback);
    },
    onFrame: (callback) => after(0, callback),
    onReturn: () => () => {},
    isVisible: () => true,
    openSocket: journal.watchLosses(open),
    warn() {}
  };
  connection = new LiveConnection(
    { token: 'first', readAt: SERVER + mono, workspaceId: 3 },
    {
      ports,
      options: { refresh: () => Promise.resolve(), leave: () => void (left += 1) },
      record: () => journal.record,
      askHttp: () => {
        httpAsked += 1;
        return Promise.resolve(httpReply);
      },
      draw: (next) => (view = next)
    }
  );
  connection.start();
});

async function goLive(): Promise<void> {
  socket!.listener.connected();
  caughtUp();
  ticked();
  await pass(100);
}

describe('over a WebSocket', () => {
  test('it watches one workspace, and measures round trips, clock and node', async () => {
    await goLive();
    expect(socket!.asked[0]).toMatchObject({
      scope: { workspaceId: 3, environmentId: null },
      window: { kind: 'numbers' },
      token: 'first'
    });
    await pass(4_000, 20);
    expect(view).toMatchObject({ way: 'websocket', node: 'kbtzqm', serverProtocol: 3, answersHttp: true, ended: null });
    expect(view.trips.length).toBeGreaterThanOrEqual(6);
    for (const { ms } of view.trips) expect(ms).toBeLessThan(200);
    expect(Math.abs(view.clock!.aheadMs - FAST_MS)).toBeLessThanOrEqual(view.clock!.withinMs + 1);
  });

  test('the age of each proof is kept as it was when it came, and only of live ones', async () => {
    // The first one came before the server's clock was measured: nothing was live then.
    await goLive();
    for (let n = 0; n < 2; n += 1) {
      await pass(2_000);
      ticked();
    }
    expect(view.stamp.state).toBe('live');
    expect(view.proofs.length).toBe(2);
    for (const { ms } of view.proofs) expect(ms).toBeLessThan(1_000);
  });

  test('at rest it asks seldom: five seconds between round trips, half a minute between questions over HTTP', async () => {
    await goLive();
    for (let n = 0; n < 10; n += 1) {
      await pass(2_000);
      ticked();
    }
    const [trips, asked] = [view.trips.length, httpAsked];
    for (let n = 0; n < 30; n += 1) {
      await pass(2_000);
      ticked();
    }
    expect(view.trips.length - trips).toBeGreaterThanOrEqual(9);
    expect(view.trips.length - trips).toBeLessThanOrEqual(13);
    expect(httpAsked - asked).toBeLessThanOrEqual(3);
    for (let n = 0; n < 200; n += 1) {
      await pass(2_000);
      ticked();
    }
    expect(view.trips.length).toBeLessThanOrEqual(60);
  });
});

test('over HTTP a round trip is that of an ordinary request, and the node the one that answered it', async () => {
  connection.close();
  opensOverHttp = true;
  connection.start();
  await goLive();
  await pass(3_000);
  expect(view).toMatchObject({ way: 'http', node: 'wrstvx' });
  expect(view.trips.length).toBeGreaterThan(0);
});

test('a connection that is lost is counted, nothing is measured over it, and HTTP is asked whether anybody is there', async () => {
  await goLive();
  await pass(2_000);
  httpReply = null;
  socket!.listener.disconnected();
  const trips = view.trips.length;
  await pass(100);
  expect(view.way).toBeNull();
  expect(view.node).toBeNull();
  expect(view.record.losses.map(({ how }) => how)).toEqual(['closed']);
  const lost = socket!;
  await pass(20_000);
  expect(socket).not.toBe(lost);
  expect(view.answersHttp).toBe(false);
  expect(view.trips.length).toBe(trips);
  httpReply = { node: 'wrstvx', protocol: 4 };
  await goLive();
  for (let n = 0; n < 16; n += 1) {
    await pass(2_000);
    ticked();
  }
  expect(view).toMatchObject({ way: 'websocket', answersHttp: true, serverProtocol: 4 });
  expect(view.record.losses[0]!.backAfterMs).toBeGreaterThan(0);
});

test('a session that ends is said, and is not the same as being no member any more', async () => {
  await goLive();
  socket!.listener.message({ event: 'session:ended', body: {} });
  expect(view.ended).toBe('session');
  expect(left).toBe(1);
});

test('another version is said, and unsaid when a node of this one answers', async () => {
  socket!.listener.connected();
  socket!.answer!({ result: 'reload', protocol: 4 });
  expect(view.ended).toBe('reload');
});

test('after it is closed nothing is asked and nothing is drawn', async () => {
  await goLive();
  await pass(1_000);
  connection.close();
  const [drawn, asked] = [view, httpAsked];
  await pass(60_000);
  expect([view, httpAsked]).toEqual([drawn, asked]);
  expect(socket!.isClosed).toBe(true);
});
