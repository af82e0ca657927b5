import { describe, expect, test } from 'vitest';
import {
  browserFigure,
  courseLines,
  courseWords,
  nodeFigures,
  recountLines,
  recountWords
} from './delivery-figures.ts';
import { deliveryVerdict, noSamples, STEP_MS, type DeliverySamples, type SelfProof } from './delivery.ts';
import { COUNT_KEYS, type CountKey } from './summary.ts';

const AT = Date.UTC(2026, 10, 24, 8, 14, 2);
const drift = (over: Partial<Record<CountKey, number>> = {}): Record<CountKey, number> => ({
  ...(Object.fromEntries(COUNT_KEYS.map((key) => [key, 0])) as Record<CountKey, number>),
  ...over
});
const samplesOf = (steps: number, over: Partial<Record<keyof DeliverySamples, number>> = {}): DeliverySamples => {
  const samples = noSamples();
  for (let n = 0; n < steps; n += 1)
    for (const key of Object.keys(samples) as (keyof DeliverySamples)[]) {
      const usual = { at: AT + n * STEP_MS, lagMs: 900, canaryMs: 2.4, ringRows: 120 }[key as string] ?? 0;
      (samples[key] as number[]).push(n === steps - 1 ? (over[key] ?? usual) : usual);
    }
  return samples;
};
const proof = (over: Partial<SelfProof> = {}): SelfProof => ({
  node: 'kbtzqm',
  since: AT,
  at: AT,
  lostNow: null,
  samples: samplesOf(60),
  totals: {
    resyncs: { epoch: 0, floor: 2, behind: 0, token: 0, access: 1 },
    laggards: { left: 3, recovered: 2, cut: 1 },
    ringBatches: 12,
    ringBytes: null,
    sockets: 48
  },
  recount: { at: AT, tookMs: 12, drift: drift() },
  ...over
});

describe('the verdict', () => {
  test('is calm when every figure is, and says for how long', () => {
    expect(deliveryVerdict(proof())).toMatchObject({
      look: 'good',
      sentence: 'All that this node checks has held for 10 min.'
    });
    expect(deliveryVerdict(proof()).meaning).toContain('the recount agrees');
    expect(deliveryVerdict(proof({ recount: null })).meaning).toContain('have not been recounted yet');
  });

  test.each([
    [
      'a number that does not agree',
      { recount: { at: AT, tookMs: 1, drift: drift({ failed: -2 }) } },
      'trouble',
      /failed/
    ],
    ['a database that is away', { lostNow: 'database' }, 'trouble', /cannot vouch/],
    [
      'a moment of not vouching',
      { samples: samplesOf(60, { lost: 1 }) },
      'notice',
      /could not vouch for its data for 10 s/
    ],
    ['a canary that is lost', { samples: samplesOf(60, { canaryLost: 1 }) }, 'notice', /^1 notification did/],
    [
      'changes found late',
      { samples: samplesOf(60, { backstop: 12 }) },
      'notice',
      /^12 changes came up to a second late/
    ],
    ['slow clients', { samples: samplesOf(60, { laggards: 1 }) }, 'notice', /Some clients/]
  ] as const)('is not calm over %s', (_, over, look, sentence) => {
    const verdict = deliveryVerdict(proof(over as Partial<SelfProof>));
    expect(verdict.look).toBe(look);
    expect(verdict.sentence).toMatch(sentence);
  });

  test('of a process without a hub, and of a node that has just started, is that nothing is known', () => {
    expect(deliveryVerdict(null).look).toBe('waiting');
    expect(deliveryVerdict(proof({ samples: noSamples() })).sentence).toBe('Nothing has been measured yet.');
  });
});

describe('figures', () => {
  const figureOf = (id: string, given: SelfProof | null = proof()) => nodeFigures(given).find((one) => one.id === id)!;

  test('say what was not measured as such, never as zero', () => {
    for (const figure of [...nodeFigures(null), ...nodeFigures(proof({ samples: noSamples(), totals: null }))])
      expect([figure.id, figure.value]).toEqual([figure.id, null]);
    expect(browserFigure({ proofs: [], trips: [] }, false)).toMatchObject({ value: null });
    expect(courseWords(figureOf('lagMs', null), 'UTC')).toContain('no course yet');
  });

  test('sum what happened, and show what lasts as it is now', () => {
    const samples = samplesOf(60, { backstop: 3, rePolls: 40, laggards: 2 });
    expect(figureOf('backstop', proof({ samples })).value).toBe('3');
    expect(figureOf('rePolls', proof({ samples }))).toMatchObject({ value: '40', unit: 'in the last 10 min' });
    expect(figureOf('laggards', proof({ samples })).value).toBe('2');
    expect(figureOf('canaryMs').value).toBe('2 ms');
    expect(figureOf('resyncs').note).toContain('away too long 2, access changed 1');
    expect(figureOf('ringRows').note).toContain('About 120 KB, reckoned');
  });

  test('are told as a table and as a sentence of the same numbers', () => {
    const figure = figureOf('lagMs', proof({ samples: samplesOf(60, { lagMs: 4_000 }) }));
    expect(courseLines(figure, 6)).toHaveLength(6);
    expect(courseLines(figure, 6)[0]).toMatchObject({ to: AT + 59 * STEP_MS, least: 900, most: 4_000 });
    expect(courseLines(figure, 6).at(-1)).toMatchObject({ from: AT, most: 900 });
    expect(courseWords(figure, 'UTC')).toBe('Feed lag since 08:14:02: between 900 ms and 4.0 s, last 4.0 s');
    const bars = figureOf('backstop', proof({ samples: samplesOf(60, { backstop: 7 }) }));
    expect(courseWords(bars, 'UTC')).toBe('Found late since 08:14:02: 7 in all, at most 7 in ten seconds');
    expect(courseLines({ at: [1], values: [null] })[0]).toMatchObject({ least: null, most: null });
  });
});

describe('the recount', () => {
  test('is a number that must be zero, with its time', () => {
    expect(recountWords(proof(), true, 'UTC')).toMatchObject({
      value: '0',
      unit: 'off, at 08:14:02 UTC',
      isWrong: false
    });
    const wrong = proof({ recount: { at: AT, tookMs: 4, drift: drift({ failed: -2, active: 1 }) } });
    expect(recountWords(wrong, true, 'UTC')).toMatchObject({ value: '3', isWrong: true });
    expect(recountLines(wrong.recount!).filter(({ isWrong }) => isWrong)).toEqual([
      { name: 'Active', drift: '+1', isWrong: true },
      { name: 'Failed, open', drift: '−2', isWrong: true }
    ]);
  });

  test('that was not made, was too large, or is of more than somebody sees, is no zero', () => {
    expect(recountWords(proof({ recount: null }), true, 'UTC').value).toBe('–');
    const large = proof({ recount: { at: AT, tookMs: 2_000, drift: null } });
    expect(recountWords(large, true, 'UTC')).toMatchObject({ value: '–', unit: 'too large, tried at 08:14:02 UTC' });
    expect(recountWords(proof(), false, 'UTC').value).toBe('–');
  });
});
