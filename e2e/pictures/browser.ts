/** The browser of the tests, for scripts that take pictures outside a test run. */
import { chromium, type Browser } from '@playwright/test';
import { findChromium } from '../harness/chromium.ts';

export async function openBrowser(): Promise<Browser> {
  return chromium.launch(await findChromium());
}
