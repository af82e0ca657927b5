/**
 * Takes pictures of the real pages of a running server, to be looked at by a person: each page at the widths and in the
 * themes that the design was drawn in. It judges nothing. Use:
 *   BASE_URL=http://localhost:3000 EMAIL=… PASSWORD=… [OUT=artifacts/pictures] [ONLY=hub] npx tsx e2e/pictures/take.ts
 */
import { mkdir } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { openBrowser } from './browser.ts';

const BASE_URL = process.env['BASE_URL'] ?? 'http://localhost:3000';
const OUT = process.env['OUT'] ?? 'artifacts/pictures';
const ONLY = process.env['ONLY'];

const SIZES = [
  { name: 'light', width: 1440, height: 900, theme: 'light' },
  { name: 'dark', width: 1440, height: 900, theme: 'dark' },
  { name: 'wide', width: 1920, height: 1080, theme: 'light' },
  { name: 'tablet', width: 900, height: 1100, theme: 'light' },
  { name: 'phone', width: 390, height: 844, theme: 'light' }
] as const;

async function signIn(page: Page): Promise<void> {
  await page.goto(`${BASE_URL}/login`);
  await page.getByLabel('Email').fill(process.env['EMAIL'] ?? 'maren.holt@haldenroy.example');
  await page.getByLabel('Password').fill(process.env['PASSWORD'] ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/admin/);
}

const browser = await openBrowser();
await mkdir(OUT, { recursive: true });
try {
  const account = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'en-GB' });
  await signIn(await account.newPage());
  const storageState = await account.storageState();
  for (const size of SIZES) {
    const options = {
      viewport: { width: size.width, height: size.height },
      colorScheme: size.theme,
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB'
    };
    const context = await browser.newContext({ ...options, storageState });
    const page = await context.newPage();
    const take = async (name: string): Promise<void> => {
      if (ONLY && !name.startsWith(ONLY)) return;
      await page.screenshot({ path: `${OUT}/${name}-${size.name}.png` });
    };
    await page.goto(`${BASE_URL}/admin`);
    await take('admin');
    const hub = (await page.locator('main a').first().getAttribute('href')) ?? '';
    await page.goto(BASE_URL + hub);
    await page.getByText('Live', { exact: true }).waitFor();
    await take('hub');
    const environment = await page.locator('a[href*="environment_id"]').first().getAttribute('href');
    const links = await page
      .locator('a[href*="/operations/"]')
      .evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).href));
    await page.goto(BASE_URL + environment);
    await page.getByText('Live', { exact: true }).waitFor();
    await take('environment');
    for (const [i, link] of [links.at(0), links.at(-1)].entries()) {
      await page.goto(link ?? '');
      await page.getByText('Live', { exact: true }).waitFor();
      await take(`detail${i}`);
    }
    for (const name of ['connection', 'delivery'] as const) {
      await page.goto(
        BASE_URL + (name === 'connection' ? '/admin/connection' : hub.replace(/operations.*$/, 'delivery'))
      );
      await page.getByText('Live', { exact: true }).waitFor();
      // Plots come with their own code, and round trips with the seconds.
      if (name === 'delivery') await page.locator('canvas').first().waitFor();
      await page.locator('h2').first().waitFor();
      if (!ONLY || name.startsWith(ONLY))
        await page.screenshot({ path: `${OUT}/${name}-${size.name}.png`, fullPage: true });
    }
    await page.goto(`${BASE_URL}/admin/workspaces/999/operations`);
    await take('missing');
    await page.goto(`${BASE_URL}${hub}?rows=999`);
    await take('malformed');
    const stranger = await browser.newContext(options);
    const login = await stranger.newPage();
    await login.goto(`${BASE_URL}/login`);
    if (!ONLY || ONLY === 'login') await login.screenshot({ path: `${OUT}/login-${size.name}.png` });
    await stranger.close();
    await context.close();
  }
} finally {
  await browser.close();
}
