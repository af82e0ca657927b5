/**
 * The first browser smoke: what development and debugging leave behind in a web application, looked for in its pages,
 * scripts, requests and headers, and by probing. It judges any server by its address; it knows nothing of ours but the
 * directory whose path must not be told. Each signature has a kind, so that a test can say which ones must be found.
 */
import { request as httpRequest } from 'node:http';
import type { BrowserContext, Response } from '@playwright/test';

export interface Leak {
  kind:
    | 'development client'
    | 'development socket'
    | 'error overlay'
    | 'machine path'
    | 'source file'
    | 'source map'
    | 'stack trace'
    | 'version header'
    | 'secret file';
  /** address at which it was found */
  at: string;
  evidence: string;
}

const SIGNATURES: [Leak['kind'], RegExp][] = [
  [
    'development client',
    /\/@vite\/client|\/@id\/|\bimport\.meta\.hot\b|__vite_ssr_|webpack-hmr|__webpack_dev_server__/
  ],
  ['error overlay', /vite-error-overlay|webpack-dev-server-client-overlay|nextjs-portal/],
  ['source map', /[#@]\s*sourceMappingURL=/],
  ['source file', /\/@fs\/|\/src\/(?:routes|lib)\/[\w[\]/+-]+\.(?:svelte|ts)\b/],
  [
    'machine path',
    /(?:file:\/\/|["'`(\s])\/(?:home|root|Users|work|tmp|srv|opt|usr|var)\/[\w@.+-]+\/[^\s"'`)]+|\b[A-Z]:\\\\?[\w-]+\\/
  ],
  ['stack trace', /\bat (?:async )?[\w.<>$ ]+ \(?(?:file:|node:|\/)[^\s)]+:\d+:\d+\)?/]
];

const REQUESTS: [Leak['kind'], RegExp][] = [
  ['development client', /\/@vite\/|\/@id\/|\/@react-refresh|\/__webpack_hmr/],
  ['source file', /\/@fs\/|\/src\/|\/node_modules\/|\.(?:svelte|ts|tsx|jsx)(?:\?|$)/],
  ['source map', /\.map(?:\?|$)/]
];

/** What must not be there to be had; 200 is a finding, whatever it says. */
const PROBES: [Leak['kind'], string][] = [
  ['development client', '/@vite/client'],
  ['source file', '/@fs/etc/passwd'],
  ['source file', '/src/routes/+page.svelte'],
  ['source file', '/src/routes/+layout.svelte'],
  ['source file', '/node_modules/'],
  ['source file', '/package.json'],
  ['source file', '/svelte.config.js'],
  ['secret file', '/.env'],
  ['secret file', '/.git/HEAD'],
  ['secret file', '/..%2f..%2f..%2fetc/passwd']
];

export async function findLeaks(
  baseURL: string,
  paths: string[],
  context: BrowserContext,
  { secretPaths = [] }: { secretPaths?: string[] } = {}
): Promise<Leak[]> {
  const leaks: Leak[] = [];
  const scripts = new Set<string>();
  const add = (kind: Leak['kind'], at: string, evidence: string): void => {
    if (leaks.some((leak) => leak.kind === kind && leak.at === at)) return;
    leaks.push({ kind, at, evidence: evidence.trim().slice(0, 160) });
  };
  const readText = (at: string, text: string): void => {
    for (const [kind, signature] of SIGNATURES) {
      const found = signature.exec(text);
      if (found) add(kind, at, found[0]);
    }
    for (const secret of secretPaths) if (text.includes(secret)) add('machine path', at, secret);
  };
  const readResponse = async (response: Response): Promise<void> => {
    const at = response.url();
    for (const [kind, signature] of REQUESTS) if (signature.test(new URL(at).pathname)) add(kind, at, 'was requested');
    const headers = await response.allHeaders().catch(() => ({}) as Record<string, string>);
    readHeaders(at, headers, add);
    const type = headers['content-type'] ?? '';
    if (/javascript/.test(type)) scripts.add(at.split('?', 1)[0]!);
    if (/javascript|html|json|css|text/.test(type)) readText(at, await response.text().catch(() => ''));
  };

  for (const path of paths) {
    const page = await context.newPage();
    const reading: Promise<void>[] = [];
    page.on('response', (response) => void reading.push(readResponse(response)));
    page.on('websocket', (socket) => {
      if (/[?&]token=|vite|webpack|hmr/.test(socket.url())) add('development socket', page.url(), socket.url());
    });
    await page.goto(new URL(path, baseURL).href, { waitUntil: 'load' });
    readText(page.url(), await page.content());
    await Promise.all(reading);
    await page.close();
  }

  const probes = [...PROBES, ...[...scripts].map((url): [Leak['kind'], string] => ['source map', `${url}.map`])];
  for (const [kind, path] of probes) {
    const at = new URL(path, baseURL).href;
    const response = await context.request.get(at, { maxRedirects: 0 });
    if (response.status() === 200) add(kind, at, 'answers 200');
    else readText(at, await response.text());
    readHeaders(at, response.headers(), add);
  }
  const upgraded = await tryUpgrade(baseURL, 'vite-hmr');
  if (upgraded) add('development socket', baseURL, 'accepts a WebSocket of the protocol vite-hmr');
  return leaks;
}

function readHeaders(
  at: string,
  headers: Record<string, string>,
  add: (kind: Leak['kind'], at: string, evidence: string) => void
): void {
  for (const name of ['x-powered-by', 'x-aspnet-version', 'x-generator', 'x-runtime']) {
    if (headers[name]) add('version header', at, `${name}: ${headers[name]}`);
  }
  if (/\d/.test(headers['server'] ?? '')) add('version header', at, `server: ${headers['server']}`);
  for (const name of ['sourcemap', 'x-sourcemap']) if (headers[name]) add('source map', at, headers[name]);
}

/** Does the server switch protocols for this WebSocket? */
function tryUpgrade(baseURL: string, protocol: string): Promise<boolean> {
  return new Promise((resolve) => {
    const attempt = httpRequest(baseURL, {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-protocol': protocol
      }
    });
    attempt.setTimeout(5_000, () => attempt.destroy());
    attempt.once('upgrade', (_response, socket) => {
      socket.destroy();
      resolve(true);
    });
    attempt.once('response', (response) => {
      response.resume();
      resolve(false);
    });
    attempt.once('error', () => resolve(false));
    attempt.once('close', () => resolve(false));
    attempt.end();
  });
}
