/** The Chromium that comes with the development packages; none has to be installed on the machine. */
import { chromium, type Browser } from '@playwright/test';

export async function openBrowser(): Promise<Browser> {
  const { default: packed } = await import('@sparticuz/chromium');
  return chromium.launch({
    executablePath: await packed.executablePath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking']
  });
}
