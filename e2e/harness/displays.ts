/**
 * Screens for browser tests: a browser without anybody signed in that opens /wall, and the person who pairs it by its code
 * at the Displays page, as people do.
 */
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { expect } from './test.ts';

export interface TestScreen {
  page: Page;
  context: BrowserContext;
  /** every document that the screen loaded, in order: a wall loads one */
  loads: string[];
}

/** Opens /wall in a browser of its own. */
export async function openScreen(browser: Browser, baseURL: string): Promise<TestScreen> {
  const context = await browser.newContext({ baseURL, viewport: { width: 1920, height: 1080 } });
  const page = await context.newPage();
  const loads: string[] = [];
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) loads.push(request.url());
  });
  await page.goto('/wall');
  return { page, context, loads };
}

/** The code that the screen shows, once it shows one. */
export async function readCode(page: Page): Promise<string> {
  const shown = page.getByLabel(/^Code( [BCDFGHJKLMNPQRSTVWXZ]){8}$/);
  await expect(shown).toBeVisible({ timeout: 15_000 });
  return (await shown.getAttribute('aria-label'))!.slice('Code '.length).replaceAll(' ', '');
}

export interface PairAs {
  name: string;
  /** null = the whole workspace */
  environments?: string[] | null;
}

/** Enters the code at the Displays page, approves the screen, and leaves the list on the page. */
export async function pair(admin: Page, workspaceId: number, code: string, as: PairAs): Promise<void> {
  const { name, environments = null } = as;
  await admin.goto(`/admin/workspaces/${workspaceId}/displays`);
  await admin.getByLabel('Code on the screen').fill(`${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase());
  await admin.getByRole('button', { name: 'Look it up' }).click();
  await admin.getByLabel('Name').fill(name);
  if (environments) {
    await admin.getByLabel(/^Some environments/).check();
    for (const environment of environments) await admin.getByLabel(environment, { exact: true }).check();
  }
  await admin.getByRole('button', { name: 'Approve this screen' }).click();
  await expect(admin.getByRole('link', { name })).toBeVisible();
}

/** The wall as it says it is: live, stale, … */
export const wallIn = (page: Page, state: string) => page.locator(`main.wall[data-state="${state}"]`);

export async function untilWallLive(page: Page, timeout = 30_000): Promise<void> {
  await expect(wallIn(page, 'live')).toBeVisible({ timeout });
}
