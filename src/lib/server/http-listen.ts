/**
 * The HTTP port: taken before anything else is started, given up first when stopping, and how long and how large a request
 * may be before it is answered. Requests and sockets are others'. Invariant: who sends or reads slowly holds a connection
 * for seconds, and nothing else.
 */
import type { Server, ServerOptions } from 'node:http';
import type { Config } from './config.ts';
import { StartupError } from './startup-error.ts';

/**
 * For `createServer`. Headers of 16 KB and no more, whole within ten seconds; the body within thirty, which is 17 KB/s for
 * the largest there may be. Looked at each second: Node's own half minute would let a slow client stay for 40 s.
 */
export const REQUEST_LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000
} as const satisfies ServerOptions;
/** A connection on which nothing moves, in either direction, is cut: whoever does not read its answer too. */
const SILENT_MS = 60_000;

/** What no option of `createServer` says. Sockets that were upgraded have time-outs of their own. */
export function limitConnections(server: Server, { silentMs = SILENT_MS } = {}): void {
  server.setTimeout(silentMs);
  // More are cut off in silence, which could hide one that decides: the size above refuses long before.
  server.maxHeadersCount = 0;
}

/** Requests that are still running when the server stops may take this long; then their connections are cut. */
const FINISH_MS = 5_000;

/**
 * Connections that may wait to be taken. When a node is restarted, everybody comes back within a second, and whoever is beyond
 * Node's own 511 would be dropped and try again after one second and more, up to 15. The system caps this (`net.core.somaxconn` on
 * Linux, 4,096 by default).
 */
const BACKLOG = 16_384;

/** Resolves once the port is ours. Throws a StartupError when it cannot be had; `variable` is what chose the port. */
export async function listen(
  server: Server,
  { host, port }: Pick<Config, 'host' | 'port'>,
  variable: 'PORT' | 'METRICS_PORT' = 'PORT'
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port, variable)));
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
}

/** Stops listening at once; `finished` resolves when the last connection is gone. Sockets must be closed by their owner. */
export function stopListening(server: Server): { finished(): Promise<void> } {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  return {
    async finished() {
      server.closeIdleConnections();
      // A connection turns idle when its request is answered, and a browser would then keep it open for a minute.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const patience = setTimeout(() => server.closeAllConnections(), FINISH_MS);
      await closed;
      clearInterval(idle);
      clearTimeout(patience);
    }
  };
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, variable: string): Error {
  const sentences: Record<string, string> = {
    EADDRINUSE:
      `Port ${port} on ${host} is taken, perhaps by another Watchfloor. ` +
      `Stop what listens there, or choose another port, such as ${variable}=${port === 65_535 ? 3000 : port + 1}.`,
    EACCES: `Port ${port} may only be used by an administrator. Choose one above 1023, such as ${variable}=3000.`,
    EADDRNOTAVAIL: `HOST is "${host}", which is not an address of this machine. Write 127.0.0.1, or leave it out.`,
    ENOTFOUND: `HOST is "${host}", a name that leads nowhere. Write an address such as 127.0.0.1.`
  };
  const sentence = sentences[error.code ?? ''];
  return sentence ? new StartupError(sentence, { cause: error }) : error;
}
