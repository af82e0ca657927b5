/**
 * One list, live: joins the window (`list-window.ts`), the numbers of its scope, the subscription and the drawing.
 * Framework-free, so that it can be tested whole; `operations-feed.svelte.ts` only makes it reactive. Changes are gathered
 * and drawn once a frame.
 * Invariants: what is shown as proven is complete: a page adopted while live is kept aside (`#next`) until it has been
 * caught up with, and every change in between goes to both windows; while paused, what is on screen stays, numbers too.
 */
import type { OperationRow } from '../operations/operation.ts';
import type { HubPage, ListCounts } from '../operations/pages.ts';
import type { Summary } from '../operations/summary.ts';
import { adoptPage, adoptRead, isSameView } from './adopt-page.ts';
import { announce, note, SILENT } from './announcements.ts';
import { batchSize, emptyBatch, gather, toChanges } from './batch.ts';
import { CountsRefresh } from './counts-refresh.ts';
import * as windows from './list-window.ts';
import type { Ports, Stop } from './ports.ts';
import { LONGEST_QUERY, type RowsChanged, type WindowRead } from './protocol.ts';
import { RowMarks } from './row-marks.ts';
import { Subscription, type FeedOptions, type FeedTime, type SubscriptionOwner, type Watched } from './subscription.ts';
import { SummaryKeeper } from './summary-keeper.ts';

/** More distinct rows than this are applied without waiting for a frame: the buffer is bounded. */
const LARGE_BATCH = 500;
/** Clients whose look-ahead ran out by the same burst do not all read at once. */
const REFILL_JITTER_MS = 500;

/** What is counted: of the scope, and of the list. */
interface Numbers {
  /** of the whole scope, whatever the list's filter; null = unknown, never zero */
  readonly summary: Summary | null;
  /** null = unknown */
  readonly listCounts: ListCounts | null;
}

export interface ListView extends Numbers {
  readonly rows: OperationRow[];
  readonly changed: ReadonlySet<number>;
  /** ids among `rows` that are not here any more: draw their lines empty */
  readonly gone: ReadonlySet<number>;
  readonly waiting: number;
  /** more wait than are counted: nobody told how many */
  readonly waitingIsMore: boolean;
  readonly paused: boolean;
  readonly pausedAt: number | null;
  /** access changed: nothing of the page may be shown until it has been read again */
  readonly withheld: boolean;
  /** less is drawn than there is: the rest is being read */
  readonly short: boolean;
}

export interface TimeView extends FeedTime {
  readonly liveSince: number | null;
  readonly announcement: string;
}

export class LiveList implements SubscriptionOwner {
  #window: windows.ListWindow;
  /** the window of a page that is being caught up with while the present one stays on screen */
  #next: windows.ListWindow | null = null;
  #batch = emptyBatch();
  #stopFrame: Stop | null = null;
  #announcements = SILENT;
  #pausedAt: number | null = null;
  /** the numbers as they were drawn when it was paused */
  #still: Numbers | null = null;
  #listCounts: ListCounts | null;
  #pageToken: string;
  #view: ListView;
  readonly #marks = new RowMarks();
  readonly #summaries: SummaryKeeper;
  readonly #counts: CountsRefresh | null;
  readonly #subscription: Subscription;
  readonly #ports: Ports;
  readonly #draw: (view: ListView) => void;
  readonly #tick: (view: TimeView) => void;

