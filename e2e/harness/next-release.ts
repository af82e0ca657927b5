/**
 * The build as the release after this one would have it: another version of the wire in the server and in the pages,
 * another version of the application, and other addresses for its files. Made from the build under test by writing those
 * over in a copy, which takes a second where building anew takes twenty; the server knows nothing of tests.
 */
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROTOCOL_VERSION } from '../../src/lib/live/protocol.ts';
import { BUILD, PROJECT } from './instance.ts';

export const NEXT_PROTOCOL = PROTOCOL_VERSION + 1;

export interface NextRelease {
  build: string;
  remove(): Promise<void>;
}

/** `pages: 'same'`: only the server speaks another version, as where a proxy leads sockets to other nodes than pages. */
export async function makeNextRelease({ pages }: { pages: 'next' | 'same' }): Promise<NextRelease> {
  // Below the project, so that packages and migrations are found from there.
  const home = join(PROJECT, 'node_modules', '.cache', `watchfloor-next-${process.pid}-${pages}`);
  const build = join(home, 'build');
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await cp(BUILD, build, { recursive: true });
  let servers = 0;
  let clients = 0;
  const { version } = JSON.parse(await readFile(join(build, 'client', '_app', 'version.json'), 'utf8')) as {
    version: string;
  };
  for (const entry of await readdir(build, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    if (/\.(br|gz)$/.test(file)) await rm(file);
    else if (/\.(js|css|json)$/.test(file)) {
      const text = await readFile(file, 'utf8');
      // The bundler writes the number wherever the constant stood; nothing else is compared or told so.
      const told = new RegExp(`\\b((?:protocol|version) !== |protocol: )${PROTOCOL_VERSION}\\b`, 'g');
      let next = text.replace(told, (_, before: string) => `${before}${NEXT_PROTOCOL}`);
      if (next !== text && file.includes(join('build', 'watchfloor'))) servers += 1;
      if (pages === 'next') {
        const ofPages = next.replaceAll(`{protocol:${PROTOCOL_VERSION},...`, `{protocol:${NEXT_PROTOCOL},...`);
        if (ofPages !== next) clients += 1;
        next = ofPages.replaceAll(version, `${version}1`).replace(/\b_app\b/g, '_next');
      }
      if (next !== text) await writeFile(file, next);
    }
  }
  if (pages === 'next') {
    await rename(join(build, 'client', '_app'), join(build, 'client', '_next'));
    // Every release tells its version at the same address: pages of the one before ask there.
    await mkdir(join(build, 'client', '_app'));
    await rename(join(build, 'client', '_next', 'version.json'), join(build, 'client', '_app', 'version.json'));
  }
  if (servers === 0 || clients !== (pages === 'next' ? 1 : 0))
    throw new Error(`The version of the wire was found in ${servers} files of the server and ${clients} of the pages.`);
  return { build, remove: () => rm(home, { recursive: true, force: true }) };
}
