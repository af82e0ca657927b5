/**
 * A Chromium, wherever it can be found: one that is named, Playwright's own if it was installed, the system's, and else
 * the one of the package @sparticuz/chromium where that is installed, so that a clone needs nothing but npm. The package
 * unpacks into a shared temporary directory and takes whatever stands there for finished; ours is unpacked once, aside,
 * and renamed.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const SYSTEM_BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
  .map((name) => `/usr/bin/${name}`)
  .concat('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome');

/** Not the package's own arguments: they switch the web's security off, which is what is tested here. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

export interface FoundChromium {
  executablePath: string;
  args: string[];
}

/** `chosen`: a path, with the name of what set it. Throws a sentence when there is none. */
export async function findChromium(
  chosen = process.env['WATCHFLOOR_CHROMIUM'],
  name = 'WATCHFLOOR_CHROMIUM'
): Promise<FoundChromium> {
  if (chosen && !existsSync(chosen)) throw new Error(`${name} is "${chosen}", and there is no such file.`);
  const found = chosen || [chromium.executablePath(), ...SYSTEM_BROWSERS].find((path) => path && existsSync(path));
  return { executablePath: found ?? (await unpackPackaged()), args: ARGUMENTS };
}

/** About 4 s and 200 MB the first time, below node_modules, where `npm ci` clears it away with the package. */
async function unpackPackaged(): Promise<string> {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  } catch {
    throw new Error(
      'No Chromium was found. Install one (npx playwright install chromium, or a package of the system), or name it by WATCHFLOOR_CHROMIUM.'
    );
  }
  const { version } = JSON.parse(await readFile(join(packageOf(entry), 'package.json'), 'utf8')) as { version: string };
  const cache = join(packageOf(entry), '..', '..', '.cache');
  const place = join(cache, `chromium-${version}`);
  if (existsSync(place)) return join(place, 'chromium');
  await mkdir(cache, { recursive: true }).catch(() => undefined);
  const aside = await mkdtemp(join(existsSync(cache) ? cache : tmpdir(), 'chromium-'));
  // Unpacks into the temporary directory of its process, so that is set for a process of its own.
  const unpack = `import(${JSON.stringify(entry)}).then((m) => (m.default.default ?? m.default).executablePath())`;
  await promisify(execFile)(process.execPath, ['-e', unpack], { env: { ...process.env, TMPDIR: aside } });
  // Installed by one user, tested by another: both must be able to run it.
  await Promise.all([chmod(aside, 0o755), chmod(join(aside, 'chromium'), 0o755)]);
  try {
    await rename(aside, place);
    return join(place, 'chromium');
  } catch {
    if (!existsSync(place)) return join(aside, 'chromium');
    await rm(aside, { recursive: true, force: true });
    return join(place, 'chromium');
  }
}

/** From `…/node_modules/@sparticuz/chromium/build/…/index.js` to the package. */
function packageOf(entry: string): string {
  let directory = dirname(entry);
  while (!existsSync(join(directory, 'package.json')) || !existsSync(join(directory, 'bin'))) {
    directory = dirname(directory);
  }
  return directory;
}
