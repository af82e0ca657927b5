/**
 * Brings what Watchfloor is compared with into bench/peers, when a bench asks for it: it is no dependency of the project,
 * so nobody else installs it. Exactly what the lock file there says; no install scripts. The peers need a newer Node than
 * Watchfloor does; where this one is older, they run on the one that comes with them.
 */
import { spawnSync } from 'node:child_process';
import { access, constants, readFile } from 'node:fs/promises';
import { tell } from './part.ts';

const FOLDER = new URL('./peers/', import.meta.url);
/** PostGraphile's and Zero's own word (`engines`). */
const OLDEST_NODE = 22;

/** The version of a peer that is there; throws with what to do when it cannot be had. */
export async function installPeer(name: string): Promise<string> {
  const wanted = (await readJson('package-lock.json'))!.packages![`node_modules/${name}`]!.version!;
  if ((await readVersion(name)) !== wanted) {
    tell(`peers: npm ci in bench/peers`);
    // What npm tells the scripts that it runs is about our package, not about this one.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(key))
    );
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], {
      cwd: FOLDER,
      env,
      encoding: 'utf8'
    });
    if (npm.status !== 0)
      throw new Error(
        `The peers could not be installed, so there is nothing to compare with: npm ci in bench/peers ended with ` +
          `${npm.status ?? npm.error?.message}. It needs npm and a registry that it can reach; no other part of the ` +
          `bench needs it. It said:\n${npm.stderr ?? ''}`
      );
  }
  const found = await readVersion(name);
  if (found !== wanted) throw new Error(`bench/peers should have ${name} ${wanted} and has ${found}.`);
  return found;
}

/** Node as the peers need it: this one when it is new enough, else the one that was installed beside them. */
export async function findNodeOfPeers(): Promise<string> {
  if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) return process.execPath;
  const found = new URL(`./node_modules/node-${process.platform}-${process.arch}/bin/node`, FOLDER).pathname;
  await access(found, constants.X_OK).catch(() => {
    throw new Error(`The peers need Node ${OLDEST_NODE} or newer, and there is none to install for this system.`);
  });
  return found;
}

const readVersion = async (name: string): Promise<string | undefined> =>
  (await readJson(`node_modules/${name}/package.json`))?.version;

interface Manifest {
  version?: string;
  packages?: Record<string, { version?: string }>;
}
async function readJson(path: string): Promise<Manifest | null> {
  const text = await readFile(new URL(path, FOLDER), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as Manifest);
}
