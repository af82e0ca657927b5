/**
 * What became of this tab's connections: which WebSockets opened, which connections were lost, how, and for how long. It
 * only watches: whoever opens a socket is handed the same socket. The connection page reads it.
 * Invariants: what the page itself ends (another page, a change of scope) is no loss; memory is bounded; no clock of its
 * own. One for a tab, since a person comes to the connection page from the page whose connection was lost.
 */
import type { LostLink } from './protocol.ts';
import type { Moment } from './server-clock.ts';
import type { LiveSocket, SocketListener } from './socket.ts';

/** Kept of each kind; how many there were is counted on. */
const MOST_KEPT = 20;
/** A connection that we end although it is open and said nothing for so long was silent (SILENCE_MS of subscription.ts). */
const SILENT_AFTER_MS = 7_500;
/** What did not open by then was given up because nothing came (OPEN_WITHIN_MS of transport.ts); earlier, the page went. */
const UNANSWERED_AFTER_MS = 3_500;
/** The socket itself gives up after ANSWER_TIMEOUT_MS; whoever refuses does so sooner. */
const TIMED_OUT_AFTER_MS = 9_500;

/** A WebSocket was tried. */
export interface Attempt {
  /** this computer's wall clock, ms */
  at: number;
  tookMs: number;
  /** `refused`: something answered, and no WebSocket came of it; `unanswered`: nothing came at all */
  outcome: 'opened' | 'refused' | 'unanswered';
}

/** A connection that had brought something was lost, or the server said that it cannot vouch for its data. */
export interface Loss {
  /** this computer's wall clock, ms */
  at: number;
  /** `stopped`: the server said that it stops; `closed`: by whoever stands between; `silent`: open, and nothing came */
  how: 'stopped' | 'closed' | 'silent' | LostLink;
  /** how long it had been open */
  lastedMs: number;
  /** until the next proof came; null = none came yet */
  backAfterMs: number | null;
}

export interface ConnectionRecord {
  /** since when it is kept: this computer's wall clock, ms */
  since: number;
  attempts: readonly Attempt[];
  losses: readonly Loss[];
  /** all there were, also those that are not kept any more */
  lossCount: number;
}

type Open = (listener: SocketListener) => LiveSocket;

export class Journal {
  readonly #since: number;
  #attempts: readonly Attempt[] = [];
  #losses: readonly Loss[] = [];
  #lossCount = 0;
  readonly #moment: () => Moment;

  constructor(moment: () => Moment) {
    this.#moment = moment;
    const { mono, wall } = moment();
    this.#since = wall - mono; // when the document was loaded
  }

  get record(): ConnectionRecord {
    return { since: this.#since, attempts: this.#attempts, losses: this.#losses, lossCount: this.#lossCount };
  }

  /** Around what opens WebSockets: whether they open at all. */
  watchAttempts(open: Open): Open {
    return (listener) => {
      const from = this.#moment();
      let isDecided = false;
      const tookMs = (): number => this.#moment().mono - from.mono;
      const decide = (outcome: Attempt['outcome']): void => {
        if (isDecided) return;
        isDecided = true;
        this.#attempts = keep(this.#attempts, { at: this.#moment().wall, tookMs: tookMs(), outcome });
      };
      const socket = open({
        ...listener,
        connected: () => {
          decide('opened');
          listener.connected();
        },
        disconnected: (isUnopened) => {
          if (isUnopened === true) decide(tookMs() < TIMED_OUT_AFTER_MS ? 'refused' : 'unanswered');
          listener.disconnected(isUnopened);
        },
        // Also a refusal for want of a session came over an open WebSocket.
        message: (message) => {
          decide('opened');
          listener.message(message);
        }
      });
      return {
        subscribe: (message, answered) => socket.subscribe(message, answered),
        clock: (answered) => socket.clock(answered),
        close() {
          if (tookMs() >= UNANSWERED_AFTER_MS) decide('unanswered');
          socket.close();
        }
      };
    };
  }

  /** Around what opens connections of any kind: how they end. */
  watchLosses(open: Open): Open {
    return (listener) => {
      const from = this.#moment().mono;
      let heardAt: number | null = null;
      let isStopping = false;
      let isOver = false;
      const lose = (how: Loss['how']): void => {
        if (isOver || heardAt === null) return;
        isOver = true;
        const { mono, wall } = this.#moment();
        this.#lose({ at: wall, how, lastedMs: mono - from, backAfterMs: null });
      };
      const socket = open({
        ...listener,
        disconnected: (isUnopened) => {
          lose(isStopping ? 'stopped' : 'closed');
          listener.disconnected(isUnopened);
        },
        message: (message) => {
          const { mono, wall } = this.#moment();
          heardAt = mono;
          if (message.event === 'server:closing') isStopping = true;
          if (message.event === 'session:ended') isOver = true; // ended, not lost
          if (message.event === 'feed:ticked') this.#proven();
          if (message.event === 'feed:halted' && !this.#isHalted())
            this.#lose({ at: wall, how: message.body.link, lastedMs: mono - from, backAfterMs: null });
          listener.message(message);
        }
      });
      return {
        subscribe: (message, answered) => socket.subscribe(message, answered),
        clock: (answered) => socket.clock(answered),
        close: () => {
          if (isStopping) lose('stopped');
          else if (heardAt !== null && this.#moment().mono - heardAt >= SILENT_AFTER_MS) lose('silent');
          isOver = true;
          socket.close();
        },
        get overHttp() {
          return socket.overHttp ?? false;
        }
      };
    };
  }

  #isHalted(): boolean {
    const last = this.#losses.at(-1);
    return last !== undefined && last.backAfterMs === null && !['stopped', 'closed', 'silent'].includes(last.how);
  }

  #lose(loss: Loss): void {
    this.#lossCount += 1;
    this.#losses = keep(this.#losses, loss);
  }

  #proven(): void {
    if (this.#losses.every(({ backAfterMs }) => backAfterMs !== null)) return;
    const { wall } = this.#moment();
    this.#losses = this.#losses.map((loss) =>
      loss.backAfterMs === null ? { ...loss, backAfterMs: Math.max(0, wall - loss.at) } : loss
    );
  }
}

function keep<T>(kept: readonly T[], one: T): readonly T[] {
  return [...kept, one].slice(-MOST_KEPT);
}
