/**
 * Each HTTP request, counted and timed when its answer has gone, or its client has: for metrics, and for the log a line
 * at `debug`, at `info` when it was slow. Neither sees an address, a query or a header: a page is told by its route.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Metrics, StatusLabel } from './metrics.ts';
import { toRouteLabel } from './routes.ts';

/** A page that takes longer is worth a line: the budget of the slowest is a tenth of it. */
const SLOW_MS = 1_000;

/** Returns what each request must be given before anything answers it. */
export function openRequestWatch(
  metrics: Pick<Metrics, 'requestStarted' | 'requestEnded'>,
  log: Pick<Logger, 'info' | 'debug'>
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const from = performance.now();
    const { method } = request;
    const route = toRouteLabel(request.url);
    metrics.requestStarted();
    // Comes once, however it ends.
    response.once('close', () => {
      const ms = performance.now() - from;
      const status = toStatusLabel(response);
      metrics.requestEnded({ method, route, status, seconds: ms / 1000 });
      const facts = { event: 'http', method, route, status: response.statusCode, ms: Math.round(ms) };
      if (status === 'aborted') log.debug(facts, 'left before the answer');
      else if (ms >= SLOW_MS) log.info(facts, 'answered slowly');
      else log.debug(facts, 'answered');
    });
  };
}

function toStatusLabel({ writableFinished, statusCode }: ServerResponse): StatusLabel {
  if (!writableFinished) return 'aborted';
  return `${Math.floor(statusCode / 100)}xx` as StatusLabel;
}
