import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findProxy, NO_PROXY } from './proxy.ts';
import { toHaproxyFile, toNginxFile } from './proxy-file.ts';

const read = (file: string): string =>
  readFileSync(new URL(`../../../../deploy/${file}`, import.meta.url), 'utf8').replace(/^\s*#.*\n/gm, '');
const places = { port: 4000, nodes: [4001, 4002, 4003] };
const haproxy = toHaproxyFile(read('haproxy.cfg'), places);
const nginx = toNginxFile(read('nginx.conf'), places, { directory: '/somewhere', without: 4002 });

describe.each([
  ['HAProxy', haproxy],
  ['nginx', nginx]
])('the file of a cluster for %s', (_name, file) => {
  test('leads from its port to every node, and keeps no client at one', () => {
    for (const node of places.nodes)
      expect(file.match(new RegExp(`server .*127\\.0\\.0\\.1:${node}\\b`, 'g'))).toHaveLength(1);
    expect(file).toMatch(/(?:bind|listen) 127\.0\.0\.1:4000/);
    expect(file).not.toMatch(/sticky|stick-table|ip_hash|cookie|balance source|hash \$/);
  });

  test('has nothing of the example left, neither its name nor its certificate nor its ports', () => {
    expect(file).not.toMatch(/example|ssl|:443|:80\b|listen 80|:3000\b|\[::\]/);
  });

  test('passes no metrics on, and nobody can write the address he comes from', () => {
    expect(file).toMatch(/metrics/);
    expect(file).toMatch(/X-Forwarded-For (?:%\[src\]|\$remote_addr)/);
  });
});

test('nginx, which asks no node how it is, is told which one leaves', () => {
  expect(nginx).toMatch(/127\.0\.0\.1:4002 [^;]* down;/);
  expect(nginx.match(/ down;/g)).toHaveLength(1);
});

test('HAProxy is taken where it is, else nginx, and without both it is said what to install', () => {
  expect(findProxy(undefined, (name) => `/there/${name}`)).toEqual({ name: 'haproxy', program: '/there/haproxy' });
  expect(findProxy(undefined, (name) => (name === 'nginx' ? '/there/nginx' : null))?.name).toBe('nginx');
  expect(findProxy(undefined, () => null)).toBeNull();
  expect(NO_PROXY).toContain('apt-get install haproxy');
});
