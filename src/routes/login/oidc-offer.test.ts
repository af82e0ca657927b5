import { expect, test } from 'vitest';
import { toFailedPath, toOffer } from './oidc-offer.ts';

const at = (query: string): URL => new URL(`http://127.0.0.1/login${query}`);

test('without a provider nothing is offered, whatever the address says', () => {
  expect(toOffer(undefined, '/admin', at('?oidc=away'))).toBeNull();
});

test('the offer leads to where one wanted to go, and says what failed by words of a closed list', () => {
  expect(toOffer('Example', null, at(''))).toEqual({ label: 'Example', href: '/login/oidc', failed: null });
  expect(toOffer('Example', '/admin?a=b&c', at('?oidc=access'))).toEqual({
    label: 'Example',
    href: '/login/oidc?next=%2Fadmin%3Fa%3Db%26c',
    failed: 'access'
  });
  for (const query of ['?oidc=', '?oidc=toString', '?oidc=no%20access', '?oidc=<b>'])
    expect(toOffer('Example', null, at(query))?.failed).toBeNull();
});

test('what failed is told by the address that the offer reads', () => {
  for (const failure of ['away', 'begun elsewhere', 'not signed in there', 'no access', 'limited', 'busy'] as const) {
    const path = toFailedPath(failure, '/admin');
    expect(path).toContain('next=%2Fadmin');
    expect(toOffer('Example', null, new URL(path, 'http://127.0.0.1'))?.failed).toBeTruthy();
  }
  expect(toFailedPath('away', null)).toBe('/login?oidc=away');
});
