import { expect, test } from 'vitest';
import { accessWords, endedWords, isSameNotice, leftWords } from './access-wording.ts';

const at = Date.UTC(2026, 10, 24, 8, 14, 2);

test('a page says when access changed, and whether what it shows is of before or of now', () => {
  expect(accessWords(null, true, 'UTC')).toBeNull();
  expect(accessWords(at, true, 'Europe/Berlin')).toEqual({
    at,
    fact: 'Your access changed at 09:14:02 CET.',
    consequence: 'What you may see is being read.'
  });
  expect(accessWords(at, false, 'UTC')?.consequence).toBe('This is what you may see now.');
});

test('of what went away it is said since when, and of a session when it ended, if that is known', () => {
  expect(leftWords(at, 'UTC').fact).toBe('You no longer see what was open here, since 08:14:02 UTC.');
  expect([endedWords(at, 'UTC').fact, endedWords(null, 'UTC').fact]).toEqual([
    'Your session ended at 08:14:02 UTC.',
    'Your session ended.'
  ]);
});

test('a second change within the second of one that was put away is said, though its words are the same', () => {
  const putAway = accessWords(at, true, 'UTC')!;
  const next = accessWords(at + 400, false, 'UTC')!;
  expect(next.fact).toBe(putAway.fact);
  expect(isSameNotice(putAway, next)).toBe(false);
  // Its consequence changes while the page is read again: it stays put away.
  expect(isSameNotice(putAway, accessWords(at, false, 'UTC')!)).toBe(true);
  expect(isSameNotice(null, next)).toBe(false);
});
