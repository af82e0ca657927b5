/** SECURITY.md and FINDINGS.md: each line is of its form, and every test that one names is there under that name. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The rows of the tables of a page that have this many columns, without their heads. */
function rowsOf(text: string, columns: number): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim())
    )
    .filter((cells) => cells.length === columns);
}

/** `path`: part of a title. null = it names no test. */
function findMissing(cell: string): string | null {
  const [, path, title] = /^`([^`]+)`: (.+)$/.exec(cell) ?? [];
  if (path === undefined || title === undefined) return `names no test: ${cell}`;
  if (!existsSync(join(root, path))) return `no such file: ${path}`;
  return read(path).includes(title) ? null : `${path} has nothing called: ${title}`;
}

const asvs = rowsOf(read('docs/SECURITY.md').split('## ASVS 5.0, level 2')[1]!, 4).filter(([id]) => id !== 'ASVS');
const findings = rowsOf(read('docs/FINDINGS.md'), 5).filter(([by]) => by !== 'found by');

test('what is said to be shown names a test that is there; what is not yet says why', () => {
  expect(asvs.length).toBeGreaterThan(120);
  const missing = asvs.filter(([, , state]) => state === 'shown').map(([id, , , by]) => [id, findMissing(by!)]);
  expect(missing.filter(([, what]) => what !== null)).toEqual([]);
  const states = ['shown', 'documented', 'not yet', 'does not apply'];
  expect(asvs.filter(([, , state]) => !states.includes(state!))).toEqual([]);
  expect(asvs.filter(([, what, , by]) => !what || by!.length < 5)).toEqual([]);
});

test('no requirement stands there twice, and the chapters that apply are there', () => {
  const ids = asvs.map(([id]) => id!);
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
  for (const chapter of [1, 2, 3, 4, 6, 7, 8, 9, 12, 13, 14, 15, 16])
    expect(ids.filter((id) => id.replace('(', '').startsWith(`${chapter}.`)).length, `V${chapter}`).toBeGreaterThan(2);
});

test('most is shown, and what is not is said in words above the table', () => {
  const count = (state: string) => asvs.filter(([, , is]) => is === state).length;
  expect(count('shown')).toBeGreaterThan(asvs.length / 2);
  expect(count('not yet')).toBeGreaterThan(0);
  expect(read('docs/SECURITY.md')).toContain('## What is not there');
});

test('every finding has a verdict, a mended one the test that would find it again, and others a reason', () => {
  expect(findings.length).toBeGreaterThan(10);
  for (const [by, door, what, verdict, why] of findings) {
    expect(by && door && what && why, what).toBeTruthy();
    expect(['mended', 'no defect', 'accepted'], what).toContain(verdict);
    if (verdict === 'mended') expect(findMissing(why!), what).toBeNull();
  }
});

test('a name that is no test, or no file, is noticed', () => {
  expect(findMissing('`scripts/supply-chain/documents.test.ts`: a name that is no test')).toBeNull();
  expect(
    findMissing('`scripts/supply-chain/documents.test.ts`: a test that was renamed'.replace('was', 'had been'))
  ).toContain('has nothing');
  expect(findMissing('`tests/gone.pg.test.ts`: something')).toContain('no such file');
  expect(findMissing('some words')).toContain('names no test');
});
