import { expect, test } from 'vitest';
import { refusedAddress } from './addresses.ts';
import { refusalAdvice, refusalSentence, toPlainJson } from './refused.ts';

test('every reason is a sentence, and every name has an advice of its own', () => {
  expect(refusalSentence('the outcome failed is final')).toBe('The outcome failed is final.');
  expect(refusalSentence('')).toBe('It could not be applied.');
  expect(refusalSentence('status "x…')).toBe('Status "x…');
  expect(refusalAdvice('identity_taken')).toContain('ON CONFLICT');
  // What a later version names, and what is no name of ours, is still something to act upon.
  expect(refusalAdvice('constructor')).toBe(refusalAdvice('other'));
});

test('no character of a report can turn or hide the text around it', () => {
  expect(toPlainJson('{"a": "\u202eevil\u0007\u200b"}')).toBe('{"a": "\\u202eevil\\u0007\\u200b"}');
  expect(toPlainJson('"\u{e0041}x"')).toBe('"\\udb40\\udc41x"');
  expect(toPlainJson('{\n  "ä": "日本"\n}')).toBe('{\n  "ä": "日本"\n}');
  const long = toPlainJson(`"${'x'.repeat(50_000)}"`);
  expect(long.length).toBeLessThan(4_010);
  expect(long.endsWith('\n…')).toBe(true);
});

test('the newest page has a clean address', () => {
  expect(refusedAddress(3)).toBe('/admin/workspaces/3/rejected');
  expect(refusedAddress(3, { after: 'abc' })).toBe('/admin/workspaces/3/rejected?after=abc');
  expect(refusedAddress(3, { before: 'abc' })).toBe('/admin/workspaces/3/rejected?before=abc');
});
