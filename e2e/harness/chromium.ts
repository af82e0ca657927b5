/** The browser of the tests is found as the smoke finds it. */
export { findChromium } from '../../src/smoke/chromium.ts';
