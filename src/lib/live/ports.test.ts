/** Frames of the browser: what is to be drawn is applied also where nothing is drawn. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { browserPorts } from './ports.ts';

let frames: (() => void)[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => void (frames[id - 1] = () => {}));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('runs with the next frame, or after 250 ms in a tab that draws none, and once', () => {
  let ran = 0;
  browserPorts.onFrame(() => (ran += 1));
  frames[0]?.();
  vi.advanceTimersByTime(1_000);
  expect(ran).toBe(1);
  browserPorts.onFrame(() => (ran += 1));
  vi.advanceTimersByTime(249);
  expect(ran).toBe(1);
  vi.advanceTimersByTime(1);
  frames[1]?.();
  expect(ran).toBe(2);
});

it('does not run once it is stopped', () => {
  let ran = 0;
  browserPorts.onFrame(() => (ran += 1))();
  frames[0]?.();
  vi.advanceTimersByTime(1_000);
  expect(ran).toBe(0);
});
