import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { limitConnections, listen, REQUEST_LIMITS } from './http-listen.ts';

let server: Server | null = null;
const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  const opened = server;
  server = null;
  opened?.closeAllConnections();
  return new Promise<void>((done) => (opened === null ? done() : opened.close(() => done())));
});

/** Limits as in production, but a hundred times shorter: what is asserted is that they hold, not when. */
async function open(answer: RequestListener, silentMs = 60_000): Promise<void> {
  const { headersTimeout, requestTimeout, maxHeaderSize } = REQUEST_LIMITS;
  const short = { headersTimeout: headersTimeout / 100, requestTimeout: requestTimeout / 100 };
  server = createServer({ ...short, maxHeaderSize, connectionsCheckingInterval: 20 }, answer);
  limitConnections(server, { silentMs });
  await listen(server, { host: '127.0.0.1', port: 0 });
}

/** A connection by hand; `heard` resolves with all that came once the server has ended it. */
function dial(first: string, isReading = true): { client: Socket; heard: Promise<string> } {
  const client = connect((server!.address() as AddressInfo).port, '127.0.0.1', () => client.write(first));
  clients.push(client);
  let text = '';
  client.on('error', () => {});
  if (isReading) client.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return { client, heard: new Promise((resolve) => client.once('close', () => resolve(text))) };
}

/** Sends a byte now and then, as slow clients do, until it is cut off. */
function dribble(client: Socket, byte: string): void {
  client.once('connect', () => {
    const timer = setInterval(() => client.write(byte), 10);
    client.once('close', () => clearInterval(timer));
  });
}

const never: RequestListener = () => {
  throw new Error('Nobody was to be asked.');
};

test('who sends headers byte by byte is cut off, and no one is asked', async () => {
  await open(never);
  const { client, heard } = dial('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
  dribble(client, 'x');
  expect(await heard).toContain('HTTP/1.1 408');
});

test('who sends a body byte by byte is cut off', async () => {
  await open((request) => request.resume());
  const { client, heard } = dial('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
  dribble(client, 'x');
  expect(await heard).toContain('HTTP/1.1 408');
});

test('who says nothing at all is cut off', async () => {
  await open(never);
  expect(await dial('').heard).not.toContain('200');
});

test('who does not read the answer is cut off', async () => {
  let written = 0;
  await open((_, response) => {
    const more = (): void => {
      do written += 65_536;
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  }, 200);
  const { client } = dial('GET / HTTP/1.1\r\nHost: a\r\n\r\n', false);
  const ended = new Promise<void>((resolve) => server!.once('timeout', () => resolve()));
  client.pause();
  await ended;
  expect(written).toBeGreaterThan(0);
});

test('headers beyond 16 KB are refused, one of them or many', async () => {
  await open(never);
  const one = `X-Long: ${'x'.repeat(17_000)}\r\n`;
  const many = Array.from({ length: 2_000 }, (_, at) => `X-${at}: ${at}\r\n`).join('');
  for (const headers of [one, many])
    expect(await dial(`GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`).heard).toContain('HTTP/1.1 431');
});

test('what decides is read however many headers stand before it', async () => {
  const asked: (string | undefined)[] = [];
  await open((request, response) => {
    asked.push(request.headers.origin);
    response.end();
  });
  const many = Array.from({ length: 1_200 }, (_, at) => `X${at}:1\r\n`).join('');
  await dial(`GET / HTTP/1.1\r\nHost: a\r\n${many}Origin: http://evil.test\r\nConnection: close\r\n\r\n`).heard;
  expect(asked).toEqual(['http://evil.test']);
});

/** What the system lets wait at most, whatever a program asks for. */
const SOMAXCONN = '/proc/sys/net/core/somaxconn';
const MANY = 1_000;

/** Node's own; where the system lets no more wait there is nothing to see. */
const OF_NODE = 511;
const allowed = existsSync(SOMAXCONN) ? Number(readFileSync(SOMAXCONN, 'utf8')) : 0;

test.skipIf(allowed <= OF_NODE)('a crowd that comes back at once is let wait, and nobody is dropped', async () => {
  // A server of another process, which takes nothing: what connects is what waits.
  const program = `
    import { createServer } from 'node:http';
    import { listen } from ${JSON.stringify(String(pathToFileURL('src/lib/server/http-listen.ts')))};
    const server = createServer();
    await listen(server, { host: '127.0.0.1', port: 0 });
    process.stdout.write(String(server.address().port), () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  `;
  const busy: ChildProcess = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit']
  });
  // It takes nothing, also no signal but this one, and must not stay when the test fails.
  onTestFinished(() => void busy.kill('SIGKILL'));
  const port = Number(await new Promise<Buffer>((resolve) => busy.stdout!.once('data', resolve)));
  await Promise.all(
    Array.from({ length: Math.min(MANY, allowed) }, () => {
      const client = connect(port, '127.0.0.1');
      clients.push(client);
      client.on('error', () => {});
      return new Promise((resolve) => client.once('connect', resolve));
    })
  );
});
