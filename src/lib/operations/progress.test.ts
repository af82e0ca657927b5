/** Progress is what was reported or nothing: the modes, and numbers that cannot be trusted. */
import { describe, expect, it } from 'vitest';
import type { OperationRow } from './operation.ts';
import { countedProgress, progressOf } from './progress.ts';

function running(progress: Partial<OperationRow['progress']>) {
  const all = { processed: null, total: null, phase: null, ...progress };
  return { status: 'running', outcome: 'pending', staleAt: 10, reconciledAt: null, progress: all } as const;
}

describe('progress of an operation', () => {
  it('is counted while it runs with both numbers, from nothing to all', () => {
    expect(progressOf(running({ processed: 0, total: 1_000_000 }), 0)).toEqual({
      mode: 'counted',
      processed: 0,
      total: 1_000_000
    });
    expect(progressOf(running({ processed: 1, total: 1 }), 0)).toMatchObject({ mode: 'counted' });
  });
  it('is its phase where there are no counts, and activity where there is nothing', () => {
    expect(progressOf(running({ phase: ' Collecting evidence ' }), 0)).toEqual({
      mode: 'phased',
      phase: 'Collecting evidence'
    });
    expect(progressOf(running({ phase: '  ' }), 0)).toEqual({ mode: 'activity' });
  });
  it('is only activity when queued, silent or without timing, whatever was counted before', () => {
    const counted = running({ processed: 3, total: 4 });
    expect(progressOf({ ...counted, status: 'queued' }, 0)).toEqual({ mode: 'activity' });
    expect(progressOf(counted, 10)).toEqual({ mode: 'activity' });
    expect(progressOf({ ...counted, staleAt: null }, 0)).toEqual({ mode: 'activity' });
  });
  it('is nothing when completed', () => {
    const done = { ...running({ processed: 3, total: 4 }), status: 'completed', outcome: 'succeeded' } as const;
    expect(progressOf(done, 0)).toEqual({ mode: 'none' });
  });
});

describe('counts that can be trusted', () => {
  it.each([
    [null, 5],
    [5, null],
    [0, 0],
    [6, 5],
    [-1, 5],
    [1.5, 5],
    [Number.NaN, 5],
    [1, Number.POSITIVE_INFINITY]
  ])('are not %s of %s', (processed, total) => {
    expect(countedProgress({ processed, total })).toBeNull();
  });
});
