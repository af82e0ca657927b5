import { expect, test } from 'vitest';
import { applyBaseline, parseBaseline, toBaseline } from './baseline.ts';
import type { Finding } from './findings.ts';

const finding = (signature: string, at: string): Finding => ({
  signature,
  at,
  page: null,
  where: 'HTML',
  evidence: 'x',
  times: 1
});
const entry = { signature: 'version-header', at: '/a*', until: '2026-12-31', reason: 'the proxy is replaced' };
const found = [finding('version-header', '/a/b?c=1'), finding('version-header', '/b'), finding('canary', '/a')];

test('an entry accepts its signature at its addresses until its day is over', () => {
  const judged = applyBaseline(found, [entry], '2026-12-31');
  expect(judged.accepted.map(({ finding: { at } }) => at)).toEqual(['/a/b?c=1']);
  expect(judged.open).toEqual(found.slice(1));
  const over = applyBaseline(found, [entry], '2027-01-01');
  expect(over.open).toEqual(found);
  expect(over.over).toEqual([entry]);
});

test('what is not found any more is told', () => {
  const gone = { ...entry, at: '/gone' };
  expect(applyBaseline(found, [gone], '2026-12-01').unused).toEqual([gone]);
});

test('signs of patterns in an address are only signs', () => {
  const dotted = { ...entry, at: '/a.b(c)' };
  expect(applyBaseline([finding('version-header', '/aXb(c)')], [dotted], '2026-12-01').accepted).toEqual([]);
  expect(applyBaseline([finding('version-header', '/a.b(c)')], [dotted], '2026-12-01').accepted).toHaveLength(1);
});

test('what is written accepts what was found, and can be read again', () => {
  const entries = parseBaseline(toBaseline(found, '2026-12-31', 'known'));
  expect(applyBaseline(found, entries, '2026-12-01').open).toEqual([]);
});

test.each([
  ['no JSON', '{'],
  ['no end', '{"accepted":[{"signature":"a","at":"/","reason":"none given"}]}'],
  ['no day', '{"accepted":[{"signature":"a","at":"/","reason":"none given","until":"soon"}]}'],
  ['something else', '{"accepted":[],"ignored":[]}']
])('a baseline with %s is refused', (_what, text) => {
  expect(() => parseBaseline(text)).toThrow(/baseline/);
});
