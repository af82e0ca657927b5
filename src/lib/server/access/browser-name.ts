/**
 * What somebody calls the browser that they signed in with: "Firefox on Linux". From the User-Agent header, which anybody
 * can write: what is not known by these few names is not shown at all. Pure.
 */

/** The first that fits counts: most pretend to be the later ones. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?(?:iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\/|\bChrome\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari']
];
const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b|\biPad\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux']
];
/** Longer ones are made by hand. */
const LONGEST = 500;

/** null = it does not say, or something of its own. */
export function toBrowserName(userAgent: string | null): string | null {
  if (userAgent === null || userAgent.length > LONGEST) return null;
  const nameOf = (names: [RegExp, string][]) => names.find(([form]) => form.test(userAgent))?.[1];
  const [browser, system] = [nameOf(BROWSERS), nameOf(SYSTEMS)];
  if (browser === undefined) return null;
  return system === undefined ? browser : `${browser} on ${system}`;
}
