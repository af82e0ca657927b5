/** Which badge an operation wears: each outcome, staleness over status, and what nobody can place. */
import { describe, expect, it } from 'vitest';
import { badgeOf } from './badge.ts';
import { OUTCOMES } from './operation.ts';

const active = { status: 'running', outcome: 'pending', staleAt: 10, reconciledAt: null } as const;

describe('badge of an operation', () => {
  it('is its status while active and not silent', () => {
    expect(badgeOf(active, 9)).toBe('running');
    expect(badgeOf({ ...active, status: 'queued' }, 9)).toBe('queued');
  });
  it('is stale once it was silent for too long, queued or running', () => {
    expect(badgeOf(active, 10)).toBe('stale');
    expect(badgeOf({ ...active, status: 'queued' }, 10)).toBe('stale');
  });
  it('is its outcome when completed, and no longer goes stale', () => {
    const kinds = OUTCOMES.map((outcome) => badgeOf({ ...active, status: 'completed', outcome }, 99));
    expect(kinds).toEqual(['unknown', 'succeeded', 'partial', 'blocked', 'failed', 'cancelled']);
  });
  it('is unknown where the timing is missing', () => {
    expect(badgeOf({ ...active, staleAt: null }, 0)).toBe('unknown');
  });
});
