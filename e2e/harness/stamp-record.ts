/**
 * Everything that a page's freshness stamp ever said, with the time of each change, kept outside the page so that it
 * survives reloads. Answers what an assertion at one moment cannot: whether it said Live at any time in between.
 */
import type { Page } from '@playwright/test';

export class StampRecord {
  readonly #said: { at: number; word: string }[] = [];

  /** Records from the page's next document on. */
  static async of(page: Page): Promise<StampRecord> {
    const record = new StampRecord();
    await page.exposeFunction('recordStamp', (at: number, word: string) => record.#said.push({ at, word }));
    await page.addInitScript(() => {
      let last = '';
      const read = (): void => {
        const word = document.querySelector('.stamp:not(.stamp--silent) .stamp__word')?.textContent ?? '(none)';
        if (word === last) return;
        last = word;
        void (window as unknown as { recordStamp(at: number, word: string): void }).recordStamp(Date.now(), word);
      };
      new MutationObserver(read).observe(document, { subtree: true, childList: true, characterData: true });
    });
    return record;
  }

  /** What it said between two times, what it already said at `from` included. */
  between(from: number, to: number): string[] {
    const before = this.#said.filter(({ at }) => at < from).at(-1);
    return [...(before ? [before] : []), ...this.#said.filter(({ at }) => at >= from && at <= to)].map(
      ({ word }) => word
    );
  }
}
