/** Instants in the reader's zone: the day's edge in that zone decides, and a zone that nobody knows is UTC. */
import { describe, expect, it } from 'vitest';
import { knownZone, toClock, toMinute, toMoment, toZoneName } from './time.ts';

const at = Date.UTC(2026, 10, 23, 8, 14, 2);

describe('clock time', () => {
  it('is that of the zone, on 24 hours', () => {
    expect(toClock(at, 'UTC')).toBe('08:14:02');
    expect(toClock(at, 'Europe/Berlin')).toBe('09:14:02');
    expect(toClock(Date.UTC(2026, 0, 1, 0, 0, 0), 'UTC')).toBe('00:00:00');
  });
  it('is UTC for a zone that does not exist', () => {
    expect(toClock(at, 'Middle/Earth')).toBe('08:14:02');
    expect(knownZone('')).toBe('UTC');
    expect(knownZone('Europe/Berlin')).toBe('Europe/Berlin');
  });
});

describe('moment seen from another', () => {
  it('names the day only when it is another one in that zone', () => {
    const late = Date.UTC(2026, 10, 22, 23, 30);
    expect(toMoment(late, at, 'UTC')).toBe('22 Nov, 23:30');
    expect(toMoment(late, at, 'Europe/Berlin')).toBe('00:30:00');
  });
  it('names the year when it is another one', () => {
    expect(toMoment(Date.UTC(2025, 10, 22, 12), at, 'UTC')).toBe('22 Nov 2025');
  });
});

describe('name of a zone', () => {
  it('is short, and follows the season', () => {
    expect(toZoneName(at, 'Europe/Berlin')).toBe('CET');
    expect(toZoneName(Date.UTC(2026, 6, 1), 'Europe/Berlin')).toBe('CEST');
    expect(toZoneName(at, 'America/New_York')).toBe('EST');
    expect(toZoneName(at, 'UTC')).toBe('UTC');
  });
  it('is the offset where there is no name', () => {
    expect(toZoneName(at, 'Asia/Kolkata')).toMatch(/^GMT\+5:30$|^IST$/);
  });
});

describe('an instant to the minute', () => {
  it('is as short as it stays plain', () => {
    const at = Date.UTC(2026, 10, 23, 8, 14, 2);
    expect(toMinute(at - 3_600_000, at, 'Europe/Berlin')).toBe('08:14');
    expect(toMinute(Date.UTC(2026, 10, 22, 18, 54), at, 'Europe/Berlin')).toBe('22 Nov, 19:54');
    expect(toMinute(Date.UTC(2025, 10, 22, 18, 54), at, 'Europe/Berlin')).toBe('22 Nov 2025, 19:54');
  });
});
