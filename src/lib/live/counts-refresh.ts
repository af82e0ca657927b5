/**
 * Keeps the counts of a list honest: reads them again at most every ten seconds, and only while somebody could be
 * looking. It owns no counts and draws nothing. Driven by `noticed` and `second`, so that tests hold its time.
 * Invariants: one read at a time, reads start at least READ_GAP_MS apart; an answer to an older question (another list,
 * another access) is dropped; a failed read changes nothing, since counts carry their own time.
 */
import type { ListCounts } from '../operations/pages.ts';
import type { Ports } from './ports.ts';

export const READ_GAP_MS = 10_000;
/** Without any change time alone moves counts (windows, silence), and so may what was missed. */
export const READ_ANYWAY_MS = 60_000;
/** Clients that follow the same change do not all read at once. */
const JITTER_MS = 2_000;

export class CountsRefresh {
  #hasChanged = false;
  #isReading = false;
  #readAt: number;
  #gap: number;
  #turn = 0;
  readonly #ports: Pick<Ports, 'moment' | 'random' | 'isVisible'>;
  readonly #read: () => Promise<ListCounts>;
  readonly #take: (counts: ListCounts) => void;

  constructor(
    ports: Pick<Ports, 'moment' | 'random' | 'isVisible'>,
    read: () => Promise<ListCounts>,
    take: (counts: ListCounts) => void
  ) {
    this.#ports = ports;
    this.#read = read;
    this.#take = take;
    this.#readAt = ports.moment().mono;
    this.#gap = this.#nextGap();
  }

  /** Something in the scope changed. */
  noticed(): void {
    this.#hasChanged = true;
  }

  /** The page brought counts, or they were taken away: what is being read is of before. */
  supersede(): void {
    this.#turn += 1;
    this.#isReading = false;
    this.#hasChanged = false;
    this.#began();
  }

  /** To be called about once a second; `isWatched`: the list is live and may change on screen. */
  second(isWatched: boolean): void {
    if (!isWatched || !this.#ports.isVisible()) return;
    const since = this.#ports.moment().mono - this.#readAt;
    // A read that has not ended by then never will.
    if (since < (this.#hasChanged && !this.#isReading ? this.#gap : READ_ANYWAY_MS)) return;
    const turn = ++this.#turn;
    this.#isReading = true;
    this.#hasChanged = false;
    this.#began();
    this.#read().then(
      (counts) => this.#end(turn, () => this.#take(counts)),
      () => this.#end(turn, () => (this.#gap = READ_ANYWAY_MS))
    );
  }

  #end(turn: number, then: () => void): void {
    if (turn !== this.#turn) return;
    this.#isReading = false;
    then();
  }

  #began(): void {
    this.#readAt = this.#ports.moment().mono;
    this.#gap = this.#nextGap();
  }

  #nextGap(): number {
    return READ_GAP_MS + JITTER_MS * this.#ports.random();
  }
}
