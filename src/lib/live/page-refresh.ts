/**
 * Runs the page's load again, one at a time, for everyone who asks: a resync, an empty look-ahead, changed names. It
 * knows nothing of what the page holds. Invariant: whatever asks and however often, loads start at least MIN_GAP_MS apart,
 * further apart while they fail, and an asked-for load either is adopted or reported as failed.
 */
import type { Ports, Stop } from './ports.ts';

const MIN_GAP_MS = 1_000;
const LONGEST_GAP_MS = 30_000;
/** A load whose page was not adopted by then has failed. */
export const REFRESH_TIMEOUT_MS = 15_000;

export class PageRefresh {
  #state: 'none' | 'scheduled' | 'running' = 'none';
  #dueAt = 0;
  #startedAt = -Infinity;
  #failures = 0;
  /** changes with every start and end, so that a promise of an earlier load is not taken for the present one's */
  #turn = 0;
  #stop: Stop = () => {};
  readonly #ports: Ports;
  readonly #load: () => Promise<void>;
  readonly #failed: () => void;

  constructor(ports: Ports, load: () => Promise<void>, failed: () => void) {
    this.#ports = ports;
    this.#load = load;
    this.#failed = failed;
  }

  /** Asks for a load in so many milliseconds; what is under way or due earlier serves, too. */
  ask(afterMs: number): void {
    if (this.#state === 'running') return;
    const now = this.#ports.moment().mono;
    const gap = Math.min(LONGEST_GAP_MS, MIN_GAP_MS * 2 ** Math.min(this.#failures, 10));
    const dueAt = Math.max(now + afterMs, this.#startedAt + gap);
    if (this.#state === 'scheduled' && this.#dueAt <= dueAt) return;
    this.#stop();
    this.#state = 'scheduled';
    this.#dueAt = dueAt;
    this.#stop = this.#ports.after(dueAt - now, () => this.#run());
  }

  /** A load under way was read before something that it must know: it no longer counts. */
  supersede(): void {
    if (this.#state === 'running') this.#end();
  }

  /** A page came, asked for or not: nobody needs another one. */
  adopted(): void {
    this.#failures = 0;
    this.#end();
  }

  close(): void {
    this.#end();
  }

  #run(): void {
    this.#state = 'running';
    this.#startedAt = this.#ports.moment().mono;
    const turn = ++this.#turn;
    const fail = (): void => {
      if (turn !== this.#turn) return;
      this.#failures += 1;
      this.#end();
      this.#failed();
    };
    this.#stop = this.#ports.after(REFRESH_TIMEOUT_MS, fail);
    this.#load().catch(fail);
  }

  #end(): void {
    this.#stop();
    this.#turn += 1;
    this.#state = 'none';
  }
}
