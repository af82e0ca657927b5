/** The lockfile as it is: fixed versions, licences, no scripts of strangers, no registry named, everything hashed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LICENCES, LICENCES_BY_HAND, OLDEST } from './policy.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));
interface Locked {
  version: string;
  license?: string;
  integrity?: string;
  resolved?: string;
  hasInstallScript?: boolean;
  link?: boolean;
}
const locked = Object.entries((readJson('package-lock.json') as { packages: Record<string, Locked> }).packages)
  .filter(([path]) => path !== '')
  .map(([path, entry]) => ({ path, name: path.replace(/^.*node_modules\//, ''), ...entry }));
const manifest = readJson('package.json') as { allowScripts: Record<string, boolean>; version: string };

/** Negative, zero or positive, as for sorting; a pre-release comes before its release. */
function compare(one: string, other: string): number {
  const parts = (version: string) => version.split('-', 1)[0]!.split('.').map(Number);
  const [a, b] = [parts(one), parts(other)];
  for (const at of [0, 1, 2]) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return Number(other.includes('-')) - Number(one.includes('-'));
}

test('versions compare as numbers, and a pre-release is older than its release', () => {
  const sorted = ['0.9.9', '0.10.0', '1.0.0-beta.2', '1.0.0', '1.0.1'];
  expect(sorted.toReversed().sort(compare)).toEqual(sorted);
});

test.each(Object.entries(OLDEST))('no copy of %s is older than the one that mended what is known', (name, oldest) => {
  const copies = locked.filter((one) => one.name === name);
  expect(copies.length).toBeGreaterThan(0);
  expect(copies.filter(({ version }) => compare(version, oldest.version) < 0)).toEqual([]);
  expect(oldest.because.length).toBeGreaterThan(20);
});

test('every package has a licence that may be used, and what is said by hand is needed', () => {
  const found = locked.map(({ path, name, license }) => ({ path, licence: license ?? LICENCES_BY_HAND[name] }));
  expect(found.filter(({ licence }) => licence === undefined || !LICENCES.includes(licence))).toEqual([]);
  const silent = new Set(locked.filter(({ license }) => license === undefined).map(({ name }) => name));
  expect(Object.keys(LICENCES_BY_HAND).filter((name) => !silent.has(name))).toEqual([]);
});

test('a package that brings a script for its installation is named, with whether it may run; none may now', () => {
  const scripted = locked.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
  expect(scripted.length).toBeGreaterThan(0);
  expect(scripted.filter((name) => !(name in manifest.allowScripts))).toEqual([]);
  expect(Object.entries(manifest.allowScripts).filter(([, mayRun]) => mayRun)).toEqual([]);
});

test('each package is held by its hash, and none names where it came from', () => {
  expect(locked.filter(({ integrity, link }) => !link && !integrity?.startsWith('sha512-'))).toEqual([]);
  expect(locked.filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

test('the bill of materials names every package that a server needs, each with its version and licence', () => {
  const directory = mkdtempSync(join(tmpdir(), 'watchfloor-sbom-'));
  try {
    const file = join(directory, 'sbom.json');
    execFileSync(process.execPath, ['scripts/sbom.mjs', file], { cwd: root });
    const bill = JSON.parse(readFileSync(file, 'utf8')) as {
      bomFormat: string;
      metadata: { component: { name: string; version: string } };
      components: { name: string; version: string; purl: string; licenses?: unknown[]; hashes?: unknown[] }[];
    };
    expect(bill.bomFormat).toBe('CycloneDX');
    expect(bill.metadata.component).toMatchObject({ name: 'watchfloor', version: manifest.version });
    const names = new Set(bill.components.map(({ name }) => name));
    for (const name of ['socket.io', 'pg', 'lucia', '@sveltejs/kit', '@node-rs/argon2']) expect(names).toContain(name);
    for (const name of ['vitest', 'eslint']) expect(names).not.toContain(name);
    const versions = new Set(locked.map(({ name, version }) => `${name}@${version}`));
    for (const { name, version, purl, licenses } of bill.components) {
      expect(versions).toContain(`${name}@${version}`);
      expect(purl).toMatch(/^pkg:npm\//);
      expect(licenses?.length ?? 0, name).toBeGreaterThan(name in LICENCES_BY_HAND ? -1 : 0);
    }
    expect(readFileSync(file, 'utf8')).not.toContain(root);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);
