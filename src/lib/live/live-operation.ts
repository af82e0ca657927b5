/**
 * One operation, live, for the detail page: its newest row, whether it is gone, and when the page's other parts
 * (failures, diagnostics) have to be read again. Framework-free; `operation-feed.svelte.ts` only makes it reactive.
 * Invariant: the row never goes back to an older revision, and after a change of access it counts as gone until a page
 * read with the new access shows it again.
 */
import type { OperationRow } from '../operations/operation.ts';
import type { DetailPage } from '../operations/pages.ts';
import type { Ports } from './ports.ts';
import type { RowsChanged } from './protocol.ts';
import { MARK_MS } from './row-marks.ts';
import { Subscription, type FeedOptions, type FeedTime, type SubscriptionOwner, type Watched } from './subscription.ts';

/** A failed operation is watched by many: their pages are not read again at once. */
const REREAD_JITTER_MS = 500;

export interface OperationView {
  readonly row: OperationRow;
  /** not (or no longer) to be seen here */
  readonly gone: boolean;
  /** access changed: nothing of the page may be shown until it has been read again */
  readonly withheld: boolean;
  /** changed within the last seconds */
  readonly changed: boolean;
}

export class LiveOperation implements SubscriptionOwner {
  #row: OperationRow;
  /** what the page's other parts were read with */
  #page: DetailPage;
  /** revision as of which the row is not here; null: it is */
  #goneAt: number | null = null;
  #incomparable = false;
  #withheld = false;
  #markedUntil = -Infinity;
  #view: OperationView;
  readonly #subscription: Subscription;
  readonly #ports: Ports;
  readonly #draw: (view: OperationView) => void;
  readonly #tick: (time: FeedTime) => void;

  constructor(
    page: DetailPage,
    parts: {
      options: FeedOptions;
      ports: Ports;
      draw: (view: OperationView) => void;
      tick: (time: FeedTime) => void;
    }
  ) {
    this.#page = page;
    this.#row = page.row;
    this.#ports = parts.ports;
    this.#draw = parts.draw;
    this.#tick = parts.tick;
    this.#view = { row: page.row, gone: false, withheld: false, changed: false };
    this.#subscription = new Subscription(page, watched(page.row), {
      ports: parts.ports,
      options: parts.options,
      owner: this
    });
    parts.draw(this.#view);
    this.changed();
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

  /** Takes a page that the load gave; another operation replaces this one. */
  adopt(page: DetailPage): void {
    if (page.token === this.#page.token) return;
    const same = page.row.id === this.#row.id && !this.#incomparable && !this.#withheld;
    this.#page = page;
    if (!same || page.row.revision >= this.#row.revision) {
      if (!same || page.row.revision >= (this.#goneAt ?? -1)) this.#goneAt = null;
      this.#row = page.row;
    }
    this.#incomparable = false;
    this.#withheld = false;
    const { name } = this.#subscription.connection;
    this.#subscription.adopted(page, watched(this.#row), same && (name === 'live' || name === 'rebasing'));
  }

  rows(changes: RowsChanged): void {
    if (this.#incomparable || this.#withheld) return;
    const { id } = this.#row;
    for (const row of changes.rows) {
      if (row.id !== id || row.revision <= this.#row.revision || row.revision < (this.#goneAt ?? -1)) continue;
      this.#row = row;
      this.#goneAt = null;
      this.#markedUntil = this.#ports.moment().mono + MARK_MS;
    }
    for (const [gone, revision] of changes.removed) {
      if (gone === id && revision > this.#row.revision) this.#goneAt = Math.max(revision, this.#goneAt ?? revision);
    }
    this.changed();
  }

  windowRead(): void {} // of lists only
  // The page of one operation shows no numbers of its scope.
  summaries(): void {}
  summary(): void {}

  flush(): void {} // one row is not worth gathering

  purge(): void {
    this.#withheld = true;
    this.#goneAt = null;
    this.changed();
  }

  loseStream(): void {
    this.#incomparable = true;
  }

  changed(): void {
    const gone = this.#goneAt !== null || this.#withheld;
    const changed = this.#ports.moment().mono < this.#markedUntil;
    const withheld = this.#withheld;
    const view = this.#view;
    const isSame = view.row === this.#row && view.gone === gone && view.withheld === withheld;
    if (!isSame || view.changed !== changed) {
      this.#view = { row: this.#row, gone, withheld, changed };
      this.#draw(this.#view);
    }
    if (this.#subscription.connection.name === 'live' && this.#pageIsOutdated()) {
      this.#subscription.refresh(REREAD_JITTER_MS * this.#ports.random());
    }
    this.#tick(this.#subscription.time);
  }

  /** Failures and the silence limit come with the page, and change only with these; a row that left may have moved. */
  #pageIsOutdated(): boolean {
    const { row } = this.#page;
    if (this.#goneAt !== null) return true;
    return (
      row.status !== this.#row.status ||
      row.outcome !== this.#row.outcome ||
      row.failure?.message !== this.#row.failure?.message ||
      row.environmentId !== this.#row.environmentId
    );
  }
}

function watched({ id, workspaceId, environmentId }: OperationRow): Watched {
  return { scope: { workspaceId, environmentId }, window: { kind: 'operation', id }, summaries: 'scope' };
}
