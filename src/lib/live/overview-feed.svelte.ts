/**
 * The live overview as a component sees it. Thin: `LiveOverview` does the work, this file only turns its views into runes.
 * On the server and until `start` it shows the page as it was read, and says that it is connecting.
 */
import type { OverviewPage } from '../operations/pages.ts';
import type { Summary, SummaryPlace } from '../operations/summary.ts';
import { LiveOverview, type OverviewView } from './live-overview.ts';
import { browserPorts, type Ports } from './ports.ts';
import type { Stamp } from './proof.ts';
import type { FeedOptions, FeedTime } from './subscription.ts';

export class OverviewFeed {
  #overview = $state.raw() as OverviewView;
  #time = $state.raw() as FeedTime;
  readonly #live: LiveOverview;

  /** Does nothing in the world until `start`, so it may be made while rendering on the server. */
  constructor(page: OverviewPage, options: FeedOptions, ports: Ports = browserPorts) {
    this.#live = new LiveOverview(page, {
      options,
      ports,
      draw: (view) => (this.#overview = view),
      tick: (view) => (this.#time = view)
    });
  }

  /** by environment, and 'itself' for the workspace's own operations; one that is missing is unknown, never zero */
  get summaries(): ReadonlyMap<SummaryPlace, Summary> {
    return this.#overview.summaries;
  }
  /** access changed: nothing of the page may be shown until it has been read again */
  get withheld(): boolean {
    return this.#overview.withheld;
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

  tryNow(): void {
    this.#live.tryNow();
  }
  /** The load ran again (navigation, resync, new names). The page of the constructor again changes nothing. */
  adopt(page: OverviewPage): void {
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
