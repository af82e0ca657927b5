/** Calm is claimed of a live feed alone. */
import { describe, expect, it } from 'vitest';
import { calmWords, type CalmView } from './calm-wording.ts';

const AT = Date.UTC(2026, 10, 23, 8, 14, 2);
const MINUTE = 60_000;
const counts = { active: 12, stale: 0, blocked: 0, failed: 0, partial: 0, succeeded: 4 };
const view = (change: Partial<CalmView> = {}): CalmView => ({
  summary: { counts, lastReportAt: AT - MINUTE, silentAfterMs: 20 * MINUTE },
  stamp: { state: 'live', staleSince: null },
  at: AT,
  liveSince: AT - 190 * MINUTE,
  isPaused: false,
  timeZone: 'Europe/Berlin',
  ...change
});

describe('nothing needs attention', () => {
  it('is one calm line with its basis while the feed is live', () => {
    expect(calmWords(view())).toEqual({
      state: 'calm',
      word: 'Nothing needs attention.',
      basis: 'No open follow-up. 12 operations active; live since 06:04.'
    });
  });
  it('counts one and none as words', () => {
    const active = (n: number) => view({ summary: { ...view().summary!, counts: { ...counts, active: n } } });
    expect(calmWords(active(1)).basis).toContain('One operation active');
    expect(calmWords(active(0)).basis).toContain('No operation active');
  });
  it('names the day of a feed that is live since another', () => {
    expect(calmWords(view({ liveSince: AT - 24 * 60 * MINUTE })).basis).toContain('live since 22 Nov, 09:14');
  });
  it('adds that the source is silent, because then it rests on little', () => {
    const summary = { counts, lastReportAt: AT - 60 * MINUTE, silentAfterMs: 20 * MINUTE };
    expect(calmWords(view({ summary })).basis).toMatch(/ Nothing was reported for 1 h\.$/);
  });
  it.each(['connecting', 'reconnecting', 'stale', 'no_data'] as const)('is not claimed while %s', (state) => {
    const words = calmWords(view({ stamp: { state, staleSince: AT } }));
    expect(words.state).toBe('unknown');
    expect(words.word).not.toMatch(/^Nothing needs/);
  });
  it('is not claimed while paused, nor where no number is known', () => {
    expect(calmWords(view({ isPaused: true })).state).toBe('unknown');
    expect(calmWords(view({ summary: null })).state).toBe('unknown');
  });
});
