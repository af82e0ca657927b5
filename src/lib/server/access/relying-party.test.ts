import { expect, test } from 'vitest';
import { toRelyingParty } from './relying-party.ts';

const asked = (url: string, origin: string | null = null) => toRelyingParty(origin, new URL(url));

test('the configured origin counts, under whatever name somebody asks', () => {
  const party = { id: 'ops.example.com', origin: 'https://ops.example.com:8443' };
  for (const url of ['https://ops.example.com:8443/login', 'http://127.0.0.1:3000/', 'https://evil.example/'])
    expect(asked(url, 'https://ops.example.com:8443')).toEqual(party);
});

test('on this machine it is localhost, with http', () => {
  expect(asked('http://localhost:3000/account')).toEqual({ id: 'localhost', origin: 'http://localhost:3000' });
  expect(asked('http://a.localhost/', 'http://a.localhost')).toEqual({
    id: 'a.localhost',
    origin: 'http://a.localhost'
  });
});

test.each([
  ['http://127.0.0.1:3000/', null, 'open http://localhost:3000 instead.'],
  ['http://[::1]/', null, 'open http://localhost instead.'],
  ['http://192.0.2.7:3000/', null, 'ask whoever administers'],
  ['https://192.0.2.7/', 'https://192.0.2.7', 'in place of an address'],
  ['https://[2001:db8::1]/', 'https://[2001:db8::1]', 'in place of an address'],
  ['http://ops.example.com/', 'http://ops.example.com', 'need https'],
  ['http://ops.example.com/', null, 'need https']
])('%s with ORIGIN %s can have none, and why is said', (url, origin, words) => {
  expect(asked(url, origin)).toContain(words);
});
