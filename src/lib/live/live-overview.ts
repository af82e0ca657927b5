/**
 * A workspace's environments, live: the newest numbers of each, and when the page's other parts (names, hours) have to be
 * read again. Framework-free; `overview-feed.svelte.ts` only makes it reactive. It keeps no rows: of those it only hears
 * that something was reported.
 * Invariant: numbers of one environment never go back to an older time, and after a change of access nothing is known
 * until a page read with the new access says it.
 */
import type { OverviewPage } from '../operations/pages.ts';
import type { Summary, SummaryPlace } from '../operations/summary.ts';
import type { Ports } from './ports.ts';
import type { RowsChanged } from './protocol.ts';
import { Subscription, type FeedOptions, type FeedTime, type SubscriptionOwner, type Watched } from './subscription.ts';
import { SummaryKeeper } from './summary-keeper.ts';

/** The hours come with the page only: while somebody looks, they are at most so old. */
export const REREAD_MS = 60_000;
const REREAD_JITTER_MS = 10_000;

export interface OverviewView {
  /** by environment, and 'itself' for the workspace's own operations; one that is missing is unknown, never zero */
  readonly summaries: ReadonlyMap<SummaryPlace, Summary>;
  /** access changed: nothing of the page may be shown until it has been read again */
  readonly withheld: boolean;
}

const NOTHING: ReadonlyMap<SummaryPlace, Summary> = new Map();

export class LiveOverview implements SubscriptionOwner {
  #page: OverviewPage;
  #withheld = false;
  #view: OverviewView;
  readonly #summaries: SummaryKeeper;
  readonly #subscription: Subscription;
  readonly #ports: Ports;
  readonly #draw: (view: OverviewView) => void;
  readonly #tick: (time: FeedTime) => void;

  constructor(
    page: OverviewPage,
    parts: {
      options: FeedOptions;
      ports: Ports;
      draw: (view: OverviewView) => void;
      tick: (time: FeedTime) => void;
    }
  ) {
    this.#page = page;
    this.#ports = parts.ports;
    this.#draw = parts.draw;
    this.#tick = parts.tick;
    this.#summaries = new SummaryKeeper(page.summaries, 'environments');
    this.#view = { summaries: this.#summaries.byPlace ?? NOTHING, withheld: false };
    this.#subscription = new Subscription(page, watched(page), {
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
    this.#subscription.close();
  }

  tryNow(): void {
    this.#subscription.tryNow();
  }

  /** Takes a page that the load gave; another workspace replaces this one. */
  adopt(page: OverviewPage): void {
    if (page.token === this.#page.token) return;
    const isSameWorkspace = page.workspace.id === this.#page.workspace.id;
    const same = isSameWorkspace && !this.#withheld;
    if (!isSameWorkspace) this.#summaries.setApart();
    this.#page = page;
    this.#withheld = false;
    this.#summaries.adopt(page.summaries, Math.max(page.readAt, this.#subscription.judgedAt));
    this.#show();
    const { name } = this.#subscription.connection;
    this.#subscription.adopted(page, watched(page), same && (name === 'live' || name === 'rebasing'));
  }

  // What the subscription hands over.

  rows(changes: RowsChanged): void {
    this.#summaries.hear(changes.rows);
    this.#show();
  }

  summaries(all: readonly Summary[]): void {
    this.#summaries.replace(all);
    this.#show();
  }

  summary(one: Summary): void {
    this.#summaries.take(one, this.#subscription.judgedAt);
    this.#show();
  }

  windowRead(): void {} // of lists only

  flush(): void {} // one number is not worth gathering

  purge(): void {
    this.#summaries.purge();
    this.#withheld = true;
    this.#show();
  }

  loseStream(): void {
    this.#summaries.setApart();
  }

  changed(): void {
    const { connection, now } = this.#subscription;
    if (connection.name === 'live' && this.#ports.isVisible() && now - this.#page.readAt > REREAD_MS) {
      this.#subscription.refresh(REREAD_JITTER_MS * this.#ports.random());
    }
    this.#showTime();
  }

  #show(): void {
    const view: OverviewView = { summaries: this.#summaries.byPlace ?? NOTHING, withheld: this.#withheld };
    if (view.summaries === this.#view.summaries && view.withheld === this.#view.withheld) return;
    this.#view = view;
    this.#draw(view);
  }

  #showTime(): void {
    this.#tick(this.#subscription.time);
  }
}

function watched({ workspace }: OverviewPage): Watched {
  const scope = { workspaceId: workspace.id, environmentId: null };
  return { scope, window: { kind: 'numbers' }, summaries: 'environments' };
}
