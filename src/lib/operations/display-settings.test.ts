import { expect, test } from 'vitest';
import { formatCode, parseCode, parseHandOver, parseSettings } from './display-settings.ts';

const context = { environmentIds: [3, 4, 5], mayGiveWorkspace: true, isZone: (name: string) => name === 'UTC' };
const right = {
  name: ' NOC, left ',
  scope: 'workspace',
  layout: 'whole',
  theme: 'dark',
  distance: '5',
  diagonal: '55',
  rotate: '',
  zone: 'UTC'
};
const form = (fields: Record<string, string>, environments: number[] = []): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  for (const id of environments) data.append('environment', String(id));
  return data;
};

test('a right form is taken whole', () => {
  expect(parseSettings(form(right), context)).toEqual({
    name: 'NOC, left',
    environmentIds: [],
    layout: 'whole',
    theme: 'dark',
    distanceM: 5,
    diagonalIn: 55,
    rotateSeconds: null,
    zone: 'UTC'
  });
  expect(parseSettings(form({ ...right, scope: 'environments', rotate: '20' }, [5, 3]), context)).toMatchObject({
    environmentIds: [3, 5],
    rotateSeconds: 20
  });
});

test.each([
  ['name', { name: ' ' }],
  ['name', { name: 'x'.repeat(121) }],
  ['name', { name: 'a\u0007b' }],
  ['scope', { scope: 'everything' }],
  ['layout', { layout: 'huge' }],
  ['theme', { theme: 'pink' }],
  ['distance', { distance: 'far' }],
  ['distance', { distance: '0' }],
  ['diagonal', { diagonal: '4' }],
  ['rotate', { rotate: '1' }],
  ['zone', { zone: 'Mars/Olympus' }],
  // From so far hardly a line could be read.
  ['diagonal', { distance: '10', diagonal: '55' }]
])('what is wrong with %s is said', (field, wrong) => {
  expect(parseSettings(form({ ...right, ...wrong }), context)).toMatchObject({ field });
});

test('nobody gives what they do not see: neither other environments nor the whole workspace', () => {
  const narrowed = { ...context, environmentIds: [3], mayGiveWorkspace: false };
  expect(parseSettings(form(right), narrowed)).toMatchObject({ field: 'scope' });
  const some = { ...right, scope: 'environments' };
  expect(parseSettings(form(some, [3, 4, 99]), narrowed)).toMatchObject({ environmentIds: [3] });
  expect(parseSettings(form(some, [4]), narrowed)).toMatchObject({ field: 'environment' });
});

test('a code is read as people type it, and nothing else is one', () => {
  expect(parseCode('bcdf-ghjk')).toBe('BCDFGHJK');
  expect(parseCode(' BCDF GHJK ')).toBe('BCDFGHJK');
  expect(['', 'BCDF', 'BCDFGHJKL', 'ACDFGHJK', 'BCDF-GH0K', "BCDFGHJ'"].map(parseCode)).toEqual(Array(6).fill(null));
  expect(formatCode('BCDFGHJK')).toBe('BCDF-GHJK');
});

test('a note has words and an end', () => {
  expect(parseHandOver(form({ note: ' Back at\n6. ', hours: '8' }))).toEqual({ text: 'Back at 6.', hours: 8 });
  expect(parseHandOver(form({ note: ' ', hours: '8' }))).toBeNull();
  expect(parseHandOver(form({ note: 'x', hours: '7' }))).toBeNull();
  expect(parseHandOver(form({ note: 'x'.repeat(281), hours: '8' }))).toBeNull();
});
