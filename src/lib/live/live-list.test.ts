/** One live list in the simulated world: its numbers, its status line, a tab that nobody looks at. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CLEAN_FILTER, type ListFilter } from '../operations/filter.ts';
import { SILENCE_LIMIT_MS } from './simulation/oracle-server.ts';
import { PAGE_SIZE, World } from './simulation/world.ts';

const STALE: ListFilter = { ...CLEAN_FILTER, tab: 'stale' };
let world: World;
/** What the hub knows reaches the client; a second passes. */
function second(): void {
  world.pass();
  world.tick();
  world.deliverAll();
  world.advance(1_000);
}
function open(filter?: ListFilter): void {
  world = new World(() => 0.5, filter ? { filter } : {});
  world.settle();
}
beforeEach(() => open());

describe('the numbers of a live list', () => {
  const active = (): number | undefined => world.view.summary?.counts.active;

  it('move with the stream, whatever the filter of the list shows', () => {
    open({ ...CLEAN_FILTER, tab: 'failed' });
    const before = active() ?? 0;
    world.server.insert(1, world.now);
    second();
    expect([active(), world.view.rows]).toEqual([before + 1, []]);
  });

  it('stay as they were drawn while paused, and are the newest ones again on resume or when asked to be shown', () => {
    const [before, counts] = [active() ?? 0, world.view.listCounts];
    world.list.pause();
    for (let n = 0; n < 70; n++) {
      if (n < 5) world.server.insert(1, world.now);
      second();
    }
    expect([active(), world.view.listCounts, world.view.waiting]).toEqual([before, counts, 5]);
    world.list.showWaiting();
    expect([active(), world.view.paused]).toEqual([before + 5, true]);
    world.server.insert(1, world.now);
    second();
    expect(active()).toBe(before + 5);
    world.list.resume();
    expect(active()).toBe(before + 6);
  });

  it('are unknown at once when access changes, also while paused, and known again with the page', () => {
    world.list.pause();
    world.grant([null, 1]);
    world.deliverAll();
    expect([world.view.summary, world.view.listCounts]).toEqual([null, null]);
    world.settle();
    expect(world.view.summary?.counts.active).toBe(world.server.summaries(world.scope, world.now).reduce(sumActive, 0));
    expect(world.view.listCounts).not.toBeNull();
  });

  it('include counts of the list that are read again after changes, and are those of the list that is shown', async () => {
    const { countsRead } = world;
    world.server.insert(1, world.now);
    for (let n = 0; n < 13; n++) second();
    await Promise.resolve();
    expect([world.countsRead, world.view.listCounts?.list.count]).toEqual([countsRead + 1, 41]);
    world.server.insert(1, world.now);
    for (let n = 0; n < 12; n++) second();
    world.startLoad(world.scope, STALE); // while the next answer is under way
    world.readPage();
    world.finishLoad();
    await Promise.resolve();
    expect(world.view.listCounts?.list.count).toBe(
      world.server.page(world.scope, 4, world.now, STALE).listCounts.list.count
    );
  });
});

describe('a live list', () => {
  it('never takes what is left of a page for all there is: it says so, and reads the rest without waiting for a second', () => {
    const newest = [...world.server.rows.keys()].slice(-PAGE_SIZE - 25);
    for (const id of newest) world.server.delete(id);
    world.pass();
    world.tick();
    world.deliverAll();
    world.advance(50);
    expect(world.time.stamp.state).toBe('live');
    expect([world.view.rows, world.view.short, world.isLoading]).toEqual([[], true, false]);
    world.advance(500); // the jitter of a crowd that lacks the same
    expect(world.isLoading).toBe(true);
    world.settle();
    expect([world.view.rows.length, world.view.short]).toEqual([PAGE_SIZE, false]);
  });

  it('lets a row in that becomes stale, with the message and without it', () => {
    open(STALE);
    const { id } = world.server.insert(1, world.now);
    for (let n = 0; n * 1_000 < SILENCE_LIMIT_MS - 2_000; n++) second();
    const has = (): boolean => world.view.rows.some((row) => row.id === id);
    expect(has()).toBe(false);
    for (let n = 0; n < 3; n++) {
      // Only ticks: the hub tells nothing, and yet the row belongs.
      world.tick();
      world.deliverAll();
      world.advance(1_000);
    }
    expect(has()).toBe(true);
  });

  it('judges by time only as long as it is live: without a proof nobody knows what was reported since', () => {
    open(STALE);
    const { id } = world.server.insert(1, world.now);
    second();
    world.cut();
    world.advance(2 * SILENCE_LIMIT_MS);
    expect(world.view.rows.some((row) => row.id === id)).toBe(false);
    world.settle();
    expect(world.view.rows.some((row) => row.id === id)).toBe(true);
  });

  it('announces at most six times in any minute, and counts only', () => {
    const said: { at: number; text: string }[] = [];
    for (let n = 0; n < 180; n++) {
      world.server.insert(1, world.now);
      world.server.update([...world.server.rows.keys()].at(-2) ?? 0, world.now);
      if (n % 3 === 0) world.server.delete([...world.server.rows.keys()].at(-3) ?? 0);
      second();
      const { announcement: text } = world.time;
      if (text !== '' && text !== said.at(-1)?.text) said.push({ at: world.now, text });
    }
    expect(said.length).toBeGreaterThan(6);
    for (const { at } of said)
      expect(said.filter((one) => one.at >= at && one.at < at + 60_000).length).toBeLessThanOrEqual(6);
    const counts =
      /^(\d+ new operations?|\d+ changed|\d+ no longer in this list)(, (\d+ (changed|no longer in this list)))*\.$/;
    for (const { text } of said) expect(text).toMatch(counts);
  });

  it('has everything that came while its tab was hidden once that is shown, drawn once', () => {
    world.hide();
    for (let n = 0; n < 8; n++) {
      world.server.insert(1, world.now);
      world.pass();
      for (let message = 0; message < 9; message++) world.emit();
      world.deliverAll();
    }
    const before = world.view;
    world.show();
    expect(world.view).not.toBe(before);
    expect(world.view.rows).toEqual(world.server.page(world.scope, PAGE_SIZE, world.now).rows.slice(0, PAGE_SIZE));
  });

  it('catches up when its tab is shown after the machine slept through everything', () => {
    world.hide();
    for (let n = 0; n < 8; n++) world.server.insert(1, world.now + n);
    world.sleep(600_000);
    world.show();
    world.settle();
    expect(world.view.rows).toEqual(world.server.page(world.scope, PAGE_SIZE, world.now).rows.slice(0, PAGE_SIZE));
  });
});

