/**
 * `/healthz`: this process answers. `/readyz`: it can serve and vouch for live data (database, listener, lag), for load
 * balancers, deployments and wall displays. Neither tells anything of what is inside.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Feed } from './feed.ts';

/** Answers and returns true where the path is one of the two. */
export function answerHealth(
  feed: Pick<Feed, 'lostLink'>,
  request: IncomingMessage,
  response: ServerResponse
): boolean {
  const path = request.url?.split('?', 1)[0];
  if (path !== '/healthz' && path !== '/readyz') return false;
  const lost = path === '/readyz' ? feed.lostLink : null;
  const body = JSON.stringify(lost === null ? { status: 'ok' } : { status: 'unavailable', lost });
  response.writeHead(lost === null ? 200 : 503, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store'
  });
  response.end(request.method === 'HEAD' ? undefined : body);
  return true;
}
