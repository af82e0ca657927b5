/**
 * The proxy in front of a cluster on this machine: HAProxy where it is installed, else nginx, as the files of deploy/ have
 * it. It owns their process and files. Invariant: no client is kept at a node by it.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from '../write-whole.ts';
import { findProgram, startChild, type Child } from './child.ts';
import { toHaproxyFile, toNginxFile, type ProxyPlaces } from './proxy-file.ts';

export const PROXIES = ['haproxy', 'nginx'] as const;
export type ProxyName = (typeof PROXIES)[number];

export const NO_PROXY =
  'No cluster was started: neither HAProxy nor nginx is installed here. Install one of them (Debian: ' +
  '`apt-get install haproxy`, or `apt-get install nginx-light`), and run it again.';

export interface Proxy {
  readonly name: ProxyName;
  readonly ended: Child['ended'];
  /** Sends no new requests to the node of this port; null: to all again. HAProxy asks the nodes by itself. */
  avoid(node: number | null): Promise<void>;
  close(): Promise<void>;
}

/** The first of `names` that is installed; null: none. */
export function findProxy(
  names: readonly ProxyName[] = PROXIES,
  find: (name: string) => string | null = findProgram
): { name: ProxyName; program: string } | null {
  for (const name of names) {
    const program = find(name);
    if (program !== null) return { name, program };
  }
  return null;
}

/** Starts it; it listens soon after. `shipped`: the file of deploy/ for this proxy. */
export async function startProxy(
  { name, program }: { name: ProxyName; program: string },
  parts: { shipped: string; places: ProxyPlaces; tell: (line: string) => void }
): Promise<Proxy> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-proxy-'));
  // nginx's workers are an ordinary user even where its master is root.
  await chmod(directory, 0o755);
  const file = join(directory, name === 'haproxy' ? 'haproxy.cfg' : 'nginx.conf');
  const write = async (without: number | null): Promise<void> => {
    const text =
      name === 'haproxy'
        ? toHaproxyFile(parts.shipped, parts.places)
        : toNginxFile(parts.shipped, parts.places, { directory, without });
    // nginx may be reading for the time before: it must find the whole of either, or it keeps what it had, node and all.
    await writeWhole(file, text);
  };
  await write(null);
  const args = name === 'haproxy' ? ['-db', '-f', file] : ['-c', file, '-p', directory, '-e', 'stderr'];
  const child = startChild(program, args, { environment: { PATH: process.env['PATH'] }, tell: parts.tell });
  return {
    name,
    ended: child.ended,
    async avoid(node) {
      if (name === 'haproxy') return;
      await write(node);
      child.signal('SIGHUP');
    },
    async close() {
      child.signal('SIGTERM');
      const impatience = setTimeout(() => child.signal('SIGKILL'), 5_000);
      await child.ended;
      clearTimeout(impatience);
      await rm(directory, { recursive: true, force: true });
    }
  };
}
