/**
 * What the proxy of a cluster on this machine is told: the files of deploy/ with the names, ports and nodes replaced, and
 * without TLS, so that what is shipped is what runs here. Pure. Invariant: no line makes a client stay at a node.
 */

export interface ProxyPlaces {
  port: number;
  /** ports of the nodes */
  nodes: readonly number[];
}

const EXAMPLE = 'watchfloor.example.org';

/** `shipped`: deploy/haproxy.cfg. */
export function toHaproxyFile(shipped: string, { port, nodes }: ProxyPlaces): string {
  const servers = nodes.map((node, at) => `    server node-${at + 1} 127.0.0.1:${node}`).join('\n');
  return shipped
    .replace(/^frontend plain\n(?: .*\n)+\n/m, '')
    .replace(/^ {4}bind :443 .*$/m, `    bind 127.0.0.1:${port}`)
    .replace(/^ {4}server .*\n(?: {4}# server .*\n?)*/m, `${servers}\n`)
    .replaceAll(`-i ${EXAMPLE}`, '-i 127.0.0.1');
}

/**
 * `shipped`: deploy/nginx.conf. Its open source edition does not ask /readyz, so whoever restarts a node takes it out
 * (`without`, its port) and has the file read again. `directory` is for its own files.
 */
export function toNginxFile(
  shipped: string,
  { port, nodes }: ProxyPlaces,
  { directory, without }: { directory: string; without: number | null }
): string {
  const servers = nodes
    .map((node) => `server 127.0.0.1:${node} max_fails=1 fail_timeout=1s${node === without ? ' down' : ''};`)
    .join('\n    ');
  const site = shipped
    .replace(/^server \{\n {4}listen 80;[^]*?\n\}\n/m, '')
    .replace(/^ {4}listen \[::\].*\n/gm, '')
    .replace(/^ {4}listen 443 .*$/m, `    listen 127.0.0.1:${port};`)
    .replace(/^ {4}ssl_.*\n/gm, '')
    .replace('server 127.0.0.1:3000;', servers)
    .replace(/^ {4}proxy_connect_timeout .*$/m, '$&\n    proxy_next_upstream error timeout http_503;')
    .replaceAll(EXAMPLE, '127.0.0.1');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/${kind};`)
    .join('\n');
  return `daemon off;
pid ${directory}/nginx.pid;
error_log stderr;
worker_shutdown_timeout 10s;
events {}
http {
access_log off;
types { text/html html; text/css css; text/javascript js; image/svg+xml svg; font/woff2 woff2; }
${temporary}
${site}}
`;
}
