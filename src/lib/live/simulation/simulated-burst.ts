/**
 * A burst as the hub tells it: nothing of it one by one; the list is read anew, and sent with all that was told since the
 * read began, once a pass of the feed came after it. It decides nothing: the world says when each happens.
 */
import { emptyBatch, gather, toChanges } from '../batch.ts';
import type { HubPage } from '../../operations/pages.ts';
import type { RowsChanged, WindowRead } from '../protocol.ts';

export class SimulatedBurst {
  #page: HubPage | null = null;
  #since = emptyBatch();
  #hasPassed = false;

  read(page: HubPage): void {
    if (this.#page === null) this.#page = page;
  }

  /** A pass of the feed, with all that it told. */
  passed(deltas: readonly RowsChanged[]): void {
    if (this.#page === null) return;
    for (const delta of deltas) gather(this.#since, delta);
    this.#hasPassed = true;
  }

  /** The message, when it may be sent. */
  message(): WindowRead | null {
    if (this.#page === null || !this.#hasPassed) return null;
    const { query, rows, position, readAt } = this.#page;
    return { query, rows, isFirst: position.isFirst, readAt, changes: toChanges(this.#since) };
  }
}
