/**
 * The HTTP port: taken before anything else is started, given up first when stopping. Requests and sockets are others'.
 */
import type { Server } from 'node:http';
import type { Config } from './config.ts';
import { StartupError } from './startup-error.ts';

/** Requests that are still running when the server stops may take this long; then their connections are cut. */
const FINISH_MS = 5_000;

/** Resolves once the port is ours. Throws a StartupError when it cannot be had; `variable` is what chose the port. */
export async function listen(
  server: Server,
  { host, port }: Pick<Config, 'host' | 'port'>,
  variable: 'PORT' | 'METRICS_PORT' = 'PORT'
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port, variable)));
    server.listen(port, host, resolve);
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
