/**
 * Stands for the feed: the state on screen, and a day of updates at any speed for the soak. Each update is a new WallData
 * as the real one makes them: new rows, new numbers, some environments worse, some better, now and then a flood or a loss.
 */
import type { WallData } from '#lib/operations/wall-data.ts';
import { dayUpdate } from './day.ts';
import { STATES, type WallState } from './states.ts';

export class Feed {
  state = $state.raw() as WallState;
  #step = 0;

  constructor(name: string) {
    this.show(name);
  }

  show(name: string): void {
    const make = STATES[name];
    if (!make) throw new Error(`There is no state "${name}". States: ${Object.keys(STATES).join(', ')}.`);
    this.state = make();
  }

  /** The minute before: proofs came as long as the state says so. */
  lookBack(flush: () => void): void {
    if (this.state.kind !== 'wall') return;
    const { state } = this;
    const lostFor = state.stamp.state === 'live' ? 0 : (state.stamp.ageMs ?? Infinity);
    for (let ago = 55_000; ago >= 0; ago -= 5_000) {
      const stamp = ago > lostFor ? { ...state.stamp, state: 'live' as const, ageMs: 2_000 } : state.stamp;
      this.state = { ...state, now: state.now - ago, stamp };
      flush();
    }
  }

  change(change: Partial<Extract<WallState, { kind: 'wall' }>>): void {
    if (this.state.kind === 'wall') this.state = { ...this.state, ...change };
  }

  /** One second of a busy day, or as many as are asked for; the picture is told each of them. */
  seconds(count: number, flush: () => void): void {
    for (let n = 0; n < count; n += 1) {
      this.#second();
      flush();
    }
  }

  #second(): void {
    if (this.state.kind !== 'wall') return;
    this.#step += 1;
    const step = this.#step;
    const now = this.state.now + 1_000;
    // One update every four seconds, as a busy wall gets them; the stamp moves each second.
    const data: WallData = step % 4 === 0 ? dayUpdate(step) : this.state.data;
    const ageMs = step % 997 > 990 ? 30_000 : (step % 3) * 1_000;
    const isLost = ageMs >= 10_000;
    this.state = {
      kind: 'wall',
      now,
      data,
      stamp: {
        state: isLost ? 'stale' : 'live',
        ageMs,
        staleSince: isLost ? now - ageMs : null,
        link: isLost ? 'browser' : null,
        catchingUp: false,
        retryInMs: null
      }
    };
  }
}
