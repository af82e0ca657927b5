import { expect, test } from 'vitest';
import { presenceWords, scopeWords, screenWords, SILENT_AFTER_MS, toBrowserName } from './display-wording.ts';

test('a browser is named shortly, and what nobody knows as it calls itself', () => {
  const linux = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)';
  expect(toBrowserName(`${linux} Chrome/147.0.0.0 Safari/537.36`)).toBe('Chromium 147 on Linux');
  expect(toBrowserName(`${linux} HeadlessChrome/147.0.0.0 Safari/537.36`)).toBe('Chromium 147 on Linux');
  expect(toBrowserName(`${linux} Chrome/147.0.0.0 Safari/537.36 Edg/147.0`)).toBe('Edge 147 on Linux');
  expect(toBrowserName('Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0')).toBe(
    'Firefox 140 on Windows'
  );
  expect(toBrowserName('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15')).toBe(
    'Safari 18 on macOS'
  );
  expect(toBrowserName('SignageBox 3')).toBe('SignageBox 3');
  expect(toBrowserName('')).toBe('a browser without a name');
});

test('a display is live only by its own recent word', () => {
  const at = 1_790_000_000_000;
  const said = { seenAt: at - 20_000, state: 'live', proofAt: at - 22_000 };
  expect(presenceWords(said, at)).toEqual({
    look: 'live',
    word: 'Live',
    note: 'proof 2 s old when it spoke, 20 s ago'
  });
  expect(presenceWords({ ...said, seenAt: at - SILENT_AFTER_MS - 1 }, at).look).toBe('unknown');
  expect(presenceWords({ ...said, state: 'stale' }, at)).toMatchObject({ look: 'behind', word: 'Stale' });
  expect(presenceWords({ ...said, state: 'connecting', proofAt: null }, at)).toMatchObject({ word: 'Reconnecting' });
  expect(presenceWords(null, at).look).toBe('unknown');
});

test('a screen is said by its size, and whether it is of this version', () => {
  const presence = { width: 1920, height: 1080, pixelRatio: 1, version: 'a' };
  expect(screenWords(presence, 'a')).toBe('1920 × 1080, up to date');
  expect(screenWords({ ...presence, pixelRatio: 2 }, 'b')).toMatch(/^1920 × 1080 at 2×, of another version/);
  expect(screenWords(null, 'a')).toBe('screen not known');
});

test('a scope is named, and what was removed is not left out in silence', () => {
  const environments = [
    { id: 1, name: 'North' },
    { id: 2, name: 'South' }
  ];
  expect(scopeWords([], environments)).toBe('The whole workspace');
  expect(scopeWords([2, 1], environments)).toBe('North, South');
  expect(scopeWords([2, 9], environments)).toBe('South, 1 removed');
});
