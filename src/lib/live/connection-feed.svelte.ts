/**
 * The connection as a component sees it. Thin: `LiveConnection` does the work, this file only turns its views into runes.
 * On the server and until `start` it shows that nothing was measured yet.
 */
import type { FeedOptions } from './subscription.ts';
import { LiveConnection, type ConnectionPage, type ConnectionView, type HttpReply } from './live-connection.ts';
import { browserPorts, journal, type Ports } from './ports.ts';

export class ConnectionFeed {
  #view = $state.raw() as ConnectionView;
  readonly #live: LiveConnection;

  /** Does nothing in the world until `start`, so it may be made while rendering on the server. */
  constructor(
    page: ConnectionPage,
    options: Pick<FeedOptions, 'refresh' | 'leave'> & { askHttp: () => Promise<HttpReply> },
    ports: Ports = browserPorts
  ) {
    const { askHttp, ...rest } = options;
    this.#live = new LiveConnection(page, {
      options: rest,
      ports,
      askHttp,
      record: () => journal.record,
      draw: (view) => (this.#view = view)
    });
  }

  get view(): ConnectionView {
    return this.#view;
  }

  tryNow(): void {
    this.#live.tryNow();
  }
  /** The load ran again. The page of the constructor again changes nothing. */
  adopt(page: ConnectionPage): void {
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
