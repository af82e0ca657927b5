/**
 * The time of the simulated world: both clocks of a browser, timers that run when time is moved on, sleep, and frames that
 * wait while the tab is hidden. Nothing happens by itself.
 */
import type { Ports, Stop } from '../ports.ts';

export class SimulatedTime {
  now = 1_000_000;
  slept = 0;
  wallSet = 0;
  /** while hidden nothing is drawn, so frames wait until the tab is shown */
  hidden = false;
  protected wokeAt = 0;
  #timers: { at: number; run: () => void }[] = [];
  #frames: (() => void)[] = [];
  #returns = new Set<() => void>();

  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = until;
  }

  /** The machine sleeps: time passes, timers and the monotonic clock stand still. */
  sleep(ms: number): void {
    this.wokeAt = this.now + ms;
    for (const timer of this.#timers) timer.at += ms;
    this.now += ms;
    this.slept += ms;
  }

  hide(): void {
    this.hidden = true;
  }

  show(): void {
    this.hidden = false;
    for (const run of this.#frames.splice(0)) run();
    for (const run of this.#returns) run();
  }

  /** The part of the ports that is time. */
  schedules(): Omit<Ports, 'random' | 'openSocket' | 'warn'> {
    return {
      moment: () => ({ mono: this.now - this.slept, wall: this.now + this.wallSet }),
      after: (ms, run) => this.#after(ms, run),
      everySecond: (run) => {
        let stop: Stop;
        const again = (): void => {
          stop = this.#after(1_000, again);
          run();
        };
        stop = this.#after(1_000, again);
        return () => stop();
      },
      onFrame: (run) => (this.hidden ? this.#whenShown(run) : this.#after(16, run)),
      onReturn: (run) => {
        this.#returns.add(run);
        return () => void this.#returns.delete(run);
      },
      isVisible: () => !this.hidden
    };
  }

  #after(ms: number, run: () => void): Stop {
    const timer = { at: this.now + ms, run };
    this.#timers.push(timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  #whenShown(run: () => void): Stop {
    this.#frames.push(run);
    return () => void (this.#frames = this.#frames.filter((frame) => frame !== run));
  }
}
