/** The wall on machines whose clocks lie: by the feed's own clock and stamp, what stands on the screen. */
import { describe, expect, it } from 'vitest';
import { ProofKeeper } from '../live/proof-keeper.ts';
import type { Moment } from '../live/server-clock.ts';
import { toClock } from './time.ts';
import { faceOf, type WallFace } from './wall-face.ts';

const SERVER = Date.UTC(2026, 10, 23, 9, 14, 0);
const SOUND = { caughtUp: true, everCaughtUp: true, catchingUp: false, overHttp: false, link: null, retryInMs: null };

/** A kiosk: the server's time passes; its own clocks do as they are told. */
class Kiosk {
  #mono = 5_000;
  #server = SERVER;
  /** by how much the machine's clock is wrong */
  #wrongBy: number;
  readonly #proof = new ProofKeeper(SERVER);

  constructor(wrongBy: number) {
    this.#wrongBy = wrongBy;
    this.#proof.start(this.#at);
    this.measure();
    this.prove();
  }

  get #at(): Moment {
    return { mono: this.#mono, wall: this.#server + this.#wrongBy };
  }
  /** time passes, and scripts look each second */
  run(seconds: number, { proofs = true } = {}): this {
    for (let n = 0; n < seconds; n += 1) {
      this.#mono += 1_000;
      this.#server += 1_000;
      if (proofs) this.prove();
      this.#proof.restamp(this.#at, SOUND);
    }
    return this;
  }
  /** no script runs; the monotonic clock stands still in a sleep, and goes on in a frozen tab */
  pass(seconds: number, { sleeping }: { sleeping: boolean }): this {
    if (!sleeping) this.#mono += seconds * 1_000;
    this.#server += seconds * 1_000;
    return this;
  }
  set(wrongBy: number): this {
    this.#wrongBy = wrongBy;
    return this;
  }
  prove(proofAt = this.#server): void {
    this.#proof.prove(proofAt, this.#at);
  }
  measure(): void {
    this.#proof.learn(this.#server, this.#at, this.#at);
  }
  look(): WallFace & { clock: string } {
    this.#proof.restamp(this.#at, SOUND);
    const { stamp, now } = this.#proof;
    const face = faceOf({ stamp, readAt: SERVER, now, silentMs: null, timeZone: 'UTC' });
    return { ...face, clock: toClock(now, 'UTC') };
  }
}

describe('a wall on a machine whose clock is wrong', () => {
  it.each([-86_400_000, -3_600_000, 0, 3_600_000, 400 * 86_400_000])(
    'by %d ms shows the server’s time, live',
    (wrongBy) => {
      const seen = new Kiosk(wrongBy).run(60).look();
      expect(seen).toMatchObject({ state: 'live', mayBeCalm: true, clock: '09:15:00' });
    }
  );

  it('is not calm when that clock is set while it hangs, until it has measured again', () => {
    for (const wrongBy of [-3_600_000, 3_600_000]) {
      const kiosk = new Kiosk(0).run(30).set(wrongBy);
      expect(kiosk.look().mayBeCalm).toBe(false);
      kiosk.measure();
      kiosk.prove();
      expect(kiosk.look()).toMatchObject({ state: 'live', clock: '09:14:30' });
    }
  });
});

describe('a wall whose machine slept', () => {
  it('never wakes as live: first it knows nothing, then it is live by new proofs', () => {
    const kiosk = new Kiosk(0).run(30).pass(3_600, { sleeping: true });
    expect(kiosk.look()).toMatchObject({ mayBeCalm: false });
    kiosk.measure();
    expect(kiosk.look()).toMatchObject({ state: 'no_data', isBlank: true, since: '09:14:30' });
    kiosk.prove();
    expect(kiosk.look()).toMatchObject({ state: 'live', clock: '10:14:30' });
  });

  it('is not made live by a proof from before the sleep, held up in a buffer', () => {
    const kiosk = new Kiosk(0).run(30).pass(600, { sleeping: true });
    kiosk.prove(SERVER + 31_000);
    expect(kiosk.look().mayBeCalm).toBe(false);
    kiosk.measure();
    kiosk.prove(SERVER + 31_000);
    expect(kiosk.look()).toMatchObject({ isBlank: true, mayBeCalm: false });
  });
});

describe('a wall whose tab was frozen', () => {
  it.each([
    [12, 'stale'],
    [90, 'no_data']
  ])('for %d s says %s at its first look', (seconds, state) => {
    const kiosk = new Kiosk(0).run(30).pass(seconds, { sleeping: false });
    expect(kiosk.look()).toMatchObject({ state, since: '09:14:30', mayBeCalm: false });
  });

  it('ages without proofs second by second: reconnecting, stale, no data', () => {
    const kiosk = new Kiosk(0).run(10);
    const states = Array.from({ length: 61 }, () => kiosk.run(1, { proofs: false }).look().state);
    // The bound errs on the old side, by less than a second.
    expect(states[3]).toBe('live');
    expect(states[5]).toBe('reconnecting');
    expect(states[10]).toBe('stale');
    expect(states[60]).toBe('no_data');
  });
});
