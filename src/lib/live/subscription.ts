/**
 * Drives one connection: carries out what `connection.ts` decides (socket, timers, page loads), measures the server's
 * clock and knows the proof. It owns no rows: those go to its owner, in the order of the wire.
 * Invariants: rows are handed over only while subscribed or asking; before a proof is taken, everything that came before
 * it has been handed over; after `close` nothing runs and nothing is called.
 */
import type { ListCounts } from '../operations/pages.ts';
import type { Summary } from '../operations/summary.ts';
import { AccessNotice } from './access-notice.ts';
import { batchSize, emptyBatch, gather, toChanges } from './batch.ts';
import { openConnection, type Command, type Connection, type ConnectionEvent } from './connection.ts';
import { step } from './connection-table.ts';
import { PageRefresh } from './page-refresh.ts';
import type { Ports, Stop } from './ports.ts';
import { RECONNECTING_AFTER_MS, type Stamp } from './proof.ts';
import { ProofKeeper } from './proof-keeper.ts';
import {
  PROTOCOL_VERSION,
  type RowsChanged,
  type Subscribe,
  type SubscribeAnswer,
  type WindowRead
} from './protocol.ts';
import type { Moment } from './server-clock.ts';
import type { LiveSocket, ServerMessage } from './socket.ts';
import { toAnswerEvent, toMessageEvent } from './wire-events.ts';

/** Without any sign of the feed for four ticks a socket is dead, whatever TCP says (its own ping may take 45 s). */
export const SILENCE_MS = 8_000;
/** A ticker that comes later than this was held up (hidden tab, sleep): its silence proves nothing yet. */
const HELD_UP_MS = 2_500;
/** Distinct rows that may come before an answer; more means that it is too late to catch up this way. */
const MOST_EARLY = 2_000;

/** What page code does for the feed: the same three for lists, details and the overview, and one for lists. */
export interface FeedOptions {
  /** runs the page's load again; the page then calls `adopt` */
  refresh: () => Promise<void>;
  /** what is watched is absent, or the session ended: reload the page, which says so */
  leave: () => void;
  /** another version is deployed: load the page again when that helps; said again as long as it is so */
  reload: () => void;
  /** reads the counts of the list as it is filtered now; without it they stay the page's */
  readCounts?: (() => Promise<ListCounts>) | undefined;
}

/** What is subscribed to: where, what of it is on screen, and which numbers. */
export type Watched = Pick<Subscribe, 'scope' | 'window' | 'summaries'>;

/** Where the rows go. */
export interface SubscriptionOwner {
  /** changes of the stream or of a catch-up */
  rows(changes: RowsChanged): void;
  /** the list itself, read by the hub after a burst: rows that it does not have leave */
  windowRead(read: WindowRead): void;
  /** the numbers of all units that were joined: they replace what there is */
  summaries(all: readonly Summary[]): void;
  /** one unit's numbers moved */
  summary(one: Summary): void;
  /** apply what was handed over now: a proof covers it */
  flush(): void;
  purge(): void;
  loseStream(): void;
  /** state, proof or second changed */
  changed(): void;
}

/** What moves with each second, whatever is watched. */
export interface FeedTime {
  readonly stamp: Stamp;
  /** server time, moved each second */
  readonly now: number;
  /** server time at which what this person may see changed, for a minute */
  readonly accessChangedAt: number | null;
}

interface ReadPage {
  token: string;
  readAt: number;
}

export class Subscription {
  #connection: Connection;
  #watched: Watched;
  #socket: LiveSocket | null = null;
  /** rows that came before the answer to `subscribe`: applied after it, or never */
  #early = emptyBatch();
  /** numbers that came before it, the newest of each unit */
  #earlySummaries = new Map<Summary['place'], Summary>();
  #heardAt = 0;
  #secondAt = 0;
  #retryAt: number | null = null;
  #stopRetry: Stop = () => {};
  #stopEdge: Stop = () => {};
  #stops: Stop[] = [];
  readonly #warned = new Set<string>();
  readonly #proof: ProofKeeper;
  readonly #notice = new AccessNotice();
  readonly #refresh: PageRefresh;
  readonly #ports: Ports;
  readonly #options: FeedOptions;
  readonly #owner: SubscriptionOwner;

  constructor(
    page: ReadPage,
    watched: Watched,
    parts: { ports: Ports; options: FeedOptions; owner: SubscriptionOwner }
  ) {
    this.#watched = watched;
    this.#connection = openConnection(page.token);
    this.#ports = parts.ports;
    this.#options = parts.options;
    this.#owner = parts.owner;
    this.#refresh = new PageRefresh(parts.ports, parts.options.refresh, () => this.send({ type: 'refresh_failed' }));
    this.#proof = new ProofKeeper(page.readAt);
  }

