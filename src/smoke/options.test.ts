import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('an address is all that is needed, as an option or alone', () => {
  for (const args of [['--base-url', 'https://app.test/a'], ['https://app.test/a']])
    expect(parseOptions(args)).toMatchObject({
      'base-url': 'https://app.test/a',
      depth: 1,
      'fail-on': 'low',
      out: 'artifacts',
      path: []
    });
  expect(parseOptions(['--help'])).toBeNull();
});

test.each([
  [[], 'Say where'],
  [['ftp://app.test'], '--base-url'],
  [['https://a.test', 'https://b.test'], 'one address too many'],
  [['https://a.test', '--base-url', 'https://b.test'], 'one address too many'],
  [['https://a.test', '--path', 'relative'], '--path'],
  [['https://a.test', '--depth', 'deep'], '--depth'],
  [['https://a.test', '--fail-on', 'some'], '--fail-on'],
  [['https://a.test', '--expect', 'title=x'], '--expect'],
  [['https://a.test', '--expect', 'status=999'], 'no status'],
  [['https://a.test', '--no-browser', '--login', 'watchfloor'], 'needs a browser'],
  [['https://a.test', '--nonsense'], 'nonsense']
])('%j is refused with a sentence', (args, sentence) => {
  expect(() => parseOptions(args)).toThrow(sentence);
});
