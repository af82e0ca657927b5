import { expect, test } from 'vitest';
import { openFrontier, toForm, toPath } from './crawl.ts';

const origin = 'https://app.test';
const limits = { origin, depth: 1, maxPages: 10, perForm: 2 };

test('links of the same origin are followed once, to the depth', () => {
  const frontier = openFrontier(['/', '/a'], limits);
  const start = frontier.next()!;
  expect(start).toEqual({ path: '/', depth: 0, from: null });
  frontier.found([`${origin}/a`, `${origin}/b#part`, `${origin}/b`, 'https://other.test/c', 'mailto:a@b.test'], start);
  expect(frontier.next()!.path).toBe('/a');
  const found = frontier.next()!;
  expect(found).toEqual({ path: '/b', depth: 1, from: '/' });
  frontier.found([`${origin}/deeper`], found);
  expect(frontier.next()).toBeNull();
  expect(frontier.leftOut).toBe(0);
});

test('links that do something, and files, are not followed', () => {
  for (const path of [
    '/logout',
    '/account/sign-out',
    '/items/3/delete',
    '/x?action=unsubscribe',
    '/a.pdf',
    '/feed.xml'
  ])
    expect(toPath(path, origin), path).toBeNull();
  for (const path of ['/signals', '/catalogue', '/deleted-items', '/guide.html', '/v1.2', '/x?outcome=cancelled'])
    expect(toPath(path, origin), path).toBe(path);
});

test('of pages that differ in ids only there are enough after a few', () => {
  expect(toForm('/operations/17?b=2&a=1')).toBe(toForm('/operations/23?a=4&b=5'));
  expect(toForm('/operations/17')).not.toBe(toForm('/operations/list'));
  const frontier = openFrontier(['/'], limits);
  frontier.found(
    Array.from({ length: 5 }, (_value, index) => `${origin}/operations/${index}`),
    frontier.next()!
  );
  expect([frontier.next()?.path, frontier.next()?.path, frontier.next()]).toEqual([
    '/operations/0',
    '/operations/1',
    null
  ]);
  expect(frontier.leftOut).toBe(3);
});

test('there are never more pages than allowed', () => {
  const frontier = openFrontier(['/'], { ...limits, maxPages: 3 });
  frontier.found(
    ['a', 'b', 'c', 'd'].map((name) => `${origin}/${name}`),
    frontier.next()!
  );
  expect([frontier.next(), frontier.next(), frontier.next()].map((page) => page?.path)).toEqual([
    '/a',
    '/b',
    undefined
  ]);
  expect(frontier.leftOut).toBe(2);
});
