/**
 * The last 24 hours as a strip: above the line what finished, below it what failed or was blocked, longer and in colour
 * while its follow-up is open. Numbers for SVG attributes (style attributes are forbidden), and the same in words. Pure.
 * Invariant: an hour with anything in it has a bar, however small beside the others.
 */
import { toClock } from './time.ts';
import type { WallHour } from './wall-data.ts';
import type { WallFace } from './wall-face.ts';
import { toNumber } from './wording.ts';

/** The drawing's own units; it is stretched to its place. */
export const STRIP = { width: 960, height: 60, line: 42 } as const;
const ABOVE = 41;
const BELOW_RESOLVED = 9;
const BELOW_OPEN = 16;
const LEAST = 3;
/** A finer scale would make one an hour look like a busy day. */
const LEAST_SCALE = 12;
const BAR_SHARE = 0.72;

export interface StripBar {
  key: string;
  x: number;
  y: number;
  width: number;
  height: number;
  kind: 'done' | 'past' | 'open';
}

export function stripOf(hours: readonly WallHour[]): StripBar[] {
  const scale = Math.max(LEAST_SCALE, ...hours.map(({ completed }) => completed));
  const slot = STRIP.width / Math.max(hours.length, 1);
  const width = round(slot * BAR_SHARE);
  return hours.flatMap(({ completed, bad, open }, at) => {
    const x = round(at * slot + (slot - width) / 2);
    const bars: StripBar[] = [];
    if (completed > 0) {
      const height = Math.max(LEAST, round((completed / scale) * ABOVE));
      bars.push({ key: `${at} done`, x, y: round(STRIP.line - height), width, height, kind: 'done' });
    }
    if (bad > 0) {
      const [height, kind] = open > 0 ? ([BELOW_OPEN, 'open'] as const) : ([BELOW_RESOLVED, 'past'] as const);
      bars.push({ key: `${at} bad`, x, y: STRIP.line + 2, width, height, kind });
    }
    return bars;
  });
}

function round(n: number): number {
  return Math.round(n * 10) / 10;
}

/** Under the strip, from left to right. Without proof its end is a time, because "now" would be a lie. */
export function stripLabels(hoursAt: number, { isWithdrawn }: WallFace, timeZone: string): string[] {
  return ['24 h ago', '18 h', '12 h', '6 h', isWithdrawn ? toClock(hoursAt, timeZone).slice(0, 5) : 'now'];
}

/** "Last 24 hours: 1,204 finished, 14 of them failed or blocked, 3 of these still open" */
export function stripWords(hours: readonly WallHour[]): string {
  const sum = (of: (hour: WallHour) => number): number => hours.reduce((total, hour) => total + of(hour), 0);
  const [completed, bad, open] = [sum((h) => h.completed), sum((h) => h.bad), sum((h) => h.open)];
  if (completed === 0) return 'Last 24 hours: nothing finished';
  const finished = `Last 24 hours: ${toNumber(completed)} finished`;
  if (bad === 0) return `${finished}, none failed or blocked`;
  return `${finished}, ${toNumber(bad)} of them failed or blocked, ${open === 0 ? 'none' : toNumber(open)} of these still open`;
}
