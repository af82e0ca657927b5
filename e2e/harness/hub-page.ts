/**
 * What the hub's page shows, read from its DOM: rows in order and the word of the freshness stamp. The same reading is
 * done of the live document and of a fresh answer of the server, so that both can be compared. Relative times are left
 * out, since they differ by the second.
 */
import { expect, type Page } from '@playwright/test';

export interface ShownRow {
  id: number;
  status: string;
  name: string;
  environment: string;
  initiator: string;
  result: string;
}

/** Runs in the browser. `fresh`: of a new answer of the server for the page's own address, which touches nothing. */
async function readRows(fresh: boolean): Promise<ShownRow[]> {
  const root = fresh
    ? new DOMParser().parseFromString(await (await fetch(location.href, { cache: 'no-store' })).text(), 'text/html')
    : document;
  const text = (row: Element, selector: string): string =>
    (row.querySelector(selector)?.textContent ?? '').replace(/\s+/g, ' ').trim();
  return [...root.querySelectorAll('tbody tr')].map((row) => ({
    id: Number(row.querySelector('a')?.getAttribute('href')?.split('/').at(-1)),
    status: text(row, '.op__status'),
    name: text(row, '.op__name'),
    environment: text(row, '.op__env'),
    initiator: text(row, '.op__by'),
    result: text(row, '.op__result')
  }));
}

export function shownRows(page: Page): Promise<ShownRow[]> {
  return page.evaluate(readRows, false);
}

export function freshRows(page: Page): Promise<ShownRow[]> {
  return page.evaluate(readRows, true);
}

export async function shownIds(page: Page): Promise<number[]> {
  return (await shownRows(page)).map(({ id }) => id);
}

export function rowOf(page: Page, operationId: number) {
  return page.locator(`tbody tr:has(a[href$="/operations/${operationId}"])`);
}

/** The law: what a client shows equals what a fresh query returns. Polled, because writers may be at work. */
export async function expectEqualsFreshPage(page: Page, timeout = 10_000): Promise<void> {
  await expect(async () => {
    // Both readings in one go, and the fresh one first: what it has must be on screen by then or a moment later.
    const fresh = await freshRows(page);
    expect(await shownRows(page)).toEqual(fresh);
  }).toPass({ timeout, intervals: [100, 250, 500] });
}

/** The stamp's own word: Live, Reconnecting, Paused, As of …, Stale since … */
export function stampOf(page: Page) {
  // Beside it may stand that the source is silent, which is no word of the feed's.
  return page.locator('.stamp:not(.stamp--silent) .stamp__word');
}

export async function untilLive(page: Page, timeout = 10_000): Promise<void> {
  await expect(stampOf(page)).toHaveText('Live', { timeout });
}

/** A number of the status strip, by its word; also of the overview's. */
export function stripCount(page: Page, word: 'Active' | 'Stale' | 'Blocked' | 'Failed' | 'Partial' | 'Succeeded') {
  return page.locator('.strip__item', { hasText: word }).locator('.strip__count');
}

/** A tab of the list; its text is its name followed by its number, where it has one. */
export function tabOf(page: Page, name: string) {
  return page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: new RegExp(`^${name}`) });
}

/** What stands at the top of the hub: the decision card or the queue, by the operation that it leads to. */
export function attentionOn(page: Page, operationId: number) {
  return page.locator(`.lead a[href$="/operations/${operationId}"]`);
}
