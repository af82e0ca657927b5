/**
 * Installs what package-lock.json asks for, unless it is there. Used by every script that can be the first one after a
 * clone. Plain Node without dependencies.
 */
import { spawnSync } from 'node:child_process';
import { isInstalled, project } from './sources.mjs';

/** Returns when everything is there; ends the process with a sentence when npm fails. */
export async function installOnce() {
  if (await isInstalled()) return;
  process.stderr.write('Installing packages (npm ci); this is needed once…\n');
  // Under NODE_ENV=production npm would leave out what builds and tests.
  const environment = { ...process.env, NODE_ENV: '' };
  const { status, error } = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: project,
    env: environment,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32'
  });
  if (status === 0) return;
  process.stderr.write(
    `\nnpm could not install the packages${error ? ` (${error.message})` : ''}. ` +
      'Read its message above; behind a proxy, set npm up for it ("npm config set proxy …"). Then start again.\n'
  );
  process.exit(1);
}
