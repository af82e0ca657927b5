import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { parseExposition, valueOf } from '../../../../tests/harness/exposition.ts';
import { answerPlainly } from '../http-front.ts';
import { createMetricsServer, openMetricsDoor } from './door.ts';
import { openMetrics } from './metrics.ts';
import { openRequestWatch } from './requests.ts';

const TOKEN = 'correct-horse-battery';
const quiet = { info() {}, warn() {}, error() {}, debug() {} };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function open(): ReturnType<typeof openMetrics> {
  const metrics = openMetrics({ version: '1', figures: () => null, database: () => null });
  closing.push(() => metrics.close());
  return metrics;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => new Promise((done) => (server.closeAllConnections(), server.close(done))));
  return (server.address() as AddressInfo).port;
}

/** A server of pages with the door before everything. */
async function openPages(token: string | null, log = quiet): Promise<{ port: number; metrics: typeof metrics }> {
  const metrics = open();
  const watch = openRequestWatch(metrics, log);
  const door = openMetricsDoor({ metrics, token, log });
  const port = await listen(
    createServer((asked, response) => {
      watch(asked, response);
      if (!door(asked, response)) answerPlainly(response, asked.url === '/login' ? 200 : 404, 'Not found.');
    })
  );
  return { port, metrics };
}

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}
function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      answer.once('end', () => {
        const { date: _, ...kept } = answer.headers;
        resolve({ status: answer.statusCode!, headers: kept, body });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('whoever has the token reads', async () => {
  const { port } = await openPages(TOKEN);
  for (const scheme of ['Bearer', 'bearer']) {
    const { status, body } = await ask(port, '/metrics?x=1', { authorization: `${scheme} ${TOKEN}` });
    expect(status).toBe(200);
    expect(valueOf(parseExposition(body), 'watchfloor_build_info')).toBe(1);
  }
});

test('to everyone else it is a path that leads nowhere', async () => {
  const { port } = await openPages(TOKEN);
  const closed = await openPages(null);
  const nowhere = await ask(port, '/nothing');
  for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN}x`]) {
    const given = authorization === '' ? {} : { authorization };
    expect(await ask(port, '/metrics', given), authorization).toEqual(nowhere);
    expect(await ask(closed.port, '/metrics', given), authorization).toEqual(nowhere);
  }
  expect((await ask(closed.port, '/metrics', { authorization: `Bearer ${TOKEN}` })).status).toBe(404);
  expect((await ask(port, '/metrics', { authorization: `Bearer ${TOKEN}` }, 'POST')).status).toBe(404);
});

test('a wrong token is told to the log once a minute, without the token', async () => {
  const lines: unknown[] = [];
  const { port } = await openPages(TOKEN, { ...quiet, warn: (...line: unknown[]) => void lines.push(line) } as never);
  for (let count = 0; count < 3; count++) await ask(port, '/metrics', { authorization: 'Bearer an-old-token' });
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('an-old-token');
});

test('the port of its own has nothing but metrics, and answers to the names of this machine alone', async () => {
  const port = await listen(createMetricsServer({ metrics: open(), log: quiet }));
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, 'localhost'])
    expect((await ask(port, '/metrics', { host })).status, host).toBe(200);
  expect((await ask(port, '/metrics', { host: 'evil.example' })).status).toBe(404);
  expect((await ask(port, '/login')).status).toBe(404);
});

test('ten thousand different addresses and methods make no more series than pages', async () => {
  const { port, metrics } = await openPages(TOKEN);
  const seriesOf = async (): Promise<number> =>
    [...parseExposition((await metrics.read()).text).values()].reduce((sum, { samples }) => sum + samples.length, 0);
  const watch = openRequestWatch(metrics, quiet);
  const meet = (method: string, url: string): void => {
    let end = (): void => {};
    watch(
      { method, url } as never,
      { once: (_: string, listener: () => void) => (end = listener), writableFinished: true, statusCode: 200 } as never
    );
    end();
  };
  await ask(port, '/login');
  for (const method of ['GET', 'POST', 'PUT']) meet(method, '/nothing');
  meet('GET', '/admin/workspaces/1/operations');
  const before = await seriesOf();
  for (let index = 0; index < 10_000; index++) {
    meet(index % 2 ? 'GET' : `M${index}`, `/${index.toString(36)}/x?q=${index}`);
    meet('GET', `/admin/workspaces/${index}/operations?q=${index}`);
  }
  expect(await seriesOf()).toBe(before);
  expect(
    valueOf(parseExposition((await metrics.read()).text), 'watchfloor_http_request_duration_seconds_count', {
      route: '/admin/workspaces/[workspace]/operations'
    })
  ).toBe(10_001);
});

test('requests are counted by page and class of status, also those whose client left', async () => {
  const { metrics } = await openPages(null);
  const never = await listen(createServer((asked, response) => openRequestWatch(metrics, quiet)(asked, response)));
  const { port } = await openPages(null);
  expect((await ask(port, '/login')).status).toBe(200);
  const left = request({ host: '127.0.0.1', port: never, path: '/login', agent: false });
  left.on('error', () => {});
  left.end();
  await expect
    .poll(async () => valueOf(parseExposition((await metrics.read()).text), 'watchfloor_http_requests_in_flight'))
    .toBe(1);
  left.destroy();
  await expect
    .poll(async () =>
      valueOf(parseExposition((await metrics.read()).text), 'watchfloor_http_request_duration_seconds_count', {
        route: '/login',
        status: 'aborted'
      })
    )
    .toBe(1);
});
