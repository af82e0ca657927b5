/**
 * Browser tests against the built server (`npm run build` first). One shared server with demo data per run, started by
 * e2e/harness/global-setup.ts; two workers, because two cores are what CI has. A test that fails sometimes is a
 * defect: there are no retries but in CI, where what passed only when run again is printed at the end.
 */
import { defineConfig } from '@playwright/test';
import { findChromium } from './e2e/harness/chromium.ts';

const baseURL = process.env['WATCHFLOOR_E2E_URL'];

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  globalSetup: './e2e/harness/global-setup.ts',
  outputDir: 'test-results',
  workers: 2,
  // Each test has a world of its own; else the last file would keep one core waiting.
  fullyParallel: true,
  retries: Number(process.env['WATCHFLOOR_TEST_RETRIES'] ?? 0),
  forbidOnly: !!process.env['CI'],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    ...(baseURL && { baseURL }),
    launchOptions: await findChromium(),
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
    trace: 'off'
  }
});
