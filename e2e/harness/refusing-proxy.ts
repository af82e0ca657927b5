/**
 * A proxy as some networks have it: it hands on plain HTTP and refuses every WebSocket, until it is told to let them
 * through. It counts the questions that are asked over HTTP instead. Invariant: no answer of it is an error but the refusal.
 */
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { CATCH_UP_PATH } from '../../src/lib/live/protocol.ts';

export interface RefusingProxy {
  baseURL: string;
  /** WebSockets that were refused */
  refused: number;
  /** questions over HTTP, and how many of them were open at once at most */
  asked: number;
  mostAtOnce: number;
  /** from now on WebSockets are let through */
  allow(): void;
  close(): Promise<void>;
}

export async function startRefusingProxy(target: string): Promise<RefusingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isAllowed = false;
  let atOnce = 0;

  /** The server answers to its own name only, so it is called by that. */
  const pairs = ({ rawHeaders, headers }: IncomingMessage): [string, string][] =>
    rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name, (rawHeaders[at + 1] ?? '').replace(headers.host ?? '-', `${hostname}:${port}`)]] : []
    );

  const server = createServer((asked, answer) => {
    const isQuestion = asked.url === CATCH_UP_PATH;
    if (isQuestion) {
      proxy.asked += 1;
      proxy.mostAtOnce = Math.max(proxy.mostAtOnce, ++atOnce);
      answer.once('close', () => (atOnce -= 1));
    }
    const { method, url } = asked;
    const headers = Object.fromEntries(pairs(asked));
    const onward = request({ hostname, port, method, path: url, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    asked.pipe(onward);
  });
  server.on('connection', (socket) => keep(socket));
  server.on('upgrade', (asked: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (!isAllowed) {
      proxy.refused += 1;
      return void socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    }
    const onward = keep(connect(Number(port), hostname));
    onward.on('error', () => socket.destroy());
    const lines = pairs(asked).map((pair) => pair.join(': '));
    onward.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    onward.pipe(socket).pipe(onward);
  });
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: RefusingProxy = {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: 0,
    asked: 0,
    mostAtOnce: 0,
    allow: () => (isAllowed = true),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    }
  };
  return proxy;
}
