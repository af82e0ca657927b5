import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { ROUTES, toRouteLabel } from './routes.ts';

test('every route of SvelteKit has its label: add a new one to ROUTES, parameters after words', () => {
  const files = readdirSync('src/routes', { recursive: true, encoding: 'utf8' });
  const ids = files
    .filter((file) => /(^|\/)\+(page|server|page\.server)\.(svelte|ts)$/.test(file))
    // Groups such as `(signed-in)` are no part of an address.
    .map((file) => `/${dirname(file)}`.replace(/\/\.$/, '/').replace(/\/\([^)]+\)/g, '') || '/');
  const ours = ROUTES.filter((route) => !/^\/(live|healthz|readyz|metrics)/.test(route));
  expect(ours.toSorted()).toEqual([...new Set(ids)].toSorted());
});

test('a path is told by its route, in whatever way it is written', () => {
  const hub = '/admin/workspaces/[workspace]/operations';
  expect(toRouteLabel('/admin/workspaces/3/operations?environment_id=4')).toBe(hub);
  expect(toRouteLabel('/admin/workspaces/3/operations/')).toBe(hub);
  expect(toRouteLabel('/%61dmin/workspaces/3/operations/__data.json?x=1')).toBe(hub);
  expect(toRouteLabel('/admin/workspaces/3/operations/counts')).toBe(`${hub}/counts`);
  expect(toRouteLabel('/admin/workspaces/3/operations/77')).toBe(`${hub}/[operation]`);
  expect(toRouteLabel('/')).toBe('/');
});

test('whatever else is asked for makes no label of its own', () => {
  expect(toRouteLabel('/_app/immutable/x.js')).toBe('/_app/*');
  for (const url of ['/.env', '/%E0%A4%A', '/admin/nothing', '//', 'http://evil.example/login', '*', undefined])
    expect(['other', '/'], String(url)).toContain(toRouteLabel(url));
});
