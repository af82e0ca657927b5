import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseNetworks, toClientAddress, type ForwardedBy } from './client-address.ts';

const PROXY = '10.0.0.7';
const trusted = parseNetworks('10.0.0.0/8, 2001:db8:ffff::/48')!;
const named: ForwardedBy = { header: 'x-forwarded-for', depth: 1, trusted };
const counted: ForwardedBy = { header: 'x-forwarded-for', depth: 1, trusted: null };

test('without a header that was configured it is whoever connected, whatever the headers say', () => {
  expect(toClientAddress(null, '203.0.113.9', '198.51.100.1')).toBe('203.0.113.9');
  expect(toClientAddress(null, '::ffff:203.0.113.9', undefined)).toBe('203.0.113.9');
});

test('of a header that proxies append to, the place that was counted from the end is taken', () => {
  expect(toClientAddress(counted, PROXY, 'made up, 203.0.113.9')).toBe('203.0.113.9');
  expect(toClientAddress({ ...counted, depth: 2 }, PROXY, 'made up, 203.0.113.9, 10.0.0.8')).toBe('203.0.113.9');
  expect(toClientAddress(counted, PROXY, ['made up', '203.0.113.9'])).toBe('203.0.113.9');
});

test('whoever comes around the proxies that were named is known by his own address', () => {
  expect(toClientAddress(named, '203.0.113.66', '198.51.100.1')).toBe('203.0.113.66');
  expect(toClientAddress(named, '::ffff:203.0.113.66', '10.0.0.7')).toBe('203.0.113.66');
});

test('of what a named proxy says, the last address that is no proxy counts, however many made up ones come before', () => {
  expect(toClientAddress(named, PROXY, '1.1.1.1, 203.0.113.9, 10.1.2.3, 10.0.0.7')).toBe('203.0.113.9');
  expect(toClientAddress(named, '2001:db8:ffff::1', '2001:db8:1::5')).toBe('2001:db8:1::5');
});

test.each(['', 'unknown', 'for=203.0.113.9', '203.0.113.999', '203.0.113.9:80', '<script>', '\0'])(
  'what is no address (%j) is not known, instead of a name that limits could be dodged with',
  (said) => {
    expect(toClientAddress(named, PROXY, said)).toBeNull();
    expect(toClientAddress(counted, PROXY, said)).toBeNull();
  }
);

test('a header that is missing is not known either', () => {
  expect(toClientAddress(named, PROXY, undefined)).toBeNull();
  expect(toClientAddress({ ...counted, depth: 3 }, PROXY, '203.0.113.9')).toBeNull();
});

test('nothing that somebody writes before the proxy’s own entry changes the answer', () => {
  fc.assert(
    fc.property(fc.string(), (written) => {
      expect(toClientAddress(named, PROXY, `${written}, 203.0.113.9`)).toBe('203.0.113.9');
      expect(toClientAddress(counted, PROXY, `${written}, 203.0.113.9`)).toBe('203.0.113.9');
    })
  );
});

test('networks are addresses with or without a length; anything else is refused', () => {
  expect(parseNetworks('127.0.0.1,::1, 10.0.0.0/8')).not.toBeNull();
  for (const text of ['', 'proxy.example', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1,', '10.0.0.0/x', '*'])
    expect(parseNetworks(text), text).toBeNull();
});
