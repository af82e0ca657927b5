/** The mutants still fit today's sources, and docs/TESTING.md tells of exactly these. What kills them: test:mutants. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { MUTANTS } from './list.ts';
import { applyEdit, whatIsWrong } from './mutant.ts';
import { fillPage, readPage } from './table.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'the mutant %s fits the sources exactly once, and the tests that kill it are there',
  (_name, mutant) => {
    expect(whatIsWrong(root, mutant)).toEqual([]);
    expect(mutant.killers.length).toBeGreaterThan(0);
  }
);

test('no two mutants have the same name', () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

test('docs/TESTING.md lists exactly these mutants, each as killed', () => {
  const page = `${root}docs/TESTING.md`;
  expect(existsSync(page)).toBe(true);
  const listed = readPage(readFileSync(page, 'utf8'));
  expect(listed.map(({ name }) => name)).toEqual(MUTANTS.map(({ name }) => name));
  expect(listed.filter(({ isKilled }) => !isKilled)).toEqual([]);
});

test('an edit that fits nowhere or twice is refused', () => {
  const edit = { file: 'a.ts', old: 'x', new: 'y' };
  expect(applyEdit('axb', edit)).toBe('ayb');
  for (const text of ['ab', 'xax']) expect(() => applyEdit(text, edit)).toThrow('needs it once');
});

test('the table is read back as it was written, survivors too, and keeps what was not tried again', () => {
  const [one, two] = [MUTANTS[0]!, MUTANTS[1]!];
  const killer = { file: 'tests/x.pg.test.ts', title: 'a | b', why: '' };
  const empty = 'before\n<!-- mutants -->\nold\n<!-- /mutants -->\nafter\n';
  const first = fillPage(
    empty,
    [one, two],
    [
      { mutant: one, killer, broken: null },
      { mutant: two, killer: null, broken: null }
    ]
  );
  const read = (page: string) => readPage(page).map(({ name, isKilled }) => [name, isKilled]);
  expect(read(first)).toEqual([
    [one.name, true],
    [two.name, false]
  ]);
  expect([first.includes('old'), first.startsWith('before'), first.endsWith('after\n')]).toEqual([false, true, true]);
  const second = fillPage(first, [one, two], [{ mutant: two, killer, broken: null }]);
  expect(read(second)).toEqual([
    [one.name, true],
    [two.name, true]
  ]);
  expect(second).toContain('2 of 2 are noticed.');
  // What says something else now has to be tried again.
  expect(read(fillPage(second, [{ ...one, fault: 'Another fault' }, two], []))).toEqual([[two.name, true]]);
  expect(() => fillPage('without markers', [], [])).toThrow('lacks the markers');
});
