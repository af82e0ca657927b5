/**
 * Holds the last proof and the server's clock of one feed, and makes the stamp of both. It asks nobody and has no clock:
 * moments are arguments. Invariant: a proof is measured only with answers of the server's clock; what contradicts them is
 * dropped, and until the next answer nothing is live.
 */
import { toStamp, type Evidence, type Stamp } from './proof.ts';
import * as clocks from './server-clock.ts';

/** A proof this old although ticks come suggests that the clock is wrong: measure again, not more often than this. */
const DOUBT_AGE_MS = 4_000;
const DOUBT_EVERY_MS = 5_000;

type LinkState = Pick<Evidence, 'caughtUp' | 'everCaughtUp' | 'catchingUp' | 'overHttp' | 'link' | 'retryInMs'>;

export class ProofKeeper {
  #proofAt: number;
  /** null until started */
  #clock: clocks.ServerClock | null = null;
  #now: number;
  #askedAt: number | null = null;
  #stamp: Stamp;
  #liveSince: number | null = null;

  /** `readAt`: the server's time at which the page was read, the first proof. */
  constructor(readAt: number) {
    this.#proofAt = readAt;
    this.#now = readAt;
    const nothing = {
      caughtUp: false,
      everCaughtUp: false,
      catchingUp: false,
      overHttp: false,
      link: null,
      retryInMs: null
    };
    this.#stamp = toStamp({ ...nothing, proofAt: readAt, latestNow: null, likelyNow: readAt });
  }

  get stamp(): Stamp {
    return this.#stamp;
  }
  get liveSince(): number | null {
    return this.#liveSince;
  }
  /** the best guess of the server's time at the last `restamp` */
  get now(): number {
    return this.#now;
  }

  /** By what rows are judged: an upper bound of the server's present, or else the last proof. */
  judgedAt(at: clocks.Moment): number {
    const latestNow = this.#clock && clocks.latestNow(clocks.observe(this.#clock, at), at);
    return latestNow ?? this.#proofAt;
  }

  start(at: clocks.Moment): void {
    this.#clock ??= clocks.openClock(this.#proofAt, at);
  }

  /** What is on screen was replaced by a page of that time. */
  replace(readAt: number): void {
    this.#proofAt = readAt;
    if (this.#clock === null) this.#now = readAt;
  }

  /** Takes a proof; true if the clock is missing or in doubt and should be measured now. */
  prove(proofAt: number, at: clocks.Moment): boolean {
    this.#proofAt = proofAt; // not the greater of both: a database clock that was set back sets proofs back, too
    if (this.#clock === null) return false;
    this.#clock = clocks.heardProof(clocks.observe(this.#clock, at), proofAt, at);
    const latest = clocks.latestNow(this.#clock, at);
    const doubtful = latest === null || latest - proofAt > DOUBT_AGE_MS;
    return doubtful && at.mono - (this.#askedAt ?? -Infinity) > DOUBT_EVERY_MS;
  }

  /** What is on screen was replaced by what was read at that time: an older proof stays, a younger one is void. */
  reach(readAt: number): void {
    this.#proofAt = Math.min(this.#proofAt, readAt);
  }

  /** The server was asked for its time. */
  asked(at: clocks.Moment): void {
    this.#askedAt = at.mono;
  }

  learn(now: number, asked: clocks.Moment, at: clocks.Moment): void {
    if (this.#clock !== null) this.#clock = clocks.measured(this.#clock, now, asked, at);
  }

  /** To be called each second, too: it also watches the local clocks. */
  isMeasureDue(at: clocks.Moment): boolean {
    if (this.#clock === null) return false;
    this.#clock = clocks.observe(this.#clock, at);
    return clocks.isMeasureDue(this.#clock, this.#askedAt, at);
  }

  restamp(at: clocks.Moment, link: LinkState): void {
    if (this.#clock === null) return;
    this.#clock = clocks.observe(this.#clock, at);
    const latestNow = clocks.latestNow(this.#clock, at);
    this.#now = clocks.likelyNow(this.#clock, at);
    this.#stamp = toStamp({ ...link, proofAt: this.#proofAt, latestNow, likelyNow: this.#now });
    if (this.#stamp.state !== 'live') this.#liveSince = null;
    else this.#liveSince ??= this.#proofAt;
  }
}
