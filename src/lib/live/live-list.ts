/**
 * One list, live: joins the window (`list-window.ts`), the subscription and the drawing. Framework-free, so that it can be
 * tested whole; `operations-feed.svelte.ts` only makes it reactive. Changes are gathered and drawn once a frame.
 * Invariants: what is shown as proven is complete: a page adopted while live is kept aside (`#next`) until it has been
 * caught up with, and every change in between goes to both windows.
 */
import { byNewest, type OperationRow } from '../operations/operation.ts';
import type { HubPage } from '../operations/pages.ts';
import { adoptPage, isSameView } from './adopt-page.ts';
import { announce, note, SILENT } from './announcements.ts';
import { batchSize, emptyBatch, gather, toChanges } from './batch.ts';
import * as windows from './list-window.ts';
import type { Ports, Stop } from './ports.ts';
import type { Stamp } from './proof.ts';
import type { RowsChanged } from './protocol.ts';
import { Subscription, type FeedOptions, type SubscriptionOwner } from './subscription.ts';

/** How long a changed row keeps its mark. */
export const MARK_MS = 4_000;
/** More distinct rows than this are applied without waiting for a frame: the buffer is bounded. */
const LARGE_BATCH = 500;
/** Clients whose look-ahead ran out by the same burst do not all read at once. */
const REFILL_JITTER_MS = 500;

export interface ListView {
  readonly rows: OperationRow[];
  readonly changed: ReadonlySet<number>;
  /** ids among `rows` that are not here any more: draw their lines empty */
  readonly gone: ReadonlySet<number>;
  readonly waiting: number;
  readonly paused: boolean;
  readonly pausedAt: number | null;
}

export interface TimeView {
  readonly stamp: Stamp;
  readonly now: number;
  readonly liveSince: number | null;
  readonly announcement: string;
}

export class LiveList implements SubscriptionOwner {
  #window: windows.ListWindow;
  /** the window of a page that is being caught up with while the present one stays on screen */
  #next: windows.ListWindow | null = null;
  #batch = emptyBatch();
  #stopFrame: Stop | null = null;
  /** id → monotonic time at which its mark goes */
  #marks = new Map<number, number>();
  #announcements = SILENT;
  #pausedAt: number | null = null;
  #pageToken: string;
  #view: ListView;
  readonly #subscription: Subscription;
  readonly #ports: Ports;
  readonly #draw: (view: ListView) => void;
  readonly #tick: (view: TimeView) => void;

