/**
 * The release before this one, from the history of this repository: the sources before the newest migration came, built
 * in a temporary directory with the packages that are installed here. Twenty seconds, most of them the build.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readMigrations } from '../../src/lib/server/database/migrations.ts';

export interface EarlierRelease {
  /** its built server */
  server: string;
  commit: string;
  /** the newest migration that it knows */
  version: number;
  protocol: number;
  /** false for the releases before decision 0008, which refuse every newer schema */
  runsOnNewer: boolean;
  remove(): Promise<void>;
}

const project = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

const FOLDER = 'src/lib/server/database/migrations';

/**
 * The last commit that knows the first of the migrations alone, all of them as they are now: until a release is out its own migrations may
 * still be changed, and no database has seen what they were meanwhile. null where the history does not reach so far.
 */
export async function findEarlierRelease(): Promise<string | null> {
  const git = (...args: string[]): Promise<string[]> =>
    run('git', args, { cwd: project }).then(
      ({ stdout }) => stdout.split('\n').filter((line) => line !== ''),
      // Of a shallow clone the commits before are not there.
      () => []
    );
  const names = readMigrations().map(({ name }) => `${name}.sql`);
  const hashes = await git('hash-object', ...names.map((name) => `${FOLDER}/${name}`));
  const now = names.map((name, at) => `${hashes[at]} ${name}`);
  const changes = await git('log', '--format=%H', '-100', '--', FOLDER);
  // What is changed here and not yet committed makes the head the release before.
  for (const commit of ['HEAD', ...changes.map((hash) => `${hash}^`)]) {
    const then = (await git('ls-tree', `${commit}:${FOLDER}`))
      .map((line) => /^\d+ blob (\w+)\t(.*\.sql)$/.exec(line))
      .flatMap((found) => (found ? [`${found[1]} ${found[2]}`] : []));
    // The first ones: a merge may lack one in the middle, and no release does.
    if (then.length > 0 && then.length < now.length && then.every((line, at) => line === now[at]))
      return (await git('rev-parse', commit))[0] ?? null;
  }
  return null;
}

export async function buildEarlierRelease(commit: string): Promise<EarlierRelease> {
  const directory = await mkdtemp(join(tmpdir(), 'watchfloor-earlier-'));
  const archive = join(directory, 'sources.tar');
  await run('git', ['archive', '--output', archive, commit], { cwd: project });
  await run('tar', ['-xf', archive, '-C', directory]);
  await rm(archive);
  // One link each, so that what its build writes into node_modules stays its own.
  const modules = join(directory, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(project, 'node_modules')))
    await symlink(join(project, 'node_modules', name), join(modules, name));
  await run(process.execPath, ['scripts/build.mjs', '--quiet'], {
    cwd: directory,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC' },
    maxBuffer: 64 * 1024 * 1024
  });
  const read = (path: string): Promise<string> => readFile(join(directory, path), 'utf8');
  const protocol = /PROTOCOL_VERSION = (\d+)/.exec(await read('src/lib/live/protocol.ts'))?.[1];
  return {
    server: join(directory, 'build', 'watchfloor', 'server.js'),
    commit,
    version: readMigrations(directory).at(-1)!.version,
    protocol: Number(protocol),
    runsOnNewer: (await read('src/lib/server/database/migrations.ts')).includes('needs_release'),
    remove: () => rm(directory, { recursive: true, force: true })
  };
}
