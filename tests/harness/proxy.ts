/**
 * A real Caddy or nginx in front of a server, with the file that deploy/ ships: only the name, the ports, the paths of
 * the certificate and the time-outs are replaced. Everything lives in one temporary directory and on ports of 127.0.0.1.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, chmodSync, constants, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './postgres.ts';

export type ProxyName = 'Caddy' | 'nginx';

export interface Proxy {
  origin: string;
  httpPort: number;
  httpsPort: number;
  /** of the certificate, which signed itself */
  ca: string;
  /** what it printed, for when something fails */
  output(): string;
  close(): Promise<void>;
}

const EXAMPLE = 'watchfloor.example.org';
const FILES = { Caddy: 'Caddyfile', nginx: 'nginx.conf' } as const;

/** The file as it is shipped. */
export function readShipped(name: ProxyName): string {
  return readFileSync(fileURLToPath(new URL(`../../deploy/${FILES[name]}`, import.meta.url)), 'utf8');
}

/** Debian keeps servers where an ordinary user's PATH does not lead. */
export function findProgram(name: string): string | null {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not there.
    }
  }
  return null;
}

/** The ports and origin come first: the server must know its origin before the proxy is started. */
export async function choosePorts(): Promise<{ httpPort: number; httpsPort: number; origin: string }> {
  const httpPort = await freePort();
  const httpsPort = await freePort();
  return { httpPort, httpsPort, origin: `https://localhost:${httpsPort}` };
}

/** Starts it in front of 127.0.0.1:`upstream`. Its ports listen soon after; time-outs are cut to two seconds. */
export async function startProxy(
  name: ProxyName,
  program: string,
  upstream: number,
  ports: Awaited<ReturnType<typeof choosePorts>>
): Promise<Proxy> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-proxy-'));
  // nginx's workers are an ordinary user even where its master is root.
  chmodSync(directory, 0o755);
  const [certificate, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-out', certificate, '-keyout', key]
    ],
    { stdio: 'ignore' }
  );
  let text = readShipped(name).replaceAll('127.0.0.1:3000', `127.0.0.1:${upstream}`);
  const file = join(directory, FILES[name]);
  let args: string[];
  if (name === 'Caddy') {
    text = text
      .replace(/^\{$/m, '{\n\tadmin off\n\tdefault_bind 127.0.0.1')
      .replace('# http_port 80', `http_port ${ports.httpPort}`)
      .replace('# https_port 443', `https_port ${ports.httpsPort}`)
      .replace(/# tls \S+ \S+/, `tls ${certificate} ${key}`)
      .replace(/^(\s+(?:read_header|read_body|idle)) \w+$/gm, '$1 2s')
      .replaceAll(EXAMPLE, 'localhost');
    await writeFile(file, text);
    args = ['run', '--config', file, '--adapter', 'caddyfile'];
  } else {
    text = text
      .replaceAll(`https://${EXAMPLE}`, ports.origin)
      .replaceAll(EXAMPLE, 'localhost')
      .replaceAll('listen 80;', `listen 127.0.0.1:${ports.httpPort};`)
      .replaceAll('listen 443 ', `listen 127.0.0.1:${ports.httpsPort} `)
      // A machine need not have IPv6.
      .replaceAll('listen [::]:80;', `listen 127.0.0.1:${await freePort()};`)
      .replaceAll('listen [::]:443 ', `listen 127.0.0.1:${await freePort()} `)
      .replaceAll('/etc/watchfloor/certificate.pem', certificate)
      .replaceAll('/etc/watchfloor/key.pem', key)
      .replace(/(proxy_(?:read|send)_timeout) \w+;/g, '$1 3s;');
    const site = join(directory, 'site.conf');
    await writeFile(site, text);
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${join(directory, kind)};`)
      .join('\n');
    await writeFile(
      file,
      `daemon off;\npid ${join(directory, 'pid')};\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${places}\ninclude ${site};\n}\n`
    );
    args = ['-c', file, '-p', directory, '-e', 'stderr'];
  }
  const home = join(directory, 'home');
  await mkdir(home);
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env['PATH'], HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe']
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (printed: string) => (output += printed));
  }
  return {
    ...ports,
    ca: readFileSync(certificate, 'utf8'),
    output: () => output,
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await ended;
      await rm(directory, { recursive: true, force: true });
    }
  };
}
