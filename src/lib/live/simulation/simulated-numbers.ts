/**
 * The numbers of a simulated hub: read for whoever watches, and told to the rooms only when they are other than what was
 * told last. Invariant, as of the hub (server/live/summaries.ts): an answer is what was told last, and what is read for it
 * is told to everyone. Were it read past that, numbers that went there and back meanwhile would be no news to the hub, and
 * those of in between stay with who asked (found by live-list.property, seed 2010248828).
 */
import type { Summary } from '../../operations/summary.ts';

export class SimulatedNumbers {
  #told = new Map<Summary['place'], Summary>();
  #isTelling: boolean;
  #send: (summary: Summary) => void;

  constructor(isTelling: boolean, send: (summary: Summary) => void) {
    this.#isTelling = isTelling;
    this.#send = send;
  }

  tell(read: readonly Summary[]): void {
    if (!this.#isTelling) return;
    for (const summary of read) {
      if (withoutTime(this.#told.get(summary.place)) === withoutTime(summary)) continue;
      this.#told.set(summary.place, summary);
      this.#send(summary);
    }
  }

  /** For an answer: of what was just read, as it was told. */
  known(read: readonly Summary[]): Summary[] {
    this.tell(read);
    return read.map((summary) => this.#told.get(summary.place) ?? summary);
  }
}

function withoutTime(summary: Summary | undefined): string {
  return JSON.stringify({ ...summary, at: 0 });
}