/** Everything goes on for so many seconds. */
function seconds(count: number): void {
  for (let n = 0; n < count; n++) {
    world.serve();
    world.readPage();
    world.finishLoad();
    world.deliverAll();
    second();
  }
}
/** Newest first, as a fresh query gives them, each with its revision. */
function expectFreshAndLive(): void {
  const { rows } = world.server.page(world.scope, PAGE_SIZE, world.now, world.filter);
  const essence = (some: typeof rows): number[][] => some.map(({ id, revision }) => [id, revision]);
  expect([world.time.stamp.state, essence(world.view.rows)]).toEqual(['live', essence(rows.slice(0, PAGE_SIZE))]);
}

describe('a list that the hub reads after a burst', () => {
  /** A burst, with the list as it was read then under way. */
  function burst(inserts: number): void {
    for (let n = 0; n < inserts; n++) world.server.insert(1, world.now);
    world.burst();
    world.pass();
    world.readList();
    world.pass();
    world.sendList();
  }

  it('comes while a page read before it is caught up with, and nothing of either is lost', () => {
    world.startLoad();
    world.readPage();
    burst(3);
    world.finishLoad();
    world.deliverAll();
    seconds(5);
    expectFreshAndLive();
  });

  it('comes while a page read after it is caught up with, and the page loses nothing, also not of a second burst', () => {
    burst(3);
    for (let n = 0; n < 3; n++) world.server.insert(1, world.now);
    world.burst();
    world.pass();
    world.startLoad();
    world.readPage();
    world.finishLoad();
    world.deliverAll();
    seconds(5);
    expectFreshAndLive();
  });

  it('leaves no held row on screen that it pushed out of what is known', () => {
    world.list.engage(true);
    const [row] = world.view.rows;
    for (let n = 0; n < 57; n++) world.server.insert(1, world.now);
    world.server.finish(row!.id, 'failed', world.now);
    burst(3);
    world.deliverAll();
    seconds(5);
    expectFreshAndLive();
  });
});

function sumActive(sum: number, { counts }: { counts: { active: number } }): number {
  return sum + counts.active;
}

describe('a change of access', () => {
  it('is said with its time while the page is read again and for a minute, then no more', () => {
    expect(world.time.accessChangedAt).toBeNull();
    world.grant([null, 1]);
    const changedAt = world.now;
    world.deliverAll();
    expect(Math.abs((world.time.accessChangedAt ?? 0) - changedAt)).toBeLessThan(1_000);
    expect([world.view.withheld, world.view.rows.length, world.view.summary]).toEqual([true, 0, null]);
    world.settle();
    expect(world.view.withheld).toBe(false);
    const said = world.time.accessChangedAt;
    while (world.now < changedAt + 59_000) second();
    expect(world.time.accessChangedAt).toBe(said);
    for (let n = 0; n < 3; n++) second();
    expect(world.time.accessChangedAt).toBeNull();
  });

  it('is said also when only the next socket tells of it', () => {
    world.cut();
    world.server.grant([null, 1]);
    world.settle();
    expect(world.time.accessChangedAt).not.toBeNull();
  });
});
