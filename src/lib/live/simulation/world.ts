/**
 * A world for one live list, for tests: time, timers, a network that delays, cuts, repeats and reorders, a hub in front
 * of the oracle server, and the page's load. Nothing happens by itself; each step is a call, so a run can be replayed
 * from its seed. Faults of the hub can be switched on to prove that the laws would notice them.
 */
import { LiveList, type ListView, type TimeView } from '../live-list.ts';
import { CLEAN_FILTER, type ListFilter } from '../../operations/filter.ts';
import type { HubPage, ListCounts } from '../../operations/pages.ts';
import type { Summary } from '../../operations/summary.ts';
import * as httpSocket from '../http-socket.ts';
import type { Ports } from '../ports.ts';
import type { RowsChanged, Scope, Subscribe, SubscribeAnswer } from '../protocol.ts';
import type { LiveSocket, SocketListener } from '../socket.ts';
import { openTransports } from '../transport.ts';
import { OracleServer, WORKSPACE } from './oracle-server.ts';
import { SimulatedBurst } from './simulated-burst.ts';
import { SimulatedHttp } from './simulated-http.ts';
import { SimulatedNumbers } from './simulated-numbers.ts';
import { SimulatedSocket } from './simulated-socket.ts';
import { SimulatedTime } from './simulated-time.ts';

export type Fault =
  | 'no catch-up'
  | 'gap between rooms'
  | 'removal forgotten'
  | 'access unchecked'
  | 'nobody tells what became stale'
  | 'numbers are not told'
  | 'a burst is not told'
  | 'a list is sent before what the feed told'
  | 'a list is sent without what was told since';
export const PAGE_SIZE = 4;

type Told = { rows: RowsChanged } | { summary: Summary };

export class World extends SimulatedTime {
  readonly server = new OracleServer();
  readonly list: LiveList;
  view!: ListView;
  time!: TimeView;
  /** true database time of the last proof that reached the client */
  proofAt: number;
  scope: Scope = { workspaceId: WORKSPACE, environmentId: null };
  filter: ListFilter;
  countsRead = 0;
  socket: SimulatedSocket | null = null;
  readonly http = new SimulatedHttp();
  /** the network lets no WebSocket through */
  isForbidden = false;
  readonly shownRevision = new Map<number, number>();
  left = 0;
  #outbox: Told[] = [];
  #fedTo: number;
  readonly #numbers: SimulatedNumbers;
  #passedAt: number;
  #isBurst = false;
  /** what each query asks for */
  readonly #lists = new Map<string, { scope: Scope; filter: ListFilter }>();
  #load: { page: HubPage | null } | null = null;
  readonly #fault: Fault | null;
  readonly mayUseHttp: boolean;
  #random: () => number;

  constructor(
    random: () => number,
    {
      rows = 40,
      fault = null,
      filter = CLEAN_FILTER,
      mayUseHttp = false
    }: { rows?: number; fault?: Fault | null; filter?: ListFilter; mayUseHttp?: boolean } = {}
  ) {
    super();
    this.#random = random;
    this.#fault = fault;
    this.#numbers = new SimulatedNumbers(fault !== 'numbers are not told', (summary) => this.#outbox.push({ summary }));
    this.mayUseHttp = mayUseHttp;
    this.filter = filter;
    for (let n = 0; n < rows; n++) this.server.insert([null, 1, 2][n % 3] ?? null, this.now - rows + n);
    this.#fedTo = this.server.log.length;
    this.#passedAt = this.now;
    const page = this.#page();
    this.proofAt = this.now;
    this.list = new LiveList(page, {
      ports: this.#ports(),
      options: {
        refresh: () => {
          this.startLoad();
          return Promise.resolve();
        },
        leave: () => (this.left += 1),
        reload: () => {},
        readCounts: () => this.#readCounts()
      },
      draw: (view) => this.#draw(view),
      tick: (time) => this.#stamped(time)
    });
    this.list.start();
  }

  override advance(ms: number): void {
    super.advance(ms);
    // Nothing can run in sleep; within a second of waking the ticker has.
    if (this.now - this.wokeAt >= 1_000) this.#stamped(this.time);
  }

  // The hub.

