import { expect, test } from 'vitest';
import { DAY_HEIGHT, DAY_LINE, dayBars, dayWords } from './day-bars.ts';

const day = (...hours: [completed: number, bad: number][]) => [
  ...hours.map(([completed, bad]) => ({ completed, bad })),
  ...Array.from({ length: 24 - hours.length }, () => ({ completed: 0, bad: 0 }))
];

test('every hour with anything in it has a bar, however busy another one is', () => {
  const { all, bad } = dayBars(day([1, 1], [1_000_000, 0]));
  expect(all.map(({ x, height }) => [x, height])).toEqual([
    ['0.00%', 3],
    ['4.17%', 21]
  ]);
  expect(bad).toEqual([{ x: '0.00%', y: DAY_LINE + 1, height: 3 }]);
});

test('bars stand on the line or hang from it, and stay within the drawing', () => {
  const { all, bad } = dayBars(day([40, 40], [3, 2]));
  for (const bar of all) expect(bar.y + bar.height).toBe(DAY_LINE);
  for (const bar of bad) expect(bar.y + bar.height).toBeLessThanOrEqual(DAY_HEIGHT);
  expect(Math.min(...all.map(({ y }) => y))).toBeGreaterThanOrEqual(0);
});

test('one operation an hour does not look like a busy day', () => {
  const { all } = dayBars(day(...Array.from({ length: 24 }, (): [number, number] => [1, 0])));
  expect(Math.max(...all.map(({ height }) => height))).toBeLessThanOrEqual(3);
});

test('the day in words has its sums', () => {
  expect(dayWords(day())).toBe('Last 24 hours: none completed');
  expect(dayWords(day([1_204, 0]))).toBe('Last 24 hours: 1,204 completed, none failed or blocked');
  expect(dayWords(day([10, 2], [4, 1], [5, 0]))).toBe(
    'Last 24 hours: 19 completed, 3 of them failed or blocked, in 2 of the hours'
  );
});
