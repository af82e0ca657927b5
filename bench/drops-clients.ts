/**
 * The clients of the bench's drops, all in this process behind one network that fails when the parent says so, and what
 * each of them was told. All connect again by the same rule, whatever they are connected to. One clock (this process's)
 * times everything; what should be there is told by the parent, who reads it from the database.
 */
import { io, type Socket } from 'socket.io-client';
import { openReader } from '../tests/harness/live.ts';
import type { TestPerson } from '../tests/harness/world.ts';
import {
  LIVE_PATH,
  PROTOCOL_VERSION,
  type ClientEvents,
  type RowsChanged,
  type Scope,
  type ServerEvents
} from '../src/lib/live/protocol.ts';
import type { OperationRow } from '../src/lib/operations/operation.ts';
import { openDroppingProxy, type Drop, type DroppingProxy } from './drops-proxy.ts';
import { Score, type Counts, type Row } from './drops-score.ts';

export interface Seat {
  person: TestPerson;
  token: string;
}
export type Order =
  | { do: 'open'; kind: 'hub' | 'stock'; port: number; url: string; scope: Scope; seats: Seat[] }
  | { do: 'drop'; how: Drop }
  /** `before`, `after`: as it stood when all were away, and when the network is back */
  | { do: 'restore'; before: Row[]; after: Row[] }
  | { do: 'finish'; rows: Row[]; patienceMs: number };
export interface Report {
  all: Counts;
  /** of the changes that were certainly committed while everybody was away */
  away: Counts;
  rows: number;
  right: number;
  /** of each client after each drop: milliseconds from the network's return until it knew what was committed before that */
  completeAfter: (number | null)[];
  /** how often a client had to read its page again instead of catching up */
  readAnew: number;
}

/** About four tries a second while the network is away, and no two clients in step. */
const RETRY = { reconnection: true, reconnectionDelay: 250, reconnectionDelayMax: 250, randomizationFactor: 0.5 };
const BUSY_MS = 500;
const PATIENCE_MS = 60_000;

interface Client {
  score: Score;
  socket: Socket;
  /** connected, and where there is such a thing, subscribed */
  ready: boolean;
}
let proxy: DroppingProxy;
let reader: ReturnType<typeof openReader> | undefined;
let clients: Client[] = [];
let away: { before: Row[]; after: Row[] }[] = [];
let completeAfter: (number | null)[] = [];
let readAnew = 0;
let lastHeard = 0;

function hear({ score }: Client, id: number, revision: number, state: string): void {
  lastHeard = performance.now();
  score.tell(id, revision, state, lastHeard);
}

function openStock(): Client {
  const socket = io(`http://127.0.0.1:${proxy.port}`, { transports: ['websocket'], forceNew: true, ...RETRY });
  const client: Client = { score: new Score(), socket, ready: false };
  socket.on('connect', () => (client.ready = true));
  socket.on('disconnect', () => (client.ready = false));
  socket.on('row', (text: string) => {
    const row = JSON.parse(text) as Record<'id' | 'revision' | 'status' | 'outcome' | 'progress_processed', never>;
    hear(client, row.id, row.revision, `${row.status} ${row.outcome} ${row.progress_processed ?? 0}`);
  });
  return client;
}

