/**
 * How a node leaves: first /readyz says so, while everything else is answered as before, so that whoever spreads requests
 * (a load balancer that asks it) sends no more; every answer ends its connection, so that a proxy opens the next one
 * elsewhere. Sockets stay until the hub closes; it tells them to come back, and by then they come to another node.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export interface Leaving {
  /** answers /readyz with 503 once the node leaves; false for everything else */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** Begins to leave; resolves after so many seconds, or at `hurry`. */
  begin(server: Server, seconds: number): Promise<void>;
  /** True if somebody waited. */
  hurry(): boolean;
}

export function openLeaving(): Leaving {
  let isLeaving = false;
  let end: (() => void) | null = null;
  return {
    handle(request, response) {
      if (!isLeaving || request.url?.split('?', 1)[0] !== '/readyz') return false;
      const body = JSON.stringify({ status: 'leaving' });
      response.writeHead(503, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store'
      });
      response.end(request.method === 'HEAD' ? undefined : body);
      return true;
    },
    async begin(server, seconds) {
      isLeaving = true;
      server.prependListener('request', (_request, response: ServerResponse) => {
        response.setHeader('connection', 'close');
      });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1_000);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      end = null;
    },
    hurry() {
      end?.();
      return end !== null;
    }
  };
}
