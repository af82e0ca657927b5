import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { isForeignChange } from './cross-site.ts';
import { isOwnOrigin } from './http-front.ts';

const config = readConfig({ PORT: '3000' });
const OURS = 'http://127.0.0.1:3000';
const HOST = '127.0.0.1:3000';
const isOwn = (origin: string | undefined, host: string | undefined) => isOwnOrigin(config, origin, host);
const judge = (headers: Record<string, string>, method = 'POST') =>
  isForeignChange(method, { host: HOST, ...headers }, isOwn);

test('our own pages may change things, by every method', () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY']) {
    expect(judge({ origin: OURS, cookie: 'a=b', 'sec-fetch-site': 'same-origin' }, method)).toBe(false);
    expect(judge({ origin: OURS, cookie: 'a=b' }, method)).toBe(false);
    expect(judge({ cookie: 'a=b', 'sec-fetch-site': 'same-origin' }, method)).toBe(false);
  }
});

test.each([
  ['another site', { origin: 'http://evil.test' }],
  ['another port of our host', { origin: 'http://127.0.0.1:3001' }],
  ['another scheme of our host', { origin: 'https://127.0.0.1:3000' }],
  ['a name that begins as ours', { origin: 'http://127.0.0.1:3000.evil.test' }],
  ['an opaque origin (a sandboxed frame, a file)', { origin: 'null' }],
  ['an empty origin', { origin: '' }],
  ['a sibling under one site', { 'sec-fetch-site': 'same-site' }],
  ['another site that hides its origin', { 'sec-fetch-site': 'cross-site' }],
  ['another site that claims ours', { origin: OURS, 'sec-fetch-site': 'cross-site' }],
  ['ours, said from another origin', { origin: 'http://evil.test', 'sec-fetch-site': 'same-origin' }],
  ['a word that browsers do not say', { origin: OURS, 'sec-fetch-site': 'Same-Origin' }],
  ['somebody with a cookie who names no page', { cookie: 'watchfloor=x' }]
])('%s changes nothing, with a cookie or without, in any form', (_, headers) => {
  for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain', ''])
    expect(judge({ ...headers, 'content-type': type })).toBe(true);
});

test('a script without a cookie is let through: its own token is asked for later', () => {
  expect(judge({ authorization: 'Bearer x' })).toBe(false);
});

test('what only reads is never refused for where it comes from', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    expect(judge({ origin: 'http://evil.test', 'sec-fetch-site': 'cross-site', cookie: 'a=b' }, method)).toBe(false);
});

test('whatever the headers say: with a cookie, only an own origin or an own site lets a change through', () => {
  const header = fc.option(fc.oneof(fc.string(), fc.constantFrom(OURS, 'null', 'same-origin', 'none', 'cross-site')), {
    nil: undefined
  });
  fc.assert(
    fc.property(header, header, fc.constantFrom('POST', 'PUT', 'post', 'Delete', ''), (origin, site, method) => {
      const headers = { host: HOST, cookie: 'a=b', ...(origin !== undefined && { origin }) };
      const isForeign = isForeignChange(
        method,
        { ...headers, ...(site !== undefined && { 'sec-fetch-site': site }) },
        isOwn
      );
      const isOurs =
        (origin === undefined || config.origins!.includes(origin)) &&
        (site === undefined || ['same-origin', 'none'].includes(site)) &&
        (origin !== undefined || site !== undefined);
      expect(isForeign).toBe(!isOurs);
    })
  );
});
