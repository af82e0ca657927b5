/** When the counts of a list are read again, and which answers count. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ListCounts } from '../operations/pages.ts';
import { CountsRefresh } from './counts-refresh.ts';

const some = (count: number): ListCounts => ({ list: { count, isMore: false }, tabs: null, at: count });
let mono = 0;
let isVisible = true;
let asked: { answer: (counts: ListCounts) => void; fail: () => void }[] = [];
let taken: number[] = [];
let counts: CountsRefresh;

beforeEach(() => {
  [mono, isVisible, asked, taken] = [0, true, [], []];
  counts = new CountsRefresh(
    { moment: () => ({ mono, wall: mono }), random: () => 0, isVisible: () => isVisible },
    () => new Promise((answer, fail) => asked.push({ answer, fail: () => fail(new Error('no')) })),
    ({ at }) => taken.push(at)
  );
});

function pass(seconds: number, isWatched = true): void {
  for (let n = 0; n < seconds; n++) {
    mono += 1_000;
    counts.second(isWatched);
  }
}
const settled = (): Promise<void> => new Promise((done) => setTimeout(done));

describe('the counts of a list', () => {
  it('are read ten seconds after the last time if something changed since, and after a minute anyway', async () => {
    pass(9);
    counts.noticed();
    expect(asked).toHaveLength(0);
    pass(1);
    expect(asked).toHaveLength(1);
    asked[0]?.answer(some(7));
    await settled();
    expect(taken).toEqual([7]);
    pass(59);
    expect(asked).toHaveLength(1);
    pass(1);
    expect(asked).toHaveLength(2);
  });

  it('are read at most six times a minute, however much changes', async () => {
    for (let second = 0; second < 60; second++) {
      counts.noticed();
      pass(1);
      asked.at(-1)?.answer(some(second));
      await settled();
    }
    expect(asked).toHaveLength(6);
  });

  it('are not read while nobody looks or nothing is live, and soon once somebody does', () => {
    counts.noticed();
    isVisible = false;
    pass(120);
    isVisible = true;
    pass(120, false);
    expect(asked).toHaveLength(0);
    pass(1);
    expect(asked).toHaveLength(1);
  });

  it('drop an answer that is of another list, and go on after a read that fails or never ends', async () => {
    counts.noticed();
    pass(10);
    counts.supersede();
    asked[0]?.answer(some(1));
    await settled();
    expect(taken).toEqual([]);
    counts.noticed();
    pass(10);
    asked[1]?.fail();
    await settled();
    counts.noticed();
    pass(59);
    expect(asked).toHaveLength(2);
    pass(1);
    expect(asked).toHaveLength(3);
    counts.noticed();
    pass(60);
    expect(asked).toHaveLength(4);
    asked[2]?.answer(some(3));
    asked[3]?.answer(some(4));
    await settled();
    expect(taken).toEqual([4]);
  });
});