  get connection(): Connection {
    return this.#connection;
  }
  get stamp(): Stamp {
    return this.#proof.stamp;
  }
  get time(): FeedTime {
    const accessChangedAt = this.#notice.at(this.#ports.moment().mono);
    return { stamp: this.stamp, now: this.now, accessChangedAt };
  }
  /** server time since which the stamp says live without a break */
  get liveSince(): number | null {
    return this.#proof.liveSince;
  }
  /** the best guess of the server's time, in milliseconds; until started the time at which the page was read */
  get now(): number {
    return this.#proof.now;
  }

  /**
   * The server's time by which rows are judged: the measured present, never too early, so that a row that was sent
   * because its time had come is not judged before it; while the clock is not known, the last proof.
   */
  get judgedAt(): number {
    return this.#proof.judgedAt(this.#ports.moment());
  }

  start(): void {
    if (this.#stops.length > 0) return;
    const at = this.#ports.moment();
    this.#proof.start(at);
    this.#secondAt = at.mono;
    this.#stops = [this.#ports.everySecond(() => this.#second()), this.#ports.onReturn(() => this.#returned())];
    this.send({ type: 'started' });
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#refresh.close();
    this.send({ type: 'left' });
    this.#stopRetry();
    this.#stopEdge();
  }

  /** A page was adopted. `held`: the window on screen stays as it was until this page has been caught up with. */
  adopted(page: ReadPage, watched: Watched, held: boolean): void {
    const [is, was] = [watched.scope, this.#watched.scope];
    const moved = is.workspaceId !== was.workspaceId || is.environmentId !== was.environmentId;
    this.#watched = watched;
    this.#refresh.adopted();
    if (!held) this.#proof.replace(page.readAt);
    this.send({ type: 'adopted', token: page.token, held, moved });
  }

  tryNow(): void {
    this.send({ type: 'try_now' });
  }

  /** Has the page read again, once for all who ask meanwhile. */
  refresh(afterMs = 0): void {
    if (this.#stops.length > 0) this.#refresh.ask(afterMs);
  }

  /** Takes an event through the table and does what it says; `then` runs if the event led to `live`. */
  send(event: ConnectionEvent, then?: () => void): void {
    const was = this.#connection.name;
    const [next, commands] = step(this.#connection, event, this.#ports.random());
    this.#connection = next;
    if (next.name !== was) {
      this.#stopRetry();
      this.#retryAt = null;
      if (next.name === 'live') this.#heardAt = this.#ports.moment().mono;
      if (next.name === 'waiting') this.#dropSocket();
    }
    for (const command of commands) this.#run(command);
    if (next.name === 'live') then?.();
    this.#changed();
  }

  #run(command: Command): void {
    switch (command.do) {
      case 'open':
        return this.#openSocket();
      case 'drop':
        return this.#dropSocket();
      case 'measure':
        return this.#measure();
      case 'subscribe':
        return this.#subscribe(command.token, command.attempt);
      case 'wait':
        this.#retryAt = this.#ports.moment().mono + command.ms;
        this.#stopRetry = this.#ports.after(command.ms, () => this.send({ type: 'retry_due' }));
        return;
      case 'refresh':
        return this.refresh(command.afterMs);
      case 'purge':
        this.#refresh.supersede(); // a page under way was read with the old access
        this.#notice.changed(this.now, this.#ports.moment().mono);
        return this.#owner.purge();
      case 'lose_stream':
        return this.#owner.loseStream();
      case 'leave':
        return this.#options.leave();
      case 'reload':
        return this.#options.reload();
    }
  }

  #openSocket(): void {
    this.#socket = this.#ports.openSocket({
      connected: () => this.send({ type: 'connected' }),
      disconnected: () => this.send({ type: 'disconnected' }),
      message: (message) => this.#receive(message),
      moved: () => this.send({ type: 'moved' }),
      malformed: (what) => {
        if (!this.#warned.has(what)) this.#ports.warn(`The server sent a message that this page cannot read: ${what}.`);
        this.#warned.add(what);
        this.send({ type: 'malformed' });
      }
    });
  }

  #dropSocket(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  #receive(message: ServerMessage): void {
    this.#heardAt = this.#ports.moment().mono;
    if (message.event === 'rows:changed') return this.#take(message.body);
    if (message.event === 'window:read') return this.#takeRead(message.body);
    if (message.event === 'summary:changed') return this.#takeSummary(message.body.summary);
    const event = toMessageEvent(message);
    if (event.type === 'ticked') this.send(event, () => this.#prove(event.proofAt));
    else this.send(event);
  }

  /** Rows count while subscribed; before the answer they wait, since what they build on is not there yet. */
  #take(changes: RowsChanged): void {
    const { name, ticks, unsettled } = this.#connection;
    if (name === 'subscribing' || name === 'rebasing') gather(this.#early, changes);
    if (batchSize(this.#early) > MOST_EARLY) this.send({ type: 'timed_out' });
    if (name !== 'live' && name !== 'halted') return;
    this.#owner.rows(changes);
    if (ticks === 0 && !unsettled) this.send({ type: 'told' });
  }

  /**
   * The list as it was at some time after the last tick: it replaces what came before it. While asking it counts for
   * nothing: the hub tells no list between a question and its answer, so it was read before the question was heard, and
   * the page and the answer hold all of that. The page may even be newer, and nobody would tell again what it would lose.
   */
  #takeRead(read: WindowRead): void {
    const { name } = this.#connection;
    const { window } = this.#watched;
    const isOwn = window.kind === 'list' && window.query === read.query;
    if (name !== 'live' && name !== 'halted') return;
    // Of another list: whatever made the hub read it, of ours nobody told.
    if (!isOwn) return this.send({ type: 'resync_required', reason: 'behind' });
    this.#applyRead(read);
  }

  /** What a catch-up knew beyond it comes again: until then no more is proven than what was read. */
  #applyRead(read: WindowRead): void {
    this.#proof.reach(read.readAt);
    this.#owner.windowRead(read);
    const { ticks, unsettled } = this.#connection;
    if (ticks === 0 && !unsettled) this.send({ type: 'told' });
    else this.#changed();
  }

  /** Numbers, like rows: those that come before the answer are put on top of it. */
  #takeSummary(summary: Summary): void {
    const { name } = this.#connection;
    if (name === 'subscribing' || name === 'rebasing') {
      if ((this.#earlySummaries.get(summary.place)?.at ?? -Infinity) < summary.at)
        this.#earlySummaries.set(summary.place, summary);
    } else if (name === 'live' || name === 'halted') this.#owner.summary(summary);
  }

  #subscribe(token: string, attempt: number): void {
    this.#forgetEarly();
    const asked = this.#ports.moment();
    const question: Subscribe = {
      protocol: PROTOCOL_VERSION,
      ...this.#watched,
      token
    };
    this.#socket?.subscribe(question, (answer) => {
      if (attempt !== this.#connection.attempt) return;
      if (answer === null) this.send({ type: 'timed_out' });
      else this.#answered(answer, attempt, asked);
    });
  }

