/**
 * Where the project is, and what its build and its installation depend on. Plain Node without dependencies: it runs
 * before anything is installed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = await realpath(dirname(dirname(fileURLToPath(import.meta.url))));

/** Files and folders whose contents end up in build/. */
const SOURCES = [
  'src',
  'static',
  'svelte.config.js',
  'vite.config.ts',
  'tsconfig.json',
  'package.json',
  'package-lock.json'
];
const NOT_BUILT = /\.test\.ts$|\.sql$/;

/** A hash of the contents of everything that the build is made from; a few milliseconds per hundred files. */
export async function hashSources() {
  const hash = createHash('sha256').update(process.version.split('.')[0]);
  for (const source of SOURCES) {
    for (const file of await listFiles(join(project, source))) {
      if (NOT_BUILT.test(file)) continue;
      hash.update(`\0${relative(project, file)}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex');
}

/** The hash that the present build was made from, or null. */
export async function readBuiltHash() {
  return readFile(join(project, 'build', '.sources'), 'utf8').then(
    (text) => text.trim(),
    () => null
  );
}

/** True when node_modules holds what package-lock.json asks for, as far as npm itself wrote it down. */
export async function isInstalled() {
  try {
    const wanted = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')).packages;
    const found = JSON.parse(await readFile(join(project, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(
      ([path, { version, optional, link }]) => path === '' || optional || link || found[path]?.version === version
    );
  } catch {
    return false;
  }
}

async function listFiles(path) {
  const found = await stat(path).catch(() => null);
  if (found === null) return [];
  if (found.isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
