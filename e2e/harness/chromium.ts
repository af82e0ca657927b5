/**
 * The browser of the tests: the Chromium that comes as a package, so that none has to be installed on the machine.
 * WATCHFLOOR_CHROMIUM (a path) chooses another one.
 */
import chromium from '@sparticuz/chromium';

export async function findChromium(): Promise<{ executablePath: string; args: string[] }> {
  return {
    executablePath: process.env['WATCHFLOOR_CHROMIUM'] || (await chromium.executablePath()),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  };
}