/** As simple as the protocol allows: it catches up from the newest place that it may, and reads the page when told to. */
function openHub(scope: Scope, port: number, { person, token: first }: Seat): Client {
  // The server answers to its own name only, so it is called by that.
  const host = `127.0.0.1:${port}`;
  const socket: Socket<ServerEvents, ClientEvents> = io(`http://127.0.0.1:${proxy.port}`, {
    path: LIVE_PATH,
    transports: ['websocket'],
    forceNew: true,
    extraHeaders: { cookie: person.cookie, host, origin: `http://${host}` },
    ...RETRY
  });
  const client: Client = { score: new Score(), socket: socket as unknown as Socket, ready: false };
  let token = first;
  const hearRows = (rows: OperationRow[]): void => {
    for (const { id, revision, status, outcome, progress } of rows)
      hear(client, id, revision, `${status} ${outcome} ${progress.processed ?? 0}`);
  };
  const hearChanges = ({ rows }: RowsChanged): void => hearRows(rows);
  const readPage = async (): Promise<void> => {
    client.ready = false;
    readAnew++;
    const page = (await reader!.read(person, scope))!;
    hearRows(page.rows);
    token = page.token;
    await subscribe();
  };
  const subscribe = async (): Promise<void> => {
    const connection = socket.id;
    const window = { kind: 'list', query: '' } as const;
    const message = { protocol: PROTOCOL_VERSION, scope, window, summaries: 'scope', token } as const;
    const answer = await socket.emitWithAck('subscribe', message).catch(() => null);
    // The network failed meanwhile: whoever connects again asks again.
    if (!answer || socket.id !== connection) return;
    if (answer.result === 'caught_up') {
      hearRows(answer.rows);
      token = answer.token;
      client.ready = true;
    } else if (answer.result === 'unavailable') setTimeout(() => void subscribe(), BUSY_MS);
    else if (answer.result === 'resync') await readPage();
    else throw new Error(`The hub answered ${JSON.stringify(answer)}.`);
  };
  socket.on('connect', () => void subscribe());
  socket.on('disconnect', () => (client.ready = false));
  socket.on('rows:changed', hearChanges);
  socket.on('window:read', ({ rows, changes }) => {
    hearRows(rows);
    hearChanges(changes);
  });
  socket.on('resync:required', () => void readPage());
  socket.on('access:changed', () => void readPage());
  socket.on('feed:ticked', (tick) => {
    if (client.ready && tick.token) token = tick.token;
  });
  return client;
}

async function until(done: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!done()) {
    if (performance.now() > giveUpAt) throw new Error(`After ${PATIENCE_MS / 1_000} s ${what}.`);
    await new Promise((next) => setTimeout(next, 5));
  }
}

function noteCompletion(): void {
  if (away.length > 0) completeAfter.push(...clients.map(({ score }) => score.completeAfter()));
}

const add = (a: Counts, b: Counts): Counts => ({
  made: a.made + b.made,
  itself: a.itself + b.itself,
  delivered: a.delivered + b.delivered
});
const NONE: Counts = { made: 0, itself: 0, delivered: 0 };
const revisionsOf = (rows: Row[]): Map<number, number> => new Map(rows.map(([id, revision]) => [id, revision]));

async function follow(order: Order): Promise<Report | null> {
  switch (order.do) {
    case 'open': {
      proxy = await openDroppingProxy(order.port);
      if (order.kind === 'hub') reader ??= openReader(order.url);
      [away, completeAfter, readAnew] = [[], [], 0];
      clients = order.seats.map((seat) =>
        order.kind === 'hub' ? openHub(order.scope, order.port, seat) : openStock()
      );
      await until(() => clients.every(({ ready }) => ready), 'not every client was connected');
      return null;
    }
    case 'drop':
      noteCompletion();
      proxy.drop(order.how);
      return null;
    case 'restore': {
      away.push(order);
      proxy.restore();
      const now = performance.now();
      for (const { score } of clients) score.await(order.after, now);
      return null;
    }
    case 'finish': {
      noteCompletion();
      await until(() => clients.every(({ ready }) => ready), 'not every client was connected');
      const asked = performance.now();
      for (const { score } of clients) score.await(order.rows, asked);
      const complete = (): boolean => clients.every(({ score }) => score.completeAfter() !== null);
      await until(
        () => complete() || performance.now() - Math.max(asked, lastHeard) > order.patienceMs,
        'rows still came'
      );
      const report: Report = { all: NONE, away: NONE, rows: 0, right: 0, completeAfter, readAnew };
      for (const { score } of clients) {
        report.all = add(report.all, score.count(new Map(), order.rows));
        for (const { before, after } of away) report.away = add(report.away, score.count(revisionsOf(before), after));
        report.rows += order.rows.length;
        report.right += score.countRight(order.rows);
      }
      for (const { socket } of clients) socket.disconnect();
      proxy.close();
      return report;
    }
  }
}

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => void follow(order).then((answer) => process.send!(answer ?? 'done')));