  constructor(
    page: HubPage,
    parts: { options: FeedOptions; ports: Ports; draw: (view: ListView) => void; tick: (view: TimeView) => void }
  ) {
    const { options, ports } = parts;
    this.#window = windows.openWindow(page);
    this.#summaries = new SummaryKeeper(page.summaries, 'scope');
    this.#listCounts = page.listCounts;
    this.#pageToken = page.token;
    this.#ports = ports;
    this.#draw = parts.draw;
    this.#tick = parts.tick;
    const { readCounts } = options;
    this.#counts = readCounts ? new CountsRefresh(ports, readCounts, (counts) => this.takeCounts(counts)) : null;
    this.#subscription = new Subscription(page, watched(page, this.#window), { ports, options, owner: this });
    this.#view = this.#toView();
    parts.draw(this.#view);
    this.#showTime();
  }

  start(): void {
    this.#subscription.start();
  }

  close(): void {
    this.#stopFrame?.();
    this.#stopFrame = null;
    this.#counts?.supersede();
    this.#subscription.close();
  }

  tryNow(): void {
    this.#subscription.tryNow();
  }

  engage(on: boolean): void {
    this.#change((window) => windows.engage(window, on));
  }

  atTop(on: boolean): void {
    this.#change((window) => windows.scrolled(window, on));
  }

  showWaiting(): void {
    this.flush();
    if (this.#window.paused) this.#holdStill(this.#subscription.now);
    this.#change(windows.showWaiting);
  }

  pause(): void {
    if (this.#window.paused) return;
    this.flush();
    this.#holdStill(this.#subscription.now);
    this.#change(windows.pause);
  }

  resume(): void {
    this.flush();
    this.#pausedAt = null;
    this.#still = null;
    this.#change(windows.resume);
  }

  /** Takes counts of the list as it is filtered now, unless there are newer ones. */
  takeCounts(counts: ListCounts): void {
    if (this.#listCounts !== null && this.#listCounts.at > counts.at) return;
    this.#listCounts = counts;
    this.#show(this.#window, false);
  }

  /** Takes a page that the load gave; the page of the constructor again changes nothing. */
  adopt(page: HubPage): void {
    if (page.token === this.#pageToken) return;
    this.#pageToken = page.token;
    this.flush();
    const { name } = this.#subscription.connection;
    const sameView = isSameView(this.#window, page);
    const proven = (name === 'live' || name === 'rebasing') && this.#window.lost === null;
    const held = proven && sameView;
    const merged = adoptPage(this.#window, page, this.#subscription.judgedAt);
    if (merged.scope.workspaceId !== this.#window.scope.workspaceId) this.#summaries.setApart();
    this.#summaries.adopt(page.summaries, Math.max(page.readAt, this.#subscription.judgedAt));
    if (!sameView || (this.#listCounts?.at ?? -Infinity) <= page.listCounts.at) this.#listCounts = page.listCounts;
    this.#counts?.supersede();
    // Another view replaces what is on screen also while paused, its numbers with it.
    if (merged.paused && merged.shown !== this.#window.shown && !held) this.#holdStill(page.readAt);
    if (held) {
      this.#next = merged;
      this.#show(this.#window, false);
    } else {
      this.#next = null;
      this.#show(merged, sameView);
    }
    this.#subscription.adopted(page, watched(page, merged), held);
  }

  // What the subscription hands over.

  rows(changes: RowsChanged): void {
    if (changes.rows.length + changes.removed.length === 0) return;
    gather(this.#batch, changes);
    this.#summaries.hear(changes.rows);
    this.#counts?.noticed();
    if (batchSize(this.#batch) > LARGE_BATCH) this.flush();
    else this.#stopFrame ??= this.#ports.onFrame(() => this.flush());
  }

  /** The list as the hub read it after a burst, in one drawing with what was about to be drawn. */
  windowRead(read: WindowRead): void {
    const at = this.#subscription.judgedAt;
    const batch = this.#takeBatch();
    this.#summaries.hear([...read.rows, ...read.changes.rows]);
    this.#counts?.noticed();
    this.#change((window) => adoptRead(windows.applyChanges(window, batch, at), read, at), true);
  }

  summaries(all: readonly Summary[]): void {
    this.#summaries.replace(all);
    this.#drawSoon();
  }

  summary(one: Summary): void {
    this.#summaries.take(one, this.#subscription.judgedAt);
    this.#counts?.noticed();
    this.#drawSoon();
  }

  flush(): void {
    if (this.#stopFrame === null && batchSize(this.#batch) === 0) return;
    const changes = this.#takeBatch();
    const at = this.#subscription.judgedAt;
    this.#change((window) => windows.applyChanges(window, changes, at));
    if (windows.isShort(this.#window)) this.#refill();
  }

  purge(): void {
    this.#batch = emptyBatch();
    this.#next = null;
    this.#marks.clear();
    this.#summaries.purge();
    this.#listCounts = null;
    this.#counts?.supersede();
    if (this.#still !== null) this.#still = { summary: null, listCounts: null };
    this.#show(windows.purge(this.#window), false);
  }

  loseStream(): void {
    this.#batch = emptyBatch();
    this.#summaries.setApart();
    this.#window = windows.loseStream(this.#next ?? this.#window);
    this.#next = null;
    this.#show(this.#window, false);
  }

  changed(): void {
    const { name } = this.#subscription.connection;
    if (this.#next !== null && name !== 'rebasing') {
      const next = this.#next;
      this.#next = null;
      this.#show(next, true);
    }
    const isLive = this.#subscription.stamp.state === 'live';
    if (isLive) {
      // Without a proof nobody knows whether a row was reported on since: then time decides nothing.
      const at = this.#subscription.judgedAt;
      this.#change((window) => windows.reconsider(window, at));
    }
    this.#refill();
    this.#marks.expire(this.#ports.moment().mono);
    this.#show(this.#window, false);
    this.#counts?.second(isLive && !this.#window.paused);
    this.#showTime();
  }

  /** Has the page read again where the window lacks something; once for all who ask meanwhile. */
  #refill(): void {
    const { name } = this.#subscription.connection;
    if (this.#next !== null || name !== 'live' || windows.refreshReason(this.#window) === null) return;
    this.#subscription.refresh(REFILL_JITTER_MS * this.#ports.random());
  }

  #takeBatch(): RowsChanged {
    this.#stopFrame?.();
    this.#stopFrame = null;
    const changes = toChanges(this.#batch);
    this.#batch = emptyBatch();
    return changes;
  }

  #drawSoon(): void {
    this.#stopFrame ??= this.#ports.onFrame(() => this.flush());
  }

  /** Changes what is on screen, and the window that will follow it alike. */
  #change(how: (window: windows.ListWindow) => windows.ListWindow, atLeast = false): void {
    if (this.#next !== null) this.#next = how(this.#next);
    this.#show(how(this.#window), true, atLeast);
  }

  #holdStill(pausedAt: number): void {
    this.#pausedAt = pausedAt;
    this.#still = this.#numbers();
  }

  #numbers(): Numbers {
    return { summary: this.#summaries.merged, listCounts: this.#listCounts };
  }

  /** Puts a window on screen; with `marking`, rows that differ are marked and counted (`atLeast`: more may have changed). */
  #show(window: windows.ListWindow, marking: boolean, atLeast = false): void {
    const was = this.#window;
    this.#window = window;
    if (marking && was !== window) {
      const seen = this.#marks.mark(was, window, this.#ports.moment().mono);
      this.#announcements = note(this.#announcements, seen, atLeast);
    }
    const view = this.#toView();
    const same = (Object.keys(view) as (keyof ListView)[]).every((part) => view[part] === this.#view[part]);
    if (same) return;
    this.#view = view;
    this.#draw(view);
  }

  #toView(): ListView {
    const { shown: rows, gone, waiting, paused, lost } = this.#window;
    const withheld = lost === 'rows';
    const { summary, listCounts } = this.#still ?? this.#numbers();
    return {
      rows,
      gone,
      waitingIsMore: windows.isMoreWaiting(this.#window),
      waiting,
      paused,
      withheld,
      short: windows.isShort(this.#window),
      pausedAt: this.#pausedAt,
      changed: this.#marks.ids,
      summary,
      listCounts
    };
  }

  #showTime(): void {
    const { time, liveSince } = this.#subscription;
    this.#announcements = announce(this.#announcements, this.#ports.moment().mono);
    this.#tick({ ...time, liveSince, announcement: this.#announcements.text });
  }
}

/** An address that is too long for the wire is said as one that nobody can read: then the page reads itself anew. */
const TOO_LONG = 'rows=0';

function watched({ query }: HubPage, { scope }: windows.ListWindow): Watched {
  const sent = query.length > LONGEST_QUERY ? TOO_LONG : query;
  return { scope, window: { kind: 'list', query: sent }, summaries: 'scope' };
}
