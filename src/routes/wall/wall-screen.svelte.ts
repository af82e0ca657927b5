/**
 * The one page of a wall over its whole life: what the server says it is (paired, revoked, not paired), read again without
 * ever leaving the page, and when it loads itself anew. What is live is the feed's (live/live-wall.ts); what is decided is
 * decided in live/renewal.ts and live/pairing-screen.ts.
 * Invariants: no outage of any length leads anywhere else: what fails is asked again; nothing of a workspace stays once the
 * server said that this is no display of it.
 */
import { version } from '$app/environment';
import { updated } from '$app/state';
import { backOff } from '#lib/live/connection.ts';
import { openRenewal, type Renewal } from '#lib/live/renewal.ts';
import type { WallAnswer } from '#lib/operations/wall-answer.ts';
import { isReady, readWallAgain } from './ask-server.ts';

const LOADS = 'watchfloor:wall-loads';
const MOST_LOADS = 20;
/** How long "removed" is said before a code is offered. */
export const REVOKED_SECONDS = 30;

export class WallScreen {
  #answer = $state.raw() as WallAnswer;
  /** counts lives of a feed: one that ended is not started again */
  #life = $state(0);
  #isLeaving = false;
  #isAwake = false;
  #stopLeaving: () => void = () => {};
  #renewal: Renewal | null = null;
  /** a wish of before this page's own load was fulfilled by it */
  readonly #loadedAt: number;

  constructor(answer: WallAnswer) {
    this.#answer = answer;
    this.#loadedAt = answer.state === 'paired' ? answer.page.readAt : -Infinity;
  }

  get answer(): WallAnswer {
    return this.#answer;
  }
  get life(): number {
    return this.#life;
  }

  /** Browser only. */
  wake(): () => void {
    this.#isAwake = true;
    this.#renewal = openRenewal({
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      random: Math.random,
      state: () => ({ pageAgeMs: performance.now(), now: Date.now(), loads: readLoads() }),
      isReady,
      isAnother: () => updated.check(),
      keepLoad: () => keepLoads([...readLoads(), Date.now()].slice(-MOST_LOADS)),
      load: () => location.reload()
    });
    this.#look(this.#answer);
    return () => {
      this.#isAwake = false;
      this.#stopLeaving();
      this.#renewal?.close();
    };
  }

  /** Reads the page again and takes it; rejects when that is not possible now: whoever asks, asks again. */
  readonly read = async (): Promise<void> => {
    const answer = await readWallAgain();
    if (!this.#isAwake) return;
    if (answer.version !== version) {
      this.#renewal?.due('version');
      throw new Error('The server is of another version.');
    }
    this.#look(answer);
    if (answer.state !== this.#answer.state) this.#life += 1;
    this.#answer = answer;
  };

  /** The hub speaks another version of the wire. */
  readonly reload = (): void => this.#renewal?.due('version');

  /** The feed ended for good: the server knows what we are now, and says so once it answers. */
  readonly leave = (): void => {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    let failures = 0;
    const look = (): void => {
      const was = this.#answer.state;
      this.read().then(
        () => {
          this.#isLeaving = false;
          // Still a display: its feed, which is closed, needs another life.
          if (was === 'paired' && this.#answer.state === was) this.#life += 1;
        },
        () => {
          if (!this.#isAwake) return;
          const timer = setTimeout(look, backOff(failures++, Math.random()));
          this.#stopLeaving = () => clearTimeout(timer);
        }
      );
    };
    look();
  };

  /** "Removed" was said for long enough, or nothing is known of this screen: it offers to be paired. */
  readonly offerPairing = (): void => {
    this.#answer = { version, state: 'unpaired' };
  };

  #look(answer: WallAnswer): void {
    if (answer.state === 'paired' && (answer.page.reloadAskedAt ?? -Infinity) > this.#loadedAt)
      this.#renewal?.due('asked');
  }
}

/** What cannot be kept bounds nothing; the page's own age still does. */
function readLoads(): number[] {
  try {
    const kept = JSON.parse(localStorage.getItem(LOADS) ?? '[]') as unknown;
    return Array.isArray(kept) ? kept.filter((at): at is number => typeof at === 'number') : [];
  } catch {
    return [];
  }
}

function keepLoads(loads: number[]): void {
  try {
    localStorage.setItem(LOADS, JSON.stringify(loads));
  } catch {
    // as above
  }
}
