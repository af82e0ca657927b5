import { expect, test } from 'vitest';
import { parseTheme, parseTimeZone } from './preferences.ts';

test('a theme is one of three; anything else, markup for example, is the system’s', () => {
  expect(['light', 'dark', 'system'].map(parseTheme)).toEqual(['light', 'dark', 'system']);
  expect([undefined, '', 'Dark', '"><script>'].map(parseTheme)).toEqual(Array(4).fill('system'));
});

test('a time zone is one that exists; anything else is UTC', () => {
  expect(parseTimeZone('Europe/Vienna')).toBe('Europe/Vienna');
  expect(parseTimeZone('America/Argentina/Buenos_Aires')).toContain('Buenos_Aires');
  expect([undefined, '', 'Mars/Olympus', '+02:00', 'x'.repeat(200), '<b>'].map(parseTimeZone)).toEqual(
    Array(6).fill('UTC')
  );
});
