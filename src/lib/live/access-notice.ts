/**
 * When what this person may see last changed under an open page, for the one line that says so. It has no clock: moments
 * are arguments. Invariant: it is said for NOTICE_MS, also while the page is being read again; a new page starts without.
 */

/** How long the page says that access changed. */
export const NOTICE_MS = 60_000;

export class AccessNotice {
  #at: number | null = null;
  #untilMono = -Infinity;

  /** `at`: server time of the change; `mono`: the monotonic clock's. */
  changed(at: number, mono: number): void {
    this.#at = at;
    this.#untilMono = mono + NOTICE_MS;
  }

  /** server time of the last change; null when there was none, or when it was said for long enough */
  at(mono: number): number | null {
    return mono < this.#untilMono ? this.#at : null;
  }
}
