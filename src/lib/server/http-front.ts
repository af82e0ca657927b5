/**
 * What every HTTP request meets before the hub or SvelteKit: security headers (static files bypass SvelteKit's hooks),
 * the checks of the Host header and of foreign pages, and the scheme and address that SvelteKit cannot know. It routes nothing and reads no body.
 * Invariants: nothing that a client sends in a header decides what our own origin is, unless ORIGIN is left open by
 * WATCHFLOOR_INSECURE_HTTP; no redirect and no error is stored by anybody.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Denials } from './access/denials.ts';
import type { Config } from './config.ts';
import { FOREIGN_PAGE, isForeignChange } from './cross-site.ts';
import { toClientAddress } from './web/client-address.ts';
import { HSTS, SECURITY_HEADERS, STATIC_POLICY } from './web/headers.ts';

/** adapter-node reads the scheme and the client's address from headers of these names; ours alone, set on every request. */
const SCHEME_HEADER = 'x-watchfloor-scheme';
const ADDRESS_HEADER = 'x-watchfloor-address';
/** The largest form there is has a note of a person; adapter-node stops reading there, whatever was announced. */
const LARGEST_BODY = '512K';

/** Must run before build/handler.js is imported, which reads these once. */
export function prepareHandlerEnvironment(config: Config, environment: NodeJS.ProcessEnv): void {
  // Never what a proxy or a client claims: with ORIGIN it is known, without it the Host header has been checked.
  for (const name of ['HOST_HEADER', 'PORT_HEADER', 'PROTOCOL_HEADER', 'SOCKET_PATH']) delete environment[name];
  // What the proxy's header is worth was decided by then (client-address.ts); without one that is known it is empty.
  environment['ADDRESS_HEADER'] = ADDRESS_HEADER;
  environment['BODY_SIZE_LIMIT'] = LARGEST_BODY;
  for (const name of ['XFF_DEPTH', 'WATCHFLOOR_TRUSTED_PROXIES']) delete environment[name];
  if (config.origin === null) environment['PROTOCOL_HEADER'] = SCHEME_HEADER;
  else environment['ORIGIN'] = config.origin;
}

/**
 * Sets the headers of every response of `server`, also of those that others (sockets) answer. Call it last: what is
 * attached later might come first.
 */
export function setHeadersOfEveryResponse(server: Server, config: Config): void {
  const headers = Object.entries({ ...SECURITY_HEADERS, ...STATIC_POLICY });
  if (config.secureCookies) headers.push(HSTS);
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    storeNoRefusal(request, response);
    request.headers[SCHEME_HEADER] = 'http';
    request.headers[ADDRESS_HEADER] = addressOf(config, request) ?? '';
  });
}

/**
 * What is thrown in SvelteKit's hooks, and what it refuses before them, comes without a word on storing: a browser may then
 * show "sign in" to whoever has just signed in. Static files and their 304 say for themselves how long they last.
 */
function storeNoRefusal({ method }: IncomingMessage, response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse;
  response.writeHead = (status: number, ...rest: unknown[]): ServerResponse => {
    // SvelteKit tells scripts that post of a redirect with 200 and the way inside.
    const isRefusal = (status >= 300 && status !== 304) || (method !== 'GET' && method !== 'HEAD');
    if (isRefusal && !response.hasHeader('cache-control')) response.setHeader('cache-control', 'no-store');
    return writeHead(status, ...rest);
  };
}

/**
 * Tells the log of requests that were refused because of where they come from: pages of others that post forms here
 * (SvelteKit refuses them before any of its hooks) and names that are not ours. Of its sockets the hub tells itself.
 */
export function tellForeignRequests(server: Server, config: Config, denials: Pick<Denials, 'denied'>): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { origin, host } = request.headers;
    const path = request.url?.split('?', 1)[0] ?? '';
    response.once('finish', () => {
      const isForeignHost = response.statusCode === 421;
      const isForeignOrigin = response.statusCode === 403 && !isOwnOrigin(config, origin, host);
      if ((!isForeignHost && !isForeignOrigin) || path.startsWith('/live/socket')) return;
      denials.denied({
        door: 'request',
        why: isForeignHost ? 'foreign host' : 'foreign origin',
        path,
        ...(isForeignHost ? { origin: host } : { origin }),
        address: addressOf(config, request)
      });
    });
  });
}

/**
 * Refuses a request whose Host is not one of our names, and returns true when it did. On a loopback address a page of
 * another site could otherwise read ours by letting its own name resolve to 127.0.0.1.
 */
export function refuseForeignHost(config: Config, request: IncomingMessage, response: ServerResponse): boolean {
  // Behind a proxy (ORIGIN) the Host is the proxy's business; in the open (origins null) any name may lead here.
  if (config.origin !== null || config.origins === null) return false;
  const host = request.headers.host?.toLowerCase();
  if (host !== undefined && config.origins.some((origin) => isHostOf(origin, host))) return false;
  answerPlainly(response, 421, `This server answers to ${config.origins.join(', ')} only.`);
  return true;
}

/** What any page, form or client of ours asks by. TRACE would send back what it was sent, files answer to everything. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Refuses a method that nothing here has, and returns true when it did. */
export function refuseUnknownMethod(request: IncomingMessage, response: ServerResponse): boolean {
  if (METHODS.has(request.method ?? '')) return false;
  response.setHeader('connection', 'close');
  answerPlainly(response, 405, 'There is nothing here by this method.');
  return true;
}

/** Refuses what a page of another site would change here, and returns true when it did. One answer whatever it was for. */
export function refuseForeignChange(config: Config, request: IncomingMessage, response: ServerResponse): boolean {
  if (!isForeignChange(request.method, request.headers, (origin, host) => isOwnOrigin(config, origin, host)))
    return false;
  // The body is not read: the connection goes with it.
  response.setHeader('connection', 'close');
  answerPlainly(response, 403, FOREIGN_PAGE);
  return true;
}

/** null behind a proxy that is not said to pass on its clients' addresses: all of them would look like the proxy. */
function addressOf({ origin, forwardedBy }: Config, { headers, socket }: IncomingMessage): string | null {
  if (origin !== null && forwardedBy === null) return null;
  return toClientAddress(forwardedBy, socket.remoteAddress, headers[forwardedBy?.header ?? '']);
}

/**
 * Does an Origin header name one of our own pages? Browsers send it with every form post and socket. Without one it is
 * no page of ours.
 */
export function isOwnOrigin(
  config: Pick<Config, 'origins'>,
  origin: string | undefined,
  host: string | undefined
): boolean {
  if (origin === undefined) return false;
  if (config.origins !== null) return config.origins.includes(origin);
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** A short text answer that is never stored. */
export function answerPlainly(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${text}\n`);
}

/** A Host header may carry the default port that an origin leaves out. */
function isHostOf(origin: string, host: string): boolean {
  const url = new URL(origin);
  return host === url.host || host === `${url.hostname}:80`.toLowerCase();
}