  #answered(answer: SubscribeAnswer, attempt: number, asked: Moment): void {
    const early = batchSize(this.#early) > 0;
    this.send(toAnswerEvent(answer, attempt, early), () => {
      if (answer.result !== 'caught_up') return;
      this.#proof.learn(answer.now, asked, this.#ports.moment());
      this.#owner.rows({ rows: answer.rows, removed: answer.removed });
      if (early) this.#owner.rows(toChanges(this.#early));
      this.#owner.summaries(answer.summaries);
      for (const summary of this.#earlySummaries.values()) this.#owner.summary(summary);
      this.#prove(answer.proofAt);
    });
    this.#forgetEarly();
  }

  #forgetEarly(): void {
    this.#early = emptyBatch();
    this.#earlySummaries.clear();
  }

  /** Everything up to this database time has been handed over, so it is applied before it is claimed. */
  #prove(proofAt: number): void {
    this.#owner.flush();
    const doubtful = this.#proof.prove(proofAt, this.#ports.moment());
    if (doubtful) this.#measure();
  }

  #measure(): void {
    const asked = this.#ports.moment();
    this.#proof.asked(asked);
    this.#socket?.clock((now) => {
      if (now === null) return this.send({ type: 'timed_out' });
      this.#proof.learn(now, asked, this.#ports.moment());
      this.#changed();
    });
  }

  #second(): void {
    const at = this.#ports.moment();
    const heldUp = at.mono - this.#secondAt > HELD_UP_MS;
    this.#secondAt = at.mono;
    if (this.#isConnected() && this.#proof.isMeasureDue(at)) this.#measure();
    if (!heldUp && at.mono - this.#heardAt > SILENCE_MS) this.send({ type: 'silent' });
    else this.#changed();
  }

  /** Shown again or back on a network: whatever waited goes on at once, and the clock may have slept. */
  #returned(): void {
    this.#owner.flush();
    if (this.#isConnected()) this.#measure();
    this.send({ type: 'try_now' });
  }

  #isConnected(): boolean {
    return this.#socket !== null && this.#connection.name !== 'connecting';
  }

  #changed(): void {
    const at = this.#ports.moment();
    const { name, link, everCaughtUp } = this.#connection;
    this.#proof.restamp(at, {
      caughtUp: name === 'live' || name === 'rebasing',
      everCaughtUp,
      catchingUp: name === 'subscribing' || name === 'resyncing',
      overHttp: this.#socket?.overHttp ?? false,
      link: name === 'connecting' || name === 'waiting' ? 'browser' : link,
      retryInMs: this.#retryAt === null ? null : Math.max(0, this.#retryAt - at.mono)
    });
    // The ticker looks once a second; the edge of "live" must not be a second late.
    this.#stopEdge();
    const { state, ageMs } = this.stamp;
    if (state === 'live')
      this.#stopEdge = this.#ports.after(RECONNECTING_AFTER_MS - (ageMs ?? 0), () => this.#changed());
    this.#owner.changed();
  }
}
