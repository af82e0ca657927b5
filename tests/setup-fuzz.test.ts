/**
 * Every door of the built server, fuzzed: raw bytes, addresses, headers, cookies, forms, questions and socket frames, with
 * values that have broken others and with anything. Whatever comes, no answer is a failure of ours, none tells an internal,
 * the process lives, and a person beside it is served. The seed is printed; what was found stands in docs/FINDINGS.md.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toUSVString } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { LIVE_PATH, PROTOCOL_VERSION } from '../src/lib/live/protocol.ts';
import { badText, FUZZ_SEED, fuzzing, sendBytes } from './harness/fuzz.ts';
import { freePort, startPostgres, type TestPostgres } from './harness/postgres.ts';
import { ask, startServer, type Answer, type RunningServer } from './harness/running-server.ts';
import { insertOperation, makeWorld, type World } from './harness/world.ts';

let postgres: TestPostgres;
let world: World;
let directory: string;
let port: number;
let server: RunningServer;
let operation: number;

beforeAll(async () => {
  console.info(`fuzzing with WATCHFLOOR_SEED=${FUZZ_SEED}`);
  directory = await mkdtemp(join(tmpdir(), 'watchfloor-fuzz-'));
  postgres = await startPostgres({});
  port = await freePort();
  server = await startServer({ HOME: directory, DATABASE_URL: postgres.url, PORT: String(port) }, directory);
  world = await makeWorld(postgres.url);
  operation = await insertOperation(world.writer, world.a, world.a1);
});
afterAll(async () => {
  server?.process.kill('SIGTERM');
  await server?.ended;
  await world?.close();
  await postgres?.remove();
  await rm(directory, { recursive: true, force: true });
});

const mine = () => ({ cookie: world.everyone.cookie });
/** What no answer may hold: places of files, lines of stacks, words of the database or of a library. */
const INTERNAL =
  /\n\s+at .+:\d+:\d+|node_modules|file:\/\/|\/build\/server|watchfloor\.\w+\(|syntax error|invalid input syntax|SQLSTATE|ECONNREFUSED|TypeError|ReferenceError|ZodError/;

function judge({ status, body, headers }: Answer, what: string): void {
  expect(status, what).toBeLessThan(500);
  expect(body, what).not.toMatch(INTERNAL);
  expect(JSON.stringify(headers), what).not.toMatch(INTERNAL);
  expect(headers['x-content-type-options'], what).toBe('nosniff');
}

/** Node refuses to send some headers and paths itself: then nothing was asked. */
async function tryAsk(...args: Parameters<typeof ask>): Promise<Answer | null> {
  try {
    return await ask(...args);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (
      ['ERR_INVALID_CHAR', 'ERR_UNESCAPED_CHARACTERS', 'ECONNRESET', 'EPIPE', 'HPE_HEADER_OVERFLOW'].includes(
        code ?? ''
      )
    )
      return null;
    throw error;
  }
}

async function isServed(): Promise<void> {
  expect(server.process.exitCode).toBeNull();
  expect((await ask(port, `/admin/workspaces/${world.a}/operations`, mine())).status).toBe(200);
}

test('raw bytes at the port, whole and spoilt requests, in any pieces', async () => {
  const request = fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'TRACE', 'CONNECT', 'PRI', 'get', ''),
      fc.oneof(
        fc.constantFrom('/', '/admin', '/live/socket/?EIO=4&transport=websocket', '*', 'http://evil.test/', '//'),
        badText()
      ),
      fc.array(
        fc.oneof(
          fc.constantFrom(
            `Host: 127.0.0.1:${port}`,
            'Host: a\r\nHost: b',
            'Content-Length: 10',
            'Content-Length: -1',
            'Content-Length: 10\r\nContent-Length: 11',
            'Transfer-Encoding: chunked',
            'Transfer-Encoding: chunked\r\nContent-Length: 3',
            'Transfer-Encoding: xchunked',
            'Upgrade: websocket\r\nConnection: Upgrade',
            'Expect: 100-continue',
            'Connection: close, upgrade',
            'Cookie: watchfloor=;;;=;',
            ' folded'
          ),
          badText().map((text) => `X-A: ${text}`)
        ),
        { maxLength: 6 }
      ),
      fc.uint8Array({ maxLength: 300 })
    )
    .map(([method, path, headers, body]) =>
      Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`), body])
    );
  const bytes = fc.oneof(
    request,
    fc.uint8Array({ minLength: 1, maxLength: 2_000 }).map((piece) => Buffer.from(piece))
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.integer({ min: 1, max: 5 }), async (all, parts) => {
      const size = Math.ceil(all.length / parts);
      const pieces = Array.from({ length: parts }, (_, at) => all.subarray(at * size, (at + 1) * size));
      const heard = await sendBytes(port, pieces);
      for (const [, status] of heard.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) expect(Number(status)).toBeLessThan(500);
      expect(heard).not.toMatch(INTERNAL);
      expect(heard).not.toContain('evil.test');
    }),
    fuzzing(2)
  );
  await isServed();
});

test('addresses: every route, with anything where an id or a filter belongs', async () => {
  const text = badText().map((raw) => encodeURIComponent(toUSVString(raw)));
  const raw = badText().map((value) => value.replace(/[^\x21-\x7e]/g, '%'));
  const part = fc.oneof(text, raw, fc.constantFrom('1', String(world.a)));
  const keys = [
    'environment_id',
    'activeTab',
    'problemClass',
    'type',
    'status',
    'outcome',
    'initiator',
    'from',
    'to',
    'q',
    'after',
    'before',
    'rows',
    'order',
    'next',
    'done',
    'workspace',
    '/review',
    'x-sveltekit-invalidated',
    '__proto__'
  ];
  const query = fc
    .array(fc.tuple(fc.constantFrom(...keys), part), { maxLength: 5 })
    .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join('&'));
  const path = fc.oneof(
    fc.constantFrom(
      `/admin/workspaces/${world.a}/operations`,
      `/admin/workspaces/${world.a}/operations/${operation}`,
      `/admin/workspaces/${world.a}/operations/counts`,
      `/admin/workspaces/${world.a}`,
      '/account',
      '/account/authenticator',
      '/account/passkeys',
      '/login',
      '/login/second',
      '/admin/connection',
      '/admin'
    ),
    part.map((one) => `/admin/workspaces/${one}/operations`),
    part.map((one) => `/admin/workspaces/${world.a}/operations/${one}`),
    part.map((one) => `/${one}`)
  );
  await fc.assert(
    fc.asyncProperty(path, query, fc.constantFrom('', '/__data.json'), async (where, asked, end) => {
      const answer = await tryAsk(port, `${where}${end}?${asked}`, mine());
      if (answer) judge(answer, `${where}${end}?${asked}`);
    }),
    fuzzing(3)
  );
  await isServed();
});

test('headers and cookies with anything in them', async () => {
  const names = [
    'cookie',
    'accept',
    'accept-language',
    'if-none-match',
    'range',
    'x-forwarded-for',
    'x-watchfloor-address',
    'x-watchfloor-scheme',
    'user-agent',
    'referer',
    'content-type',
    'x-sveltekit-action',
    'authorization',
    'te'
  ];
  const value = badText().map((text) => text.replace(/[^\x20-\x7e]/g, ''));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 }), async (headers) => {
      for (const path of ['/login', '/admin', '/account', '/icon.svg']) {
        const cookie = `${headers['cookie'] ?? ''}; watchfloor=${headers['cookie'] ?? ''}; watchfloor_theme=${headers['te'] ?? ''}; watchfloor_zone=${headers['accept'] ?? ''}`;
        const answer = await tryAsk(port, path, { ...headers, cookie });
        if (answer) judge(answer, path);
      }
    }),
    fuzzing(0.5)
  );
  await isServed();
});

test('forms: every action, with anything as a field, in every encoding and in none', async () => {
  const detail = `/admin/workspaces/${world.a}/operations/${operation}`;
  // Passwords that are asked for cost what they should: few of these.
  const actions = [
    '/login',
    `${detail}?/review`,
    `${detail}?/undo`,
    `${detail}?/diagnostics`,
    '/account?/end',
    '/account?/looks',
    '/account?/password',
    '/account?/none',
    '/account/authenticator?/confirm',
    '/account/passkeys?/create',
    '/account/passkeys?/rename',
    '/login/second',
    '/login/passkey',
    '/logout?/x'
  ];
  const fields = fc.array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom(
          'email',
          'password',
          'next',
          'handle',
          'theme',
          'zone',
          'current',
          'again',
          'code',
          'response',
          'id'
        ),
        badText()
      ),
      badText()
    ),
    { maxLength: 5 }
  );
  const body = fc.oneof(
    fields.map((pairs) => ({
      type: 'application/x-www-form-urlencoded',
      text: new URLSearchParams(pairs.map(([key, value]) => [toUSVString(key), toUSVString(value)])).toString()
    })),
    badText().map((text) => ({ type: 'application/x-www-form-urlencoded', text })),
    badText().map((text) => ({
      type: 'multipart/form-data; boundary=b',
      text: `--b\r\nContent-Disposition: form-data; name="${text}"; filename="${text}"\r\n\r\n${text}\r\n--b--`
    })),
    badText().map((text) => ({ type: 'multipart/form-data', text })),
    badText().map((text) => ({ type: 'application/json', text })),
    badText().map((text) => ({ type: 'application/x-sveltekit-formdata', text })),
    badText().map((text) => ({ type: '', text }))
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...actions), body, fc.boolean(), async (action, { type, text }, byScript) => {
      const headers = {
        ...mine(),
        'content-type': type,
        ...(byScript && { 'x-sveltekit-action': 'true', accept: 'application/json' })
      };
      if (action.startsWith('/logout')) headers.cookie = 'watchfloor=none';
      const answer = await tryAsk(port, action, headers, text);
      if (answer) judge(answer, `${action} ${type} ${JSON.stringify(text)}`);
    }),
    fuzzing(2)
  );
  await isServed();
});

/** A question that is right, with some of its parts replaced by anything. */
const question = () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), badText());
  const part = <T>(right: T) => fc.oneof({ arbitrary: fc.constant<unknown>(right), weight: 3 }, value);
  return fc.record(
    {
      protocol: part(PROTOCOL_VERSION),
      scope: fc.oneof(fc.record({ workspaceId: part(world.a), environmentId: part(null) }), value),
      window: fc.oneof(fc.record({ kind: part('list'), query: part('') }), value),
      summaries: part('scope'),
      token: fc.oneof(
        value,
        badText().map((text) => `v1.${Buffer.from(text).toString('base64url')}`),
        fc.constant(`v1.${randomBytes(90).toString('base64url')}`)
      ),
      ['__proto__']: value
    },
    { requiredKeys: ['protocol'] }
  );
};
const RESULTS = ['resync', 'absent', 'reload', 'unavailable', 'caught_up'];

test('questions over HTTP: one of the answers that there are, or a refusal', async () => {
  const body = fc.oneof({ arbitrary: question().map((one) => JSON.stringify(one)), weight: 4 }, badText());
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const answer = await tryAsk(port, '/live/catch-up', { ...mine(), 'content-type': 'application/json' }, text);
      if (!answer) return;
      judge(answer, text);
      expect([200, 413]).toContain(answer.status);
      if (answer.status === 200) expect(RESULTS).toContain((JSON.parse(answer.body) as { result: string }).result);
    }),
    fuzzing(2)
  );
  await isServed();
});

test('frames on a socket: text and bytes, before and after it is let in', async () => {
  const frame = fc.oneof(
    badText(),
    badText().map((text) => `42${text}`),
    fc.jsonValue({ maxDepth: 4 }).map((value) => `420["subscribe",${JSON.stringify(value)}]`),
    question().map((one) => `421["subscribe",${JSON.stringify(one)}]`),
    fc
      .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), badText())
      .map(([a, b, text]) => `${a}${b}${text}`),
    fc.uint8Array({ maxLength: 200 })
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 12 }), fc.boolean(), async (frames, isIn) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${LIVE_PATH}/?EIO=4&transport=websocket`, {
        headers: { ...mine(), origin: `http://127.0.0.1:${port}` }
      });
      const told: string[] = [];
      socket.on('error', () => {}).on('message', (data: Buffer) => void told.push(data.toString()));
      await new Promise((open, fail) => socket.once('open', open).once('unexpected-response', fail));
      if (isIn) socket.send('40');
      for (const one of frames) socket.send(typeof one === 'string' ? toUSVString(one) : one);
      // The end of the conversation is answered after everything before it.
      socket.close();
      await new Promise((done) => socket.once('close', done));
      for (const text of told) expect(text).not.toMatch(INTERNAL);
    }),
    fuzzing(1)
  );
  await isServed();
});

test('after all of it no request has failed in the log, and nothing has ended', async () => {
  const lines = server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: number; msg: string });
  expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
  expect(server.process.exitCode).toBeNull();
  expect((await ask(port, '/readyz')).status).toBe(200);
});
