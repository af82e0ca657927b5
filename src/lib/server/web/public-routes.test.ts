import { expect, test } from 'vitest';
import { isOfDisplays, needsPerson } from './public-routes.ts';

test('every route needs somebody signed in, except a closed list', () => {
  const open = [
    '/',
    '/login',
    '/login/oidc',
    '/login/oidc/callback',
    '/login/passkey',
    '/login/second',
    '/login/smoke',
    '/logout'
  ];
  expect(open.some((id) => needsPerson(id, id))).toBe(false);
  expect(needsPerson('/admin', '/admin')).toBe(true);
  expect(needsPerson('/admin/workspaces/[workspace]/operations', '/admin/workspaces/3/operations')).toBe(true);
  expect(needsPerson('/something/new', '/something/new')).toBe(true);
});

test('walls are displays’, and nothing beside them is', () => {
  expect(['/wall', '/wall/data', '/wall/pairing/poll'].map(isOfDisplays)).toEqual([true, true, true]);
  expect([null, '/wallet', '/admin/wall', '/pair'].map(isOfDisplays)).toEqual(Array(4).fill(false));
  expect(needsPerson('/wall/data', '/wall/data')).toBe(false);
  expect(needsPerson('/pair', '/pair')).toBe(true);
});

test('another spelling of a path is no way around', () => {
  expect(needsPerson('/admin', '/%61dmin')).toBe(true);
});

test('groups in a route change nothing', () => {
  expect(needsPerson('/(signed-in)/admin', '/admin')).toBe(true);
  expect(needsPerson('/(plain)/login', '/login')).toBe(false);
  expect(needsPerson('/(plain)', '/')).toBe(false);
});

test('under /admin even a path that leads nowhere needs somebody signed in; elsewhere it is simply not found', () => {
  expect(needsPerson(null, '/admin/nothing')).toBe(true);
  expect(needsPerson(null, '/admin')).toBe(true);
  expect(needsPerson(null, '/administration')).toBe(false);
  expect(needsPerson(null, '/nothing')).toBe(false);
});
