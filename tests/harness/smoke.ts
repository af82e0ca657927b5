/**
 * Runs the built smoke as CI would: a process of its own, with an environment of its own, and reads what it wrote. And a
 * server of samples: answers of signatures at their addresses. Invariant: reports are in a temporary directory, which is
 * removed with `remove`.
 */
import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import type { Report } from '../../src/smoke/report.ts';
import type { Sample } from '../../src/smoke/signature.ts';

export const SMOKE = fileURLToPath(new URL('../../build/smoke/smoke.js', import.meta.url));

export interface SmokeRun {
  code: number | null;
  stdout: string;
  stderr: string;
  /** null when it could not run */
  report: Report | null;
  read(file: string): Promise<string>;
  directory: string;
  remove(): Promise<void>;
}

export async function runSmoke(
  args: string[],
  environment: Record<string, string> = {},
  program = SMOKE
): Promise<SmokeRun> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-smoke-'));
  const { PATH, HOME, WATCHFLOOR_CHROMIUM } = process.env;
  const child = spawn(process.execPath, [program, '--out', directory, '--max-seconds', '280', ...args], {
    env: { PATH, HOME, ...(WATCHFLOOR_CHROMIUM && { WATCHFLOOR_CHROMIUM }), ...environment },
    stdio: ['ignore', 'pipe', 'pipe']
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const read = (file: string): Promise<string> => readFile(join(directory, file), 'utf8');
  const report = await read('smoke.json').then(
    (text) => JSON.parse(text) as Report,
    () => null
  );
  return {
    code,
    stdout,
    stderr,
    report,
    read,
    directory,
    remove: () => rm(directory, { recursive: true, force: true })
  };
}

export interface SampleServer {
  url: string;
  /** method and address of every request */
  asked: string[];
  close(): Promise<void>;
}

const PLAIN_404: Sample = { status: 404, body: '<!doctype html><title>Not found</title><h1>Not found</h1>' };

/**
 * Answers each sample at its path, and everything else with a plain 404 or `fallback`, in which {path} is what was asked
 * for. The first of two at one path wins.
 */
export async function serveSamples(samples: readonly Sample[], fallback: Sample = PLAIN_404): Promise<SampleServer> {
  const answers = new Map<string, Sample>();
  const upgrades: NonNullable<Sample['upgrade']>[] = [];
  const add = (sample: Sample): void => {
    if (sample.path && !answers.has(sample.path)) answers.set(sample.path, sample);
    if (sample.upgrade) upgrades.push(sample.upgrade);
    for (const other of sample.also ?? []) add(other);
  };
  samples.forEach(add);

  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const path = request.url!.split('?', 1)[0]!;
    const { status = 200, type = 'text/html; charset=utf-8', headers = {}, ...sample } = answers.get(path) ?? fallback;
    const body = (sample.body ?? '').replaceAll('{path}', request.url!.replaceAll('<', '&lt;'));
    const isPage = type.startsWith('text/html');
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(isPage && !/^\s*<(?:!doctype|html)/i.test(body) ? `<!doctype html>${body}` : body);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const path = request.url!.split('?', 1)[0];
    const protocol = request.headers['sec-websocket-protocol'];
    const found = upgrades.find((upgrade) => upgrade.path === path && upgrade.protocol === protocol);
    if (!found) return void socket.destroy();
    new WebSocketServer({ noServer: true }).handleUpgrade(request, socket, head, (webSocket) => {
      if (found.says) webSocket.send(found.says);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      })
  };
}

/** Findings as short lines, for comparisons that can be read. */
export const toLines = (run: SmokeRun): string[] =>
  (run.report?.findings ?? []).map(
    ({ signature, at, where, evidence }) => `${signature} at ${at}, ${where}: ${evidence}`
  );
