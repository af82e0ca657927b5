/**
 * The screens that the wall is made for, and what must hold on each of them: nothing scrolls, nothing leaves the screen,
 * no text is cut that must be whole. Functions that run in the page are self-contained.
 */
import type { Page } from '@playwright/test';

export const WALL_SIZES = [
  { name: '720p', width: 1280, height: 720, scale: 1 },
  { name: 'hd', width: 1920, height: 1080, scale: 1 },
  { name: '4k', width: 3840, height: 2160, scale: 1 },
  { name: '4k-2x', width: 1920, height: 1080, scale: 2 },
  { name: 'tall', width: 1080, height: 1920, scale: 1 },
  { name: 'wide', width: 2560, height: 1080, scale: 1 }
] as const;

/** Opens a state of `serveWallStates`, with its letters loaded. */
export async function openWallState(page: Page, url: string, state: string): Promise<void> {
  await page.goto(`${url}?${state}`);
  await page.locator('.wall').waitFor();
  await page.evaluate(() => document.fonts.ready);
}

/** Another state of the same page, as quick as a feed would bring it; `lookBack` gives the stamp its last minute. */
export async function showWallState(page: Page, state: string): Promise<void> {
  await page.evaluate((name) => {
    const { feed, flush } = window.wall;
    feed.show(name);
    flush();
    feed.lookBack(flush);
  }, state);
}

/** In the page: everything that is not where it should be, as sentences. */
export function leavesScreen(): string[] {
  const faults: string[] = [];
  // An eighth of a line is room for descenders, not a line.
  const tolerance = Math.max(2, 0.125 * parseFloat(getComputedStyle(document.documentElement).fontSize));
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth || root.scrollHeight > root.clientHeight) {
    faults.push(`scrolls: ${root.scrollWidth}×${root.scrollHeight} in ${root.clientWidth}×${root.clientHeight}`);
  }
  const [right, bottom] = [window.innerWidth + 1, window.innerHeight + 1];
  // A method: what runs in the page may not need the names that a compiler adds to functions.
  const words = {
    of({ className, tagName, textContent }: Element): string {
      return `${className || tagName} “${textContent.trim().replace(/\s+/g, ' ').slice(0, 40)}”`;
    }
  };
  for (const element of document.querySelectorAll<HTMLElement>(
    '.wall *:not(.frame, .door, .unseen, .curtain, .curtain *, svg *)'
  )) {
    const box = element.getBoundingClientRect();
    // The box of an inline element is that of its letters' line, and larger than what is drawn.
    if (box.width === 0 || box.height === 0 || getComputedStyle(element).display === 'inline') continue;
    if (box.left < -1 || box.top < -1 || box.right > right || box.bottom > bottom) {
      faults.push(`leaves the screen: ${words.of(element)}`);
      continue;
    }
    // A part's content must not leave the part: it would lie over its neighbour.
    const over = Math.round(element.scrollHeight - element.clientHeight);
    if (
      element.matches('section, ol, ul, dl, .tile, .row, .cell, .cause, .note, .field .body, .loss') &&
      over > tolerance
    ) {
      faults.push(`${over} px too high: ${words.of(element)}`);
    }
    if (
      element.matches('.whole') &&
      element.scrollWidth > element.clientWidth + 1 &&
      getComputedStyle(element).display !== 'inline'
    ) {
      faults.push(`cut: ${words.of(element)}`);
    }
    const parent = element.parentElement?.closest('section, header, li, .door > *, .frame > *');
    const place = parent?.getBoundingClientRect();
    if (place && element.matches('.whole, .word, .sentence, .numeral, .clock') && box.right > place.right + 2) {
      faults.push(`wider than its place by ${Math.round(box.right - place.right)} px: ${words.of(element)}`);
    }
  }
  return faults;
}
