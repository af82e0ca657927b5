/**
 * The live list as a component sees it: reactive values and a few verbs. Thin: `LiveList` does the work, this file only
 * turns its views into runes. On the server and until `start` it shows the page as it was read, and says that it is
 * connecting. Invariant: `rows` is exactly what to draw, at most a page, in the list's order.
 */
import type { OperationRow } from '../operations/operation.ts';
import type { HubPage, ListCounts } from '../operations/pages.ts';
import type { Summary } from '../operations/summary.ts';
import { LiveList, type ListView, type TimeView } from './live-list.ts';
import { browserPorts, type Ports } from './ports.ts';
import type { Stamp } from './proof.ts';
import type { FeedOptions } from './subscription.ts';

export class OperationsFeed {
  #list = $state.raw() as ListView;
  #time = $state.raw() as TimeView;
  readonly #live: LiveList;

  /** Does nothing in the world until `start`, so it may be made while rendering on the server. */
  constructor(page: HubPage, options: FeedOptions, ports: Ports = browserPorts) {
    this.#live = new LiveList(page, {
      options,
      ports,
      draw: (view) => (this.#list = view),
      tick: (view) => (this.#time = view)
    });
  }

  get rows(): OperationRow[] {
    return this.#list.rows;
  }
  /** ids whose row changed or entered in the last seconds */
  get changed(): ReadonlySet<number> {
    return this.#list.changed;
  }
  /** ids among `rows` that left while the list was held: their lines stay, empty, until it is let go */
  get gone(): ReadonlySet<number> {
    return this.#list.gone;
  }
  /** how many new rows wait behind the pill; at most WAITING_LIMIT, which means "or more" */
  get waiting(): number {
    return this.#list.waiting;
  }
  /** more wait than were counted */
  get waitingIsMore(): boolean {
    return this.#list.waitingIsMore;
  }
  /** access changed: nothing of the page may be shown until it has been read again */
  get withheld(): boolean {
    return this.#list.withheld;
  }
  /** less is drawn than there is: the rest is being read */
  get short(): boolean {
    return this.#list.short;
  }
  get paused(): boolean {
    return this.#list.paused;
  }
  get pausedAt(): number | null {
    return this.#list.pausedAt;
  }
  /** the numbers of the whole scope, whatever the filter; as of the pause while paused; null = unknown, never zero */
  get summary(): Summary | null {
    return this.#list.summary;
  }
  /** the page's, read again at most every ten seconds; null = unknown */
  get listCounts(): ListCounts | null {
    return this.#list.listCounts;
  }
  get stamp(): Stamp {
    return this.#time.stamp;
  }
  /** server time in milliseconds, moved each second; until started the time at which the page was read */
  get now(): number {
    return this.#time.now;
  }
  /** server time at which what this person may see changed, for a minute: the page says so in one line */
  get accessChangedAt(): number | null {
    return this.#time.accessChangedAt;
  }
  get liveSince(): number | null {
    return this.#time.liveSince;
  }
  get announcement(): string {
    return this.#time.announcement;
  }

  /** Pointer, focus or selection is in the list: new rows wait. */
  engage(on: boolean): void {
    this.#live.engage(on);
  }
  /** Is the list scrolled to its top? */
  atTop(on: boolean): void {
    this.#live.atTop(on);
  }
  showWaiting(): void {
    this.#live.showWaiting();
  }
  pause(): void {
    this.#live.pause();
  }
  resume(): void {
    this.#live.resume();
  }
  /** Counts of this list that were read otherwise; older ones than there are change nothing. */
  takeCounts(counts: ListCounts): void {
    this.#live.takeCounts(counts);
  }
  tryNow(): void {
    this.#live.tryNow();
  }
  /** The load ran again (navigation, resync): merges by revision. The page of the constructor again changes nothing. */
  adopt(page: HubPage): void {
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
