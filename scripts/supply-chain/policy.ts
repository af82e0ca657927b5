/**
 * What may be among the packages: the oldest version of each that had an advisory (with the reason, so that somebody who
 * meets it again knows what the older one does), licences, and the scripts that may run on installation. Data alone; the
 * test beside it holds the lockfile to it. Sources: the advisories named, as published by November 2026.
 */

/** Every copy of it in the lockfile is at least of this version. */
export const OLDEST: Readonly<Record<string, { version: string; because: string }>> = {
  'socket.io-parser': {
    version: '4.2.7',
    because: 'CVE-2026-33151: attachments without end were awaited (4.2.6); binary packets that announce none (4.2.7)'
  },
  'engine.io': {
    version: '6.6.9',
    because:
      'CVE-2026-59725: binary POST ends the process (6.6.7); GHSA-gr94-w7qr-f4j3, GHSA-r635-g3xr-vw7x: sessions of ' +
      'WebTransport and polling exhaust connections'
  },
  ws: {
    version: '8.21.1',
    because: 'CVE-2026-48779 and CVE-2026-62389: fragments that never end fill the memory'
  },
  cookie: {
    version: '0.7.2',
    because: 'CVE-2024-47764: names and paths with characters that write other attributes (SvelteKit asks for 0.6)'
  },
  devalue: {
    version: '5.9.3',
    because: 'CVE-2025-57820, GHSA-mwv9-gp5h-frr4, CVE-2026-123561: prototypes from what is parsed, and its bypass'
  },
  '@sveltejs/kit': {
    version: '2.70.4',
    because:
      'CVE-2026-40073: BODY_SIZE_LIMIT passed by (2.57.1); GHSA-wqjv-9729-c5q2: large payloads end the process (2.69.1); and what was mended until 2.70.4'
  },
  esbuild: { version: '0.25.0', because: 'GHSA-67mh-4wv8-2f99: any site read the answers of its development server' }
};

/** By their SPDX names: what asks for nothing but to be named, or (MPL, fonts) only of changes to the package itself. */
export const LICENCES: readonly string[] = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'MPL-2.0',
  'OFL-1.1',
  'Unlicense'
];

/** Packages whose package.json says it in no form that npm reads, and what their own LICENSE file says. */
export const LICENCES_BY_HAND: Readonly<Record<string, string>> = { 'xmlhttprequest-ssl': 'MIT' };
