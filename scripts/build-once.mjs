/**
 * Builds when build/ was made from other sources than these. Plain Node without dependencies, for scripts that must work
 * right after a clone.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { hashSources, project, readBuiltHash } from './sources.mjs';

/** Returns when build/ is up to date; ends the process with a sentence when the build fails. */
export async function buildOnce() {
  if ((await hashSources()) === (await readBuiltHash())) return;
  process.stderr.write('Building (needed once, and after changes)…\n');
  const { status } = spawnSync(process.execPath, [join(project, 'scripts', 'build.mjs'), '--quiet'], {
    cwd: project,
    stdio: ['ignore', 2, 2]
  });
  if (status === 0) return;
  process.stderr.write(
    '\nThe build failed; the messages above say where. After a fresh clone that is a defect of ours.\n'
  );
  process.exit(1);
}
