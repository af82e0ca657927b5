/** The edges of freshness: the instant of staleness itself, ends without an outcome, missing timing. */
import { describe, expect, it } from 'vitest';
import { freshnessOf, silenceLimitOf } from './freshness.ts';

const running = { status: 'running', outcome: 'pending', staleAt: 1_000, reconciledAt: null } as const;

describe('freshness of an operation', () => {
  it('is fresh until the instant at which it goes stale, and stale from that instant on', () => {
    expect(freshnessOf(running, 999)).toBe('fresh_active');
    expect(freshnessOf(running, 1_000)).toBe('likely_stale');
  });
  it('is the same for queued work', () => {
    expect(freshnessOf({ ...running, status: 'queued' }, 1_001)).toBe('likely_stale');
  });
  it('is unknown while active without timing, whatever the instant', () => {
    expect(freshnessOf({ ...running, staleAt: null }, Number.MAX_SAFE_INTEGER)).toBe('unknown');
  });
  it('is unknown when it ended without an outcome', () => {
    expect(freshnessOf({ ...running, status: 'completed' }, 0)).toBe('unknown');
  });
  it('tells an end by reconciliation from an end by its own report', () => {
    const failed = { status: 'completed', outcome: 'failed', staleAt: null, reconciledAt: null } as const;
    expect(freshnessOf(failed, 5)).toBe('terminal_normal');
    expect(freshnessOf({ ...failed, reconciledAt: 3 }, 5)).toBe('reconciled_failed');
  });
});

describe('silence limit of an operation', () => {
  it('is what was left at the last report', () => {
    expect(silenceLimitOf({ staleAt: 700_000, lastReportedAt: 100_000 })).toBe(600_000);
  });
  it('is not known without timing, nor when the times contradict each other', () => {
    expect(silenceLimitOf({ staleAt: null, lastReportedAt: 0 })).toBeNull();
    expect(silenceLimitOf({ staleAt: 5, lastReportedAt: 9 })).toBeNull();
  });
});
