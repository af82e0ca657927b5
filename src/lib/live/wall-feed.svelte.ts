/**
 * The live wall as a component sees it. Thin: `LiveWall` does the work, this file only turns its views into runes. On the
 * server and until `start` it shows the page as it was read, and says that it is connecting.
 */
import type { WallData, WallPage } from '../operations/wall-data.ts';
import { LiveWall } from './live-wall.ts';
import { displayPorts, type Ports } from './ports.ts';
import type { Stamp } from './proof.ts';
import type { FeedOptions, FeedTime } from './subscription.ts';

export class WallFeed {
  #data = $state.raw() as WallData;
  #time = $state.raw() as FeedTime;
  readonly #live: LiveWall;

  /** Does nothing in the world until `start`, so it may be made while rendering on the server. */
  constructor(page: WallPage, options: FeedOptions, ports: Ports = displayPorts) {
    this.#live = new LiveWall(page, {
      options,
      ports,
      draw: (data) => (this.#data = data),
      tick: (time) => (this.#time = time)
    });
  }

  get data(): WallData {
    return this.#data;
  }
  get stamp(): Stamp {
    return this.#time.stamp;
  }
  /** server time in milliseconds, moved each second; until started the time at which the page was read */
  get now(): number {
    return this.#time.now;
  }
  /** the newest instant at which what is on screen was proven; not reactive */
  get provenAt(): number | null {
    return this.#live.provenAt;
  }

  tryNow(): void {
    this.#live.tryNow();
  }
  /** The page was read again (a resync, new names or settings, another minute). */
  adopt(page: WallPage): void {
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
