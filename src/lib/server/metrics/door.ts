/**
 * Who may read /metrics: whoever has METRICS_TOKEN, on the port of the pages; and without a token whoever is on this
 * machine, on METRICS_PORT of 127.0.0.1 (docs/decisions/0007). Nobody by default. Invariant: to everyone else the path
 * does not exist: this door leaves the request alone, and what answers paths that lead nowhere answers it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { isLoopback } from '../config.ts';
import { answerPlainly } from '../http-front.ts';
import type { Metrics } from './metrics.ts';

const PATH = '/metrics';
/** A scraper with an old token asks four times a minute. */
const WARN_EVERY_MS = 60_000;

interface DoorOptions {
  metrics: Pick<Metrics, 'read'>;
  token: string | null;
  log: Pick<Logger, 'warn' | 'error'>;
}

/** Answers and returns true where the request is for /metrics and carries the token. */
export function openMetricsDoor({
  metrics,
  token,
  log
}: DoorOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  const wanted = token === null ? null : toDigest(token);
  let warnedAt = -Infinity;
  return (request, response) => {
    if (wanted === null || !isAskedFor(request)) return false;
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined) return false;
    // Digests have one length, and the comparison one duration, whatever was sent.
    if (!timingSafeEqual(toDigest(given), wanted)) {
      if (performance.now() - warnedAt > WARN_EVERY_MS) {
        warnedAt = performance.now();
        log.warn('/metrics was asked for with a token that is not METRICS_TOKEN');
      }
      return false;
    }
    void answer(metrics, log, response);
    return true;
  };
}

/** The server of METRICS_PORT, not listening yet. It has nothing but /metrics. */
export function createMetricsServer({ metrics, log }: Omit<DoorOptions, 'token'>): Server {
  return createServer((request, response) => {
    // A page of another site can let its own name lead here; browsers then send that name.
    if (isAskedFor(request) && isLoopback(toName(request.headers.host))) return void answer(metrics, log, response);
    answerPlainly(response, 404, 'Not found.');
  });
}

function isAskedFor({ method, url }: IncomingMessage): boolean {
  return method === 'GET' && url?.split('?', 1)[0] === PATH;
}

async function answer(
  metrics: DoorOptions['metrics'],
  log: DoorOptions['log'],
  response: ServerResponse
): Promise<void> {
  try {
    const { contentType, text } = await metrics.read();
    response.writeHead(200, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store'
    });
    response.end(text);
  } catch (error) {
    log.error({ err: error }, 'the metrics could not be read');
    answerPlainly(response, 500, 'The metrics could not be read; the log says why.');
  }
}

function toName(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '');
}

function toDigest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
