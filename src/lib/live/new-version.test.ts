import { describe, expect, test } from 'vitest';
import { openNewVersion, type NewVersion } from './new-version.ts';

/** A page of which every answer and the time are held by the test. */
class Page {
  at = 1_000_000;
  ready = true;
  another = true;
  writing = false;
  random = 0.5;
  waiting = false;
  loads: number[] = [];
  loaded = 0;
  #timers: { at: number; run: () => void }[] = [];
  version: NewVersion = this.open();

  open(): NewVersion {
    return openNewVersion({
      after: (ms, run) => {
        const timer = { at: this.at + ms, run };
        this.#timers.push(timer);
        return () => void (this.#timers = this.#timers.filter((one) => one !== timer));
      },
      random: () => this.random,
      now: () => this.at,
      isReady: () => Promise.resolve(this.ready),
      isAnother: () => Promise.resolve(this.another),
      isWriting: () => this.writing,
      readLoads: () => this.loads,
      keepLoads: (at) => (this.loads = at),
      // What a load does: everything of this page is gone but what was kept.
      load: () => {
        this.loaded += 1;
        this.version.close();
        this.#timers = [];
        this.version = this.open();
      },
      tell: (isWaiting) => (this.waiting = isWaiting)
    });
  }

  async pass(ms: number): Promise<void> {
    const until = this.at + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((one) => one !== due);
      this.at = Math.max(this.at, due.at);
      due.run();
      await new Promise((done) => setImmediate(done));
    }
    this.at = until;
    await new Promise((done) => setImmediate(done));
  }

  /** As the connection does: it comes back every few seconds and hears the same. */
  async hear(forMs: number): Promise<void> {
    for (let passed = 0; passed < forMs; passed += 5_000) {
      this.version.told();
      await this.pass(5_000);
    }
  }
}

describe('a page that is told of another version', () => {
  test('loads itself once, some time within four seconds', async () => {
    const times = new Set<number>();
    for (const random of [0, 0.3, 0.999]) {
      const page = new Page();
      page.random = random;
      const from = page.at;
      page.version.told();
      page.version.told();
      await page.pass(4_100);
      expect(page.loaded).toBe(1);
      times.add(page.loads[0]! - from);
    }
    expect(times.size).toBe(3);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...times)).toBeLessThanOrEqual(4_000);
  });

  test('waits until the server is ready and has another page to give', async () => {
    const page = new Page();
    page.ready = false;
    await page.hear(60_000);
    expect(page.loaded).toBe(0);
    page.ready = true;
    page.another = false;
    await page.hear(60_000);
    expect(page.loaded).toBe(0);
    page.another = true;
    await page.hear(10_000);
    expect(page.loaded).toBe(1);
  });

  test('is not taken from under somebody who writes, says so, and goes on when they are done', async () => {
    const page = new Page();
    page.writing = true;
    await page.hear(600_000);
    expect([page.loaded, page.waiting]).toEqual([0, true]);
    page.writing = false;
    page.version.wrote();
    await page.pass(1);
    expect([page.loaded, page.waiting]).toEqual([1, false]);
  });

  test('finds out by itself that the field is gone in which somebody wrote', async () => {
    const page = new Page();
    page.writing = true;
    page.version.told();
    await page.pass(5_000);
    page.writing = false;
    await page.pass(2_000);
    expect(page.loaded).toBe(1);
  });

  test('does not take what was begun while the server was being asked', async () => {
    const page = new Page();
    page.version.told();
    let answer = (_ready: boolean): void => {};
    let timers = 0;
    page.version.close();
    const version = openNewVersion({
      after: (_ms, run) => {
        if (timers++ === 0) queueMicrotask(run);
        return () => {};
      },
      random: () => 0,
      now: () => 0,
      isReady: () => new Promise((resolve) => (answer = resolve)),
      isAnother: () => Promise.resolve(true),
      isWriting: () => page.writing,
      readLoads: () => [],
      keepLoads: () => {},
      load: () => (page.loaded += 1),
      tell: () => {}
    });
    version.told();
    await new Promise((done) => setImmediate(done));
    page.writing = true;
    answer(true);
    await new Promise((done) => setImmediate(done));
    expect([page.loaded, timers]).toEqual([0, 2]);
  });

  test('never loads in a loop where loading does not help: a minute apart at first, then minutes', async () => {
    const page = new Page();
    const all: number[] = [];
    for (let minute = 0; minute < 120; minute += 1) {
      const before = page.loaded;
      await page.hear(60_000);
      if (page.loaded > before) all.push(page.loads.at(-1)!);
    }
    expect(page.loaded).toBe(all.length);
    expect(all.length).toBeLessThanOrEqual(14);
    const gaps = all.slice(1).map((at, index) => at - all[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(60_000);
    expect(gaps[1]).toBeGreaterThanOrEqual(120_000);
  });

  test('loads at once again for the next deployment, an hour later', async () => {
    const page = new Page();
    await page.hear(5_000);
    page.another = false;
    await page.pass(61 * 60_000);
    page.another = true;
    await page.hear(5_000);
    expect(page.loaded).toBe(2);
  });
});