  constructor(
    page: HubPage,
    parts: { options: FeedOptions; ports: Ports; draw: (view: ListView) => void; tick: (view: TimeView) => void }
  ) {
    this.#window = windows.openWindow(page);
    this.#pageToken = page.token;
    this.#ports = parts.ports;
    this.#draw = parts.draw;
    this.#tick = parts.tick;
    this.#view = {
      rows: this.#window.shown,
      changed: new Set(),
      gone: this.#window.gone,
      waiting: 0,
      paused: false,
      pausedAt: null
    };
    this.#subscription = new Subscription(page, this.#window.scope, {
      ports: parts.ports,
      options: parts.options,
      owner: this
    });
    parts.draw(this.#view);
    this.#showTime();
  }

  start(): void {
    this.#subscription.start();
  }

  close(): void {
    this.#stopFrame?.();
    this.#stopFrame = null;
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
    if (this.#window.paused) this.#pausedAt = this.#subscription.now;
    this.#change(windows.showWaiting);
  }

  pause(): void {
    if (this.#window.paused) return;
    this.flush();
    this.#pausedAt = this.#subscription.now;
    this.#change(windows.pause);
  }

  resume(): void {
    this.flush();
    this.#pausedAt = null;
    this.#change(windows.resume);
  }

  /** Takes a page that the load gave; the page of the constructor again changes nothing. */
  adopt(page: HubPage): void {
    if (page.token === this.#pageToken) return;
    this.#pageToken = page.token;
    this.flush();
    const { name } = this.#subscription.connection;
    const proven = (name === 'live' || name === 'rebasing') && this.#window.lost === null;
    const held = proven && isSameView(this.#window, page);
    const merged = adoptPage(this.#window, page);
    if (held) this.#next = merged;
    else {
      const sameView = isSameView(this.#window, page);
      this.#next = null;
      if (merged.paused && merged.shown !== this.#window.shown) this.#pausedAt = page.readAt;
      this.#show(merged, sameView);
    }
    this.#subscription.adopted(page, merged.scope, held);
  }

  // What the subscription hands over.

  rows(changes: RowsChanged): void {
    gather(this.#batch, changes);
    if (batchSize(this.#batch) > LARGE_BATCH) this.flush();
    else this.#stopFrame ??= this.#ports.onFrame(() => this.flush());
  }

  flush(): void {
    this.#stopFrame?.();
    this.#stopFrame = null;
    if (batchSize(this.#batch) === 0) return;
    const changes = toChanges(this.#batch);
    this.#batch = emptyBatch();
    this.#change((window) => windows.applyChanges(window, changes));
  }

  purge(): void {
    this.#batch = emptyBatch();
    this.#next = null;
    this.#marks.clear();
    this.#show(windows.purge(this.#window), false);
  }

  loseStream(): void {
    this.#batch = emptyBatch();
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
    if (this.#next === null && name === 'live' && windows.refreshReason(this.#window) !== null) {
      this.#subscription.refresh(REFILL_JITTER_MS * this.#ports.random());
    }
    this.#expireMarks();
    this.#showTime();
  }

  /** Changes what is on screen, and the window that will follow it alike. */
  #change(how: (window: windows.ListWindow) => windows.ListWindow): void {
    if (this.#next !== null) this.#next = how(this.#next);
    this.#show(how(this.#window), true);
  }

  /** Puts a window on screen; with `marking`, rows that differ from what was known are marked and counted. */
  #show(window: windows.ListWindow, marking: boolean): void {
    const was = this.#window;
    this.#window = window;
    if (marking && was !== window) this.#mark(was, window);
    const { shown, gone, waiting, paused } = window;
    const view = this.#view;
    const marked =
      view.changed.size !== this.#marks.size || [...this.#marks.keys()].some((id) => !view.changed.has(id));
    const same =
      view.rows === shown && view.gone === gone && view.waiting === waiting && view.paused === paused && !marked;
    if (same && view.pausedAt === this.#pausedAt) return;
    this.#view = {
      rows: shown,
      gone,
      waiting,
      paused,
      pausedAt: this.#pausedAt,
      changed: marked ? new Set(this.#marks.keys()) : view.changed
    };
    this.#draw(this.#view);
  }

  #mark(was: windows.ListWindow, window: windows.ListWindow): void {
    const until = this.#ports.moment().mono + MARK_MS;
    const last = was.shown.at(-1);
    const before = new Map(was.shown.map((row) => [row.id, row.revision]));
    const seen = { entered: Math.max(0, window.waiting - was.waiting), changed: 0, left: 0 };
    for (const row of window.shown) {
      const revision = before.get(row.id);
      if (revision === row.revision) continue;
      if (revision !== undefined) seen.changed += 1;
      else if (last !== undefined && byNewest(row, last) > 0)
        continue; // came up from below: nothing new
      else if (was.waiting === 0) seen.entered += 1; // what waited was counted when it came
      this.#marks.set(row.id, until);
    }
    for (const row of was.shown) if (was.known.has(row.id) && !window.known.has(row.id)) seen.left += 1;
    const shown = new Set(window.shown.map((row) => row.id));
    for (const id of this.#marks.keys()) if (!shown.has(id)) this.#marks.delete(id);
    this.#announcements = note(this.#announcements, seen);
  }

  #expireMarks(): void {
    const now = this.#ports.moment().mono;
    for (const [id, until] of this.#marks) if (until <= now) this.#marks.delete(id);
    if (this.#marks.size !== this.#view.changed.size) this.#show(this.#window, false);
  }

  #showTime(): void {
    const { stamp, now, liveSince } = this.#subscription;
    this.#announcements = announce(this.#announcements, this.#ports.moment().mono);
    this.#tick({ stamp, now, liveSince, announcement: this.#announcements.text });
  }
}
