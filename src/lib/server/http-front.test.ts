import { createServer, request as ask, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Denial } from './access/denials.ts';
import { readConfig } from './config.ts';
import { setHeadersOfEveryResponse, tellForeignRequests } from './http-front.ts';

const config = readConfig({ PORT: '3000' });
const OURS = 'http://127.0.0.1:3000';
let server: Server;
afterEach(() => new Promise((done) => server.close(done)));

/** Asks a server that answers so, and returns status, headers and what was told to the log. */
async function meet(
  answer: RequestListener,
  { path = '/admin', method = 'GET', headers = {} }: { path?: string; method?: string; headers?: object } = {}
) {
  const told: Denial[] = [];
  server = createServer(answer);
  tellForeignRequests(server, config, { denied: (denial) => void told.push(denial) });
  setHeadersOfEveryResponse(server, config);
  // As src/server.ts does, once the hub has put itself before us.
  setHeadersOfEveryResponse(server, config);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number; headers: Record<string, unknown>; told: Denial[] }>((resolve, reject) => {
    const asked = ask({ port, host: '127.0.0.1', path, method, agent: false, headers: { ...headers } }, (response) =>
      response.resume().once('end', () => resolve({ status: response.statusCode!, headers: response.headers, told }))
    );
    asked.once('error', reject).end();
  });
}

test('no redirect and no error is stored, however it is answered', async () => {
  for (const answer of [
    (_, response) => response.writeHead(303, { location: '/login' }).end(),
    (_, response) => response.writeHead(404).end('Not found'),
    // as adapter-node refuses a body
    (_, response) => {
      response.statusCode = 400;
      response.end('Bad Request');
    }
  ] satisfies RequestListener[]) {
    const { headers } = await meet(answer);
    expect(headers['cache-control']).toBe('no-store');
    await new Promise((done) => server.close(done));
  }
  const posted = await meet((_, response) => response.end('{"type":"redirect"}'), { method: 'POST' });
  expect(posted.headers['cache-control']).toBe('no-store');
});

test('what says for itself how long it lasts is left alone, and so is what is found', async () => {
  const file = await meet((_, response) => response.writeHead(304, { etag: 'W/"1"' }).end());
  expect(file.headers['cache-control']).toBeUndefined();
  server.close();
  const own = await meet((_, response) => response.writeHead(404, { 'cache-control': 'private' }).end());
  expect(own.headers['cache-control']).toBe('private');
  server.close();
  expect((await meet((_, response) => response.end('yes'))).headers['cache-control']).toBeUndefined();
});

test('a form that a page of others posted is told to the log, with its origin and without its query', async () => {
  const refuse: RequestListener = (_, response) => response.writeHead(403).end();
  const headers = { origin: 'http://evil.test' };
  const { told } = await meet(refuse, { path: '/admin/x?q=secret', method: 'POST', headers });
  expect(told).toEqual([
    { door: 'request', why: 'foreign origin', path: '/admin/x', origin: 'http://evil.test', address: '127.0.0.1' }
  ]);
});

test('a host that is not ours is told to the log; what our own page was refused is not, since its route tells it', async () => {
  const { told } = await meet((_, response) => response.writeHead(421).end(), { headers: { host: 'evil.test' } });
  expect(told).toMatchObject([{ why: 'foreign host', origin: 'evil.test' }]);
  server.close();
  const own = await meet((_, response) => response.writeHead(403).end(), { method: 'POST', headers: { origin: OURS } });
  expect(own.told).toEqual([]);
  server.close();
  const live = await meet((_, response) => response.writeHead(403).end(), { path: '/live/socket/', method: 'POST' });
  expect(live.told).toEqual([]);
});
