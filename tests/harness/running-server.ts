/** The built server as a process, with everything it prints, and requests to it that set nothing by themselves. */
import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, vi } from 'vitest';
import { builtProgram, programEnvironment } from './program.ts';

export interface RunningServer {
  process: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code when all its output has come. */
  ended: Promise<number | null>;
}

/** Resolves once the banner has been printed. */
export async function startServer(environment: Record<string, string>, cwd: string): Promise<RunningServer> {
  const child = spawn(process.execPath, [builtProgram('server')], {
    env: programEnvironment(environment),
    cwd,
    stdio: ['ignore', 'pipe', 'pipe']
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const server: RunningServer = {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code)))
  };
  try {
    await vi.waitFor(() => expect(stdout, stderr).toContain('Stop with Ctrl-C'), { timeout: 90_000, interval: 50 });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return server;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** As a browser that loads a page, or posts a form of its own; every header can be another one. */
export function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
  method = body === undefined ? 'GET' : 'POST'
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const own = {
      host: `127.0.0.1:${port}`,
      accept: 'text/html',
      ...(body !== undefined && { origin: `http://127.0.0.1:${port}` })
    };
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers: { ...own, ...headers }, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body: text }));
      }
    );
    asked.once('error', reject);
    asked.end(body);
  });
}

/** Bytes that are no HTTP, or half of it. */
export function send(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume();
  });
}

/** Each line of its output as the JSON that it must be; throws for one that is none. */
export function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
