/**
 * The `test` of browser tests: a small world of its own in the shared server's database (two workspaces, people of every
 * narrowing, signed in), and pages opened as one of these people. What a page's console and sockets said is kept.
 * Invariant: every context that `open` made is closed after its test, and no test writes into the demo's workspaces.
 */
import { test as base, type BrowserContext, type BrowserContextOptions, type Page } from '@playwright/test';
import { makeWorld, type TestPerson, type World } from '../../tests/harness/world.ts';

/** A page as one person, with everything that its sockets received, as text. */
export interface Seat {
  page: Page;
  context: BrowserContext;
  received: string[];
}

export interface OpenOptions extends BrowserContextOptions {
  /** another server than the shared one */
  baseURL?: string;
}

interface Fixtures {
  world: World;
  /** Opens a path as this person in a browser context of its own. */
  open(person: Pick<TestPerson, 'cookie'>, path: string, options?: OpenOptions): Promise<Seat>;
}

export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads which fixtures are needed from the pattern
  world: async ({}, use) => {
    const world = await makeWorld(sharedDatabaseUrl());
    await use(world);
    await world.close();
  },
  open: async ({ browser, baseURL }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (person, path, options = {}) => {
      const context = await browser.newContext({ baseURL: baseURL!, ...options });
      contexts.push(context);
      await context.addCookies([toCookie(person, options.baseURL ?? baseURL!)]);
      const page = await context.newPage();
      const received: string[] = [];
      page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => received.push(String(payload))));
      await page.goto(path);
      return { page, context, received };
    });
    await Promise.all(contexts.map((context) => context.close()));
  }
});

export { expect } from '@playwright/test';

/** The session cookie of a test person in the form of Playwright. */
export function toCookie({ cookie }: Pick<TestPerson, 'cookie'>, url: string) {
  const [name = '', value = ''] = cookie.split('=', 2);
  return { name, value, url, httpOnly: true, sameSite: 'Lax' as const };
}

/** The superuser's address of the shared server's database. */
export function sharedDatabaseUrl(): string {
  const url = process.env['WATCHFLOOR_E2E_DATABASE_URL'];
  if (!url) throw new Error('The shared server was not started by e2e/harness/global-setup.ts.');
  return url;
}

export function hubPath(workspaceId: number, query = ''): string {
  return `/admin/workspaces/${workspaceId}/operations${query}`;
}
