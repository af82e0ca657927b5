import { expect, test } from 'vitest';
import { MOST_SAMPLES, STEP_MS } from '../../operations/delivery.ts';
import { openCounters, type LiveFigures } from '../live/figures.ts';
import { openSamples } from './samples.ts';

const pool = { total: 0, idle: 0, waiting: 0 };
const figuresOf = (over: Partial<LiveFigures> = {}): LiveFigures => ({
  ...openCounters(),
  sockets: 3,
  laggardsNow: 0,
  ringBatches: 2,
  ringRows: 40,
  proofAgeMs: 500,
  lostLink: null,
  pools: { feed: pool, hub: pool, numbers: pool, lists: pool, access: pool } as LiveFigures['pools'],
  ...over
});

test('a step keeps the highest age within it, what counters grew by, and that it was not sound for a moment', () => {
  let figures = figuresOf();
  const samples = openSamples({ figures: () => figures, isTimed: false });
  for (let second = 0; second <= 10; second += 1) {
    figures = figuresOf({
      proofAgeMs: second === 4 ? 6_200 : 500,
      lostLink: second === 4 ? 'lag' : null,
      leaked: second >= 6 ? 2 : 0,
      rePolls: second * 3,
      resyncs: { ...openCounters().resyncs, floor: second > 2 ? 1 : 0, access: second > 3 ? 4 : 0 },
      canary: { returned: second >= 4 ? 1 : 0, lost: 0, lastMs: 2.345 }
    });
    samples.look(second * 1_000);
  }
  expect(samples.samples).toEqual({
    at: [STEP_MS],
    lagMs: [6_200],
    canaryMs: [2.3],
    canaryLost: [0],
    backstop: [2],
    rePolls: [30],
    resyncs: [5],
    laggards: [0],
    ringRows: [40],
    lost: [1]
  });
  expect(samples.totals).toMatchObject({ sockets: 3, ringBatches: 2, resyncs: { floor: 1, access: 4 } });
  expect(samples.lostNow).toBeNull();
});

test('an hour is kept, and no more', () => {
  let passes = 0;
  const samples = openSamples({ figures: () => figuresOf({ leaked: ++passes }), isTimed: false });
  for (let step = 0; step <= MOST_SAMPLES + 50; step += 1) samples.look(step * STEP_MS);
  for (const kept of Object.values(samples.samples)) expect(kept).toHaveLength(MOST_SAMPLES);
  expect(samples.samples.at.at(-1)).toBe((MOST_SAMPLES + 50) * STEP_MS);
});

test('a process that was held up for a minute has one sample of it, and a canary that did not fly is not known', () => {
  const samples = openSamples({ figures: () => figuresOf(), isTimed: false });
  for (const now of [0, 61_000]) samples.look(now);
  expect(samples.samples.at).toEqual([61_000]);
  expect(samples.samples.canaryMs).toEqual([null]);
});

test('without a hub there is nothing, and no zero', () => {
  const samples = openSamples({ figures: () => null, isTimed: false });
  for (const now of [0, 20_000]) samples.look(now);
  expect(samples.samples.at).toEqual([]);
  expect(samples.totals).toBeNull();
});