  /** The handshake, or the next question; a subscription is joined, read and answered in three steps. */
  serve(): void {
    const { socket } = this;
    this.http.serve((question) => this.#answerTo(question));
    if (!socket || socket.closed) return;
    if (!socket.open) {
      if (this.isForbidden) return this.cut();
      socket.open = true;
      socket.toClient.push(() => socket.listener.connected());
    } else if (socket.answer) {
      socket.toClient.push(socket.answer);
      socket.subscribed = socket.rooms !== null; // ticks follow the answer
      socket.answer = null;
    } else if (socket.reading) this.#catchUp(socket);
    else {
      const question = socket.toServer.shift();
      if (!question) return;
      if ('clock' in question) {
        const now = this.now;
        socket.toClient.push(() => question.clock(now));
        return;
      }
      socket.reading = question;
      socket.subscribed = false;
      socket.burst = null;
      const { window } = question.subscribe;
      socket.query = window.kind === 'list' ? window.query : null;
      socket.rooms = this.#fault === 'gap between rooms' ? null : question.subscribe.scope;
    }
  }

  #catchUp(socket: SimulatedSocket): void {
    const question = socket.reading;
    socket.reading = null;
    if (!question || 'clock' in question) return;
    const answer = this.#answerTo(question.subscribe);
    socket.rooms = answer.result === 'caught_up' ? question.subscribe.scope : null;
    socket.burst = null; // what is read now holds it
    socket.answer = () => {
      this.#proven(answer);
      question.answered(answer);
    };
  }

