/**
 * One live operation as the detail page sees it. Thin: `LiveOperation` does the work, this file only turns its views into
 * runes. Invariant: `row` never goes back to an older revision of the same operation.
 */
import type { OperationRow } from '../operations/operation.ts';
import type { DetailPage } from '../operations/pages.ts';
import { LiveOperation, type OperationView } from './live-operation.ts';
import { browserPorts, type Ports } from './ports.ts';
import type { Stamp } from './proof.ts';
import type { FeedOptions, FeedTime } from './subscription.ts';

export class OperationFeed {
  #operation = $state.raw() as OperationView;
  #time = $state.raw() as FeedTime;
  readonly #live: LiveOperation;

  /** Does nothing in the world until `start`, so it may be made while rendering on the server. */
  constructor(page: DetailPage, options: FeedOptions, ports: Ports = browserPorts) {
    this.#live = new LiveOperation(page, {
      options,
      ports,
      draw: (view) => (this.#operation = view),
      tick: (view) => (this.#time = view)
    });
  }

  get row(): OperationRow {
    return this.#operation.row;
  }
  /** removed, moved or no longer to be seen; the page is being read again to say which */
  get gone(): boolean {
    return this.#operation.gone;
  }
  /** access changed: nothing of the page may be shown until it has been read again */
  get withheld(): boolean {
    return this.#operation.withheld;
  }
  get changed(): boolean {
    return this.#operation.changed;
  }
  get stamp(): Stamp {
    return this.#time.stamp;
  }
  get now(): number {
    return this.#time.now;
  }
  /** server time at which what this person may see changed, for a minute: the page says so in one line */
  get accessChangedAt(): number | null {
    return this.#time.accessChangedAt;
  }

  tryNow(): void {
    this.#live.tryNow();
  }
  adopt(page: DetailPage): void {
    this.#live.adopt(page);
  }
  /** Browser only, in an effect; `close` undoes it, and it may be started again. */
  start(): void {
    this.#live.start();
  }
  close(): void {
    this.#live.close();
  }
}
