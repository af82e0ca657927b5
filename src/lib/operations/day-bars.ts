/**
 * The last 24 hours of an environment as bars by the hour: above the line everything that completed, below it what failed
 * or was blocked, so that position says it before colour. Numbers for SVG attributes (a style attribute is forbidden), and
 * the same in words. Pure. Invariant: an hour with anything in it has a bar, however small beside the others.
 */
import type { Hour } from './pages.ts';
import { toNumber } from './wording.ts';

/** Height of the drawing, where its line stands, and what is left on either side of it, in pixels. */
export const DAY_HEIGHT = 30;
export const DAY_LINE = 23;
const ABOVE = 21;
const BELOW = DAY_HEIGHT - DAY_LINE - 1;
const LEAST = 3;
/** Each side of each tile has a scale of its own, but never a finer one: one an hour must not look like a busy day. */
const LEAST_SCALE = 12;
const LEAST_BAD_SCALE = 4;

export interface Bar {
  x: string;
  y: number;
  height: number;
}

export interface DayBars {
  all: Bar[];
  bad: Bar[];
}

export function dayBars(hours: readonly Hour[]): DayBars {
  const scale = Math.max(LEAST_SCALE, ...hours.map(({ completed }) => completed));
  const badScale = Math.max(LEAST_BAD_SCALE, ...hours.map(({ bad }) => bad));
  const toHeight = (share: number, most: number): number => Math.max(LEAST, Math.round(share * most));
  const bars: DayBars = { all: [], bad: [] };
  for (const [at, { completed, bad }] of hours.entries()) {
    const x = `${((at / hours.length) * 100).toFixed(2)}%`;
    const height = toHeight(completed / scale, ABOVE);
    if (completed > 0) bars.all.push({ x, y: DAY_LINE - height, height });
    if (bad > 0) bars.bad.push({ x, y: DAY_LINE + 1, height: toHeight(bad / badScale, BELOW) });
  }
  return bars;
}

/** "Last 24 hours: 1,204 completed, 14 of them failed or blocked, in 4 of the hours" */
export function dayWords(hours: readonly Hour[]): string {
  const sum = (of: (hour: Hour) => number): number => hours.reduce((total, hour) => total + of(hour), 0);
  const completed = sum((hour) => hour.completed);
  const bad = sum((hour) => hour.bad);
  if (completed === 0) return 'Last 24 hours: none completed';
  if (bad === 0) return `Last 24 hours: ${toNumber(completed)} completed, none failed or blocked`;
  const within = sum((hour) => (hour.bad > 0 ? 1 : 0));
  return `Last 24 hours: ${toNumber(completed)} completed, ${toNumber(bad)} of them failed or blocked, in ${within} of the hours`;
}