  #proven(answer: SubscribeAnswer): void {
    if (answer.result === 'caught_up') this.proofAt = Math.max(this.proofAt, answer.proofAt);
  }

  #answerTo({ scope, token }: Subscribe): SubscribeAnswer {
    const since = JSON.parse(token) as { epoch: number; at: number; access: number };
    if (since.epoch !== this.server.epoch) return { result: 'resync', reason: 'epoch' };
    if (since.access !== this.server.accessVersion && this.#fault !== 'access unchecked')
      return { result: 'resync', reason: 'access' };
    const proofAt = this.now;
    const found = this.server.difference(
      this.#fault === 'no catch-up' ? this.server.log.length : since.at,
      scope,
      this.#fault === 'nobody tells what became stale' ? -Infinity : proofAt
    );
    const summaries = this.#numbers.known(this.server.summaries(scope, this.now));
    const place = this.server.token();
    return { result: 'caught_up', generation: 9, ...found, summaries, token: place, proofAt, now: proofAt };
  }

  pass(): void {
    const { rooms } = this.socket ?? {};
    if (!rooms)
      this.#outbox = []; // nobody listens, so nothing may wait for whoever joins next
    else {
      const edge = { after: this.#passedAt, at: this.now };
      const told = this.#fault === 'nobody tells what became stale' ? null : edge;
      const deltas = this.server.unitDeltas(this.#fedTo, rooms, told);
      this.socket?.burst?.passed(deltas);
      if (this.#isBurst) this.#tellBurst();
      else this.#outbox.push(...deltas.map((rows) => ({ rows })));
      this.#numbers.tell(this.server.summaries(rooms, this.now));
    }
    this.#fedTo = this.server.log.length;
    this.#passedAt = this.now;
    this.#isBurst = false;
  }

  /** So much changes that the next pass tells nothing of it one by one. */
  burst(): void {
    this.#isBurst = true;
  }

  #tellBurst(): void {
    const { socket } = this;
    if (!socket || this.#fault === 'a burst is not told') return;
    if (this.#listOf(socket)?.filter.text === null) {
      socket.burst = new SimulatedBurst();
      return;
    }
    // Lists of a text are not the hub's to read.
    socket.rooms = null;
    socket.subscribed = false;
    socket.tell({ event: 'resync:required', body: { reason: 'behind' } });
  }

  readList(): void {
    const { socket } = this;
    const list = socket && this.#listOf(socket);
    if (list) socket.burst?.read(this.server.page(list.scope, PAGE_SIZE, this.now, list.filter));
  }

  sendList(): void {
    const { socket } = this;
    const message = socket?.burst?.message();
    // Between a question and its answer the hub tells no list.
    if (!message || !socket?.rooms || !socket.subscribed || socket.closed) return;
    socket.burst = null;
    if (this.#fault === 'a list is sent without what was told since') message.changes = { rows: [], removed: [] };
    if (this.#fault !== 'a list is sent before what the feed told') while (this.#outbox.length > 0) this.emit();
    socket.tell({ event: 'window:read', body: message });
  }

  #listOf(socket: SimulatedSocket): { scope: Scope; filter: ListFilter } | null {
    return this.#lists.get(socket.query ?? '-') ?? null;
  }

  emit(): void {
    const told = this.#outbox.shift();
    const { socket } = this;
    if (!told || !socket?.rooms || socket.closed) return;
    if ('summary' in told) return socket.tell({ event: 'summary:changed', body: told });
    const body = this.#fault === 'removal forgotten' ? { ...told.rows, removed: [] } : told.rows;
    if (body.rows.length + body.removed.length > 0) socket.tell({ event: 'rows:changed', body });
  }

  tick(): void {
    while (this.#outbox.length > 0) this.emit();
    const { socket } = this;
    if (!socket?.subscribed || socket.closed || socket.burst) return;
    const proofAt = this.#passedAt;
    const token = this.server.token(this.#fedTo);
    socket.toClient.push(() => {
      this.proofAt = Math.max(this.proofAt, proofAt);
      socket.listener.message({ event: 'feed:ticked', body: { proofAt, token } });
    });
  }

  grant(entitled: (number | null)[]): void {
    this.server.grant(entitled);
    this.#outbox = [];
    const { socket } = this;
    if (!socket?.open || socket.closed) return;
    socket.rooms = null;
    socket.subscribed = false;
    socket.delivered.length = 0;
    socket.toClient.push(() => {
      socket.listener.message({ event: 'access:changed', body: { generation: 1 } });
      if (this.view.rows.length > 0) throw new Error('rows stayed although access changed');
      if (this.view.summary ?? this.view.listCounts) throw new Error('numbers stayed although access changed');
    });
  }

  // The network.

  deliver(): void {
    const { socket } = this;
    if (socket && !socket.closed) socket.toClient.shift()?.();
    this.http.deliver((answer) => this.#proven(answer));
  }

  repeat(which: number): void {
    const { socket } = this;
    const body = socket?.delivered[which % socket.delivered.length];
    if (body && socket.toClient.length === 0) socket.listener.message({ event: 'rows:changed', body });
  }

  /** What is under way is lost; a question over HTTP only if the network as such fails. */
  cut({ http = false } = {}): void {
    const { socket } = this;
    if (http) this.http.cut();
    if (!socket || socket.closed) return;
    socket.closed = true;
    socket.listener.disconnected(!socket.open);
  }

  // The page.

  get isLoading(): boolean {
    return this.#load !== null;
  }
  startLoad(scope: Scope = this.scope, filter: ListFilter = this.filter): void {
    this.scope = scope;
    this.filter = filter;
    this.#load = { page: null };
  }

  readPage(): void {
    if (this.#load) this.#load.page ??= this.#page();
  }

  #page(): HubPage {
    const page = this.server.page(this.scope, PAGE_SIZE, this.now, this.filter);
    this.#lists.set(page.query, { scope: this.scope, filter: this.filter });
    return page;
  }

  finishLoad(): void {
    const page = this.#load?.page;
    if (!page) return;
    this.#load = null;
    this.list.adopt(page);
  }

  deliverAll(): void {
    do this.deliver();
    while (this.socket && !this.socket.closed && this.socket.toClient.length > 0);
  }

  /** Everything arrives, nothing is held; returns once live and quiet, or after two minutes. */
  settle(): void {
    this.show();
    this.list.resume();
    this.list.engage(false);
    this.list.atTop(true);
    for (let round = 0, quiet = 0; round < 120 && quiet < 6; round++) {
      this.readList();
      this.pass();
      this.sendList();
      for (let n = 0; n < 6; n++) {
        this.serve();
        this.readPage();
        this.finishLoad();
        this.deliverAll();
      }
      this.tick();
      this.deliverAll();
      this.advance(1_000);
      const isQuiet = this.time.stamp.state === 'live' && this.#load === null && !this.server.isNearEdge(this.now);
      quiet = isQuiet ? quiet + 1 : 0;
    }
  }

  /** Live by the true clock, whenever the stamp is drawn: the proof that reached the client is younger than 5 s. */
  #stamped(time: TimeView): void {
    this.time = time;
    const age = this.now - this.proofAt;
    if (time.stamp.state === 'live' && age > 5_000) throw new Error(`live with a proof ${age} ms old`);
  }

  #draw(view: ListView): void {
    this.view = view;
    for (const { id, revision } of view.rows) {
      if ((this.shownRevision.get(id) ?? 0) > revision) throw new Error(`row ${id} went back to revision ${revision}`);
      this.shownRevision.set(id, revision);
    }
  }

  #readCounts(): Promise<ListCounts> {
    this.countsRead += 1;
    const { listCounts } = this.server.page(this.scope, PAGE_SIZE, this.now, this.filter);
    return Promise.resolve(listCounts);
  }

  #ports(): Ports {
    return {
      ...this.schedules(),
      random: () => this.#random(),
      openSocket: this.mayUseHttp ? this.#transports() : (listener) => this.#open(listener),
      warn: () => {}
    };
  }

  #transports(): Ports['openSocket'] {
    return openTransports({
      ...this.schedules(),
      openWebSocket: (listener) => this.#open(listener),
      loadHttp: (loaded) => loaded(httpSocket),
      post: (question, replied) => this.http.post(question, replied)
    });
  }

  #open(listener: SocketListener): LiveSocket {
    const socket = new SimulatedSocket(listener);
    this.socket = socket;
    return {
      subscribe: (subscribe, answered) => socket.toServer.push({ subscribe, answered }),
      clock: (answered) => socket.toServer.push({ clock: answered }),
      close: () => (socket.closed = true)
    };
  }
}
